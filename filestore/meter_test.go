package filestore_test

import "testing"

// measure runs a benchmark's operation, and reports what it costs beside the time that passes:
// allocations, what meter measures, and its system calls.
func measure(b *testing.B, op func()) {
	b.Helper()
	c, counted := countCalls(op)
	b.ReportAllocs()
	m := newMeter()
	for b.Loop() {
		op()
	}
	m.report(b)
	if counted {
		b.ReportMetric(float64(c.all), "syscalls/op")
		b.ReportMetric(float64(c.opens), "opens/op")
	}
}

// calls are the system calls of an operation, and those of them that open a file or folder, or fail
// to.
type calls struct{ all, opens int64 }
