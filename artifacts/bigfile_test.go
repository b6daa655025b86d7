package artifacts

import (
	"context"
	"errors"
	"io"
	"os"
	"runtime"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlruns/mlruns"
)

func (w world) sparse(p string, size int64) {
	w.t.Helper()
	w.file(p, "")
	if err := os.Truncate(w.at(p), size); err != nil {
		w.t.Fatal(err)
	}
}

// A big file costs no memory, whichever way it comes and goes: the limit is on all that is
// allocated, freed or not.
func TestBigFileIsStreamed(t *testing.T) {
	const size, limit = 2*stretch + 1, 2 << 20
	w := newWorld(t)
	r := w.own()
	w.sparse("big", size)
	for _, c := range []struct {
		name string
		do   func() error
	}{
		{"Log", func() error { return r.Log(t.Context(), w.at("big"), "") }},
		{"Write", func() error { return r.Write(t.Context(), "generic", io.LimitReader(zeros{}, size)) }},
		{"Download", func() error { _, err := r.Download(t.Context(), "big", w.at("out")); return err }},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if err := c.do(); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		runtime.ReadMemStats(&after)
		if got := after.TotalAlloc - before.TotalAlloc; got > limit {
			t.Errorf("%s of %d bytes allocated %d, want at most %d", c.name, size, got, limit)
		}
	}
	list, err := r.List(t.Context(), "")
	if diff := cmp.Diff([]mlruns.FileInfo{{Path: "big", Size: size}, {Path: "generic", Size: size}}, list); diff != "" || err != nil {
		t.Errorf("List (-want +got): %v\n%s", err, diff)
	}
	if info, err := os.Stat(w.at("out/big")); err != nil || info.Size() != size {
		t.Errorf("downloaded: %v, %v, want %d bytes", info, err, size)
	}
}

// endsAfter is a context that ends after so many looks at it, which no timer could hit as well.
type endsAfter struct {
	context.Context
	looks int
}

func (c *endsAfter) Err() error {
	if c.looks--; c.looks < 0 {
		return context.Canceled
	}
	return nil
}

func TestCancelledCopyLeavesNothing(t *testing.T) {
	w := newWorld(t)
	r := w.own()
	w.sparse("big", 2*stretch+1)
	w.file("new/0/r/artifacts/big", "old")
	before := tree(t, w.at("new"))
	stopped := 0
	for looks := 0; ; looks++ {
		err := r.Log(&endsAfter{t.Context(), looks}, w.at("big"), "")
		if err == nil {
			break
		}
		if !errors.Is(err, context.Canceled) {
			t.Fatalf("Log that is cancelled at look %d: %v, want context.Canceled", looks, err)
		}
		wantTree(t, w.at("new"), before)
		stopped++
	}
	if stopped < 4 { // at the start, and before each of three stretches
		t.Errorf("the copy could be stopped at %d points, want at least 4", stopped)
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

func BenchmarkWrite(b *testing.B) {
	for _, c := range []struct {
		name string
		size int64
	}{{"1KiB", 1 << 10}, {"64MiB", 64 << 20}} {
		b.Run(c.name, func(b *testing.B) {
			r := newWorld(b).own()
			b.SetBytes(c.size)
			b.ReportAllocs()
			for b.Loop() {
				if err := r.Write(b.Context(), "f", io.LimitReader(zeros{}, c.size)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkLog copies from file to file.
func BenchmarkLog(b *testing.B) {
	for _, c := range []struct {
		name string
		size int
	}{{"1KiB", 1 << 10}, {"64MiB", 64 << 20}} {
		b.Run(c.name, func(b *testing.B) {
			w := newWorld(b)
			r := w.own()
			w.file("src", string(make([]byte, c.size)))
			b.SetBytes(int64(c.size))
			b.ReportAllocs()
			for b.Loop() {
				if err := r.Log(b.Context(), w.at("src"), ""); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
