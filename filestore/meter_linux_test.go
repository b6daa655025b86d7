package filestore_test

import (
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// meter reports what a benchmark's loop cost beside the time that passed, which other work on the
// machine lengthens: processor time of all threads, in the program and in the kernel, and the most
// memory that the process had, its binary included.
type meter struct{ cpu int64 }

func newMeter() meter {
	_ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) // resets the peak
	return meter{cpuNanos()}
}

func cpuNanos() int64 {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		return 0
	}
	return r.Utime.Nano() + r.Stime.Nano()
}

func (m meter) report(b *testing.B) {
	b.Helper()
	b.ReportMetric(float64(cpuNanos()-m.cpu)/1e3/float64(b.N), "cpu-µs/op")
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	if fields := strings.Fields(rest); len(fields) > 0 {
		if kib, err := strconv.Atoi(fields[0]); err == nil {
			b.ReportMetric(float64(kib)/1024, "MiB-peak")
		}
	}
}
