package fsck

import (
	"bytes"
	"fmt"
	"hash/maphash"
	"math/rand/v2"
	"path/filepath"
	"runtime"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlruns/mlruns/filestore/internal/codec"
	"github.com/mlruns/mlruns/filestore/internal/dir"
	"github.com/mlruns/mlruns/filestore/internal/records"
	"github.com/mlruns/mlruns/internal/memfs"
	"github.com/mlruns/mlruns/internal/vfs"
)

// metricFile puts a metric file into memory.
func metricFile(t *testing.T, text []byte) records.KeyFile {
	t.Helper()
	mem := memfs.New()
	f, err := mem.Create("m")
	must(t, err)
	_, err = f.Write(text)
	must(t, err)
	must(t, f.Close())
	var folder vfs.Folder
	folder, err = dir.New(mem, "", dir.Options{}).Folder("")
	must(t, err)
	return records.KeyFile{Key: "m", Folder: folder, Name: "m", Path: filepath.Join("e", "r", "metrics", "m")}
}

// TestRepeatedInParts finds the same lines however many parts the points are compared in, and those
// that a plain search finds.
func TestRepeatedInParts(t *testing.T) {
	c := &Checker{}
	rng := rand.New(rand.NewPCG(1, 2))
	var text bytes.Buffer
	first := map[string]bool{}
	var want []int
	for line := 1; line <= 20_000; line++ {
		point := fmt.Sprintf("%d %d.5 %d", rng.IntN(40), rng.IntN(10), rng.IntN(100))
		if line%1000 == 0 {
			point = "no point"
		} else if first[point] {
			want = append(want, line)
		}
		first[point] = true
		text.WriteString(point + "\n")
	}
	k := metricFile(t, text.Bytes())
	seed := maphash.MakeSeed()
	hash := func(id codec.Identity) uint64 { return maphash.Comparable(seed, id) }
	for _, parts := range []int{1, 2, 7} {
		got, err := c.repeated(t.Context(), k, make([]byte, records.ChunkSize), parts, hash)
		must(t, err)
		if !slices.Equal(got, want) {
			t.Errorf("in %d parts: %d lines, want %d", parts, len(got), len(want))
		}
	}
	poor, err := c.repeated(t.Context(), k, make([]byte, records.ChunkSize), 1, func(id codec.Identity) uint64 { return hash(id) % 100 })
	must(t, err)
	if len(poor) == 0 || slices.ContainsFunc(poor, func(line int) bool { return !slices.Contains(want, line) }) {
		t.Errorf("with a poor hash: %d lines, of which some are not repeated", len(poor))
	}
	p := &records.Problems{}
	m, err := c.inspectMetric(t.Context(), k, make([]byte, records.ChunkSize), p)
	must(t, err)
	if m.points != 20_000-20 || m.bad != 20 || !slices.Equal(m.repeated, want) {
		t.Errorf("%d points, %d bad, %d repeated", m.points, m.bad, len(m.repeated))
	}
}

// TestRepeatedNeedsLittleMemory compares half a million points that are out of order with 8 bytes
// each, and points in order with none.
func TestRepeatedNeedsLittleMemory(t *testing.T) {
	const n = 500_000
	checker := &Checker{}
	for name, c := range map[string]struct {
		step func(i int) int
		most uint64
	}{"in order": {func(i int) int { return i }, 1 << 20}, "out of order": {func(i int) int { return n - i }, 32 << 20}} {
		var text bytes.Buffer
		for i := range n {
			fmt.Fprintf(&text, "1 0.5 %d\n", c.step(i))
		}
		k := metricFile(t, text.Bytes())
		buf := make([]byte, records.ChunkSize)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		m, err := checker.inspectMetric(t.Context(), k, buf, nil)
		runtime.ReadMemStats(&after)
		must(t, err)
		allocated := after.TotalAlloc - before.TotalAlloc
		if m.points != n || m.repeated != nil || allocated > c.most {
			t.Errorf("%s: %d points, %d repeated, %d bytes allocated; want %d, none, at most %d", name, m.points, len(m.repeated), allocated, n, c.most)
		}
	}
}

// TestConflictNames tells conflict copies from names that are somebody's own.
func TestConflictNames(t *testing.T) {
	want := map[string]string{
		"loss": "", "loss (a)": "", "loss(1)": "", "loss (1) x": "", "a-HOST": "", "meta.yaml": "", "v1.2": "",
		"loss (1)": "loss", "loss (12)": "loss", "meta (1).yaml": "meta.yaml", "a.b (1).c": "a.b.c", "loss (1) (2)": "loss (1)",
		"loss (conflicted copy 2026-01-01)": "loss", "loss (Bob's conflicted copy 2026-01-01)": "loss", "meta (Bob's conflicted copy 2026-01-01).yaml": "meta.yaml",
		"loss.sync-conflict-20260101-120000-ABCDEFG": "loss", "meta.sync-conflict-20260101-120000-ABCDEFG.yaml": "meta.yaml", "loss.sync-conflict-20260101-120000": "loss",
		"loss.sync-conflict-soon": "", "my conflicted copy": "",
	}
	got := map[string]string{}
	for name := range want {
		got[name] = records.ConflictOf(name)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("originals (-want +got):\n%s", diff)
	}
	for name, want := range map[string]bool{"meta-HOST.yaml": true, "meta-.yaml": false, "meta.yaml": false, "metal-HOST.yaml": false, "meta (1).yaml": true, "meta-a b.yaml": false, "trace_info (1).yaml": false} {
		if records.IsConflictOfMeta("meta.yaml", name) != want {
			t.Errorf("%q is a conflict copy of a meta.yaml: %v", name, !want)
		}
	}
	for name, want := range map[string]bool{"trace_info-HOST.yaml": true, "trace_info.yaml": false, "trace_info (1).yaml": true, "meta-HOST.yaml": false, "meta (1).yaml": false} {
		if records.IsConflictOfMeta("trace_info.yaml", name) != want {
			t.Errorf("%q is a conflict copy of a trace_info.yaml: %v", name, !want)
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
