package golden

import (
	"bytes"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/filestore/internal/filestoretest"
	"github.com/mlruns/mlruns/filestore/layout"
)

// spoiler damages files of a store at random.
type spoiler struct {
	*rand.Rand
	store filestoretest.Tree
	// promised are points that must be there after the repair though they are not before: "run
	// metric key: line".
	promised []string
}

// metric does something to a metric file that loses none of its points.
func (x *spoiler) metric(name string) {
	data := x.store[name]
	lines := slices.Collect(bytes.Lines(data))
	at := x.IntN(len(lines) + 1)
	junk := [][]byte{[]byte("\n"), []byte("x\n"), []byte("1 2 3 4\n"), []byte("1  1.0 1\n"), {0, 0, '\n'}, {0xff, ' ', '\n'}}[x.IntN(6)]
	switch x.IntN(7) {
	case 0:
		lines = slices.Insert(lines, at, junk)
	case 1:
		lines = slices.Insert(lines, at, lines[x.IntN(len(lines))])
	case 2:
		lines = append(lines, []byte([]string{"1", "1 2", "1 2.5 ", "    ", "\x00\x00", "1 2 3 4 5 6"}[x.IntN(6)]))
	case 3:
		x.store[name+" (1)"] = slices.Concat(data, []byte("77 7.5 77\n"), junk)
		place := layout.Parse(name)
		x.promised = append(x.promised, place.Run+" metric "+place.Key+": "+filestoretest.TextOfMetric(mlruns.Metric{Key: place.Key, Value: 7.5, Step: 77, Time: time.UnixMilli(77)}))
	case 4:
		x.store[name+".sync-conflict-20260101-120000-ABCDEFG"] = bytes.Clone(data)
	case 5:
		x.store[name+"-empty"] = []byte{}
	case 6:
		x.store[parentOf(name)+"/.DS_Store"] = []byte("desktop")
	}
	x.store[name] = bytes.Join(lines, nil)
}

// value does something beside a param or tag.
func (x *spoiler) value(name string) {
	switch x.IntN(4) {
	case 0:
		x.store[name+" (conflicted copy 2026-01-01)"] = bytes.Clone(x.store[name])
	case 1:
		x.store[name+" (2)"] = append(bytes.Clone(x.store[name]), "other"...)
	case 2:
		x.store[parentOf(name)+"/Thumbs.db"] = []byte("desktop")
	case 3:
		x.store[parentOf(name)+"/x conflicted copy"] = []byte("nobody's")
	}
}

func parentOf(name string) string { return name[:strings.LastIndexByte(name, '/')] }

// TestRepairLosesNothing damages the golden stores in many places. All that could be read before
// the repair can be read after it, and more; every file that was there is there, at its place or
// among the originals.
func TestRepairLosesNothing(t *testing.T) {
	eachGolden(t, func(t *testing.T, g *golden) {
		seed := rand.Uint64()
		t.Logf("seed %d", seed)
		x := &spoiler{Rand: rand.New(rand.NewPCG(seed, 0)), store: maps.Clone(g.store)}
		for _, name := range g.store.Files() {
			readable := len(bytes.TrimSpace(g.store[name])) > 0
			switch place := layout.Parse(name); {
			// there would be no room for a longer name
			case x.IntN(4) > 0 || len(name)-len(parentOf(name)) > 200:
			case place.Kind == layout.Metric && readable:
				x.metric(name)
			case place.Kind == layout.Param, place.Kind == layout.RunTag, place.Kind == layout.ExperimentTag:
				x.value(name)
			}
		}
		dir := x.store.Write(t)
		store := filestoretest.Open(t, dir, filestore.WithSync(filestore.SyncNever))
		before := filestoretest.ValuesOf(t, store)
		planned, done := 0, 0
		for r, err := range store.Repair(t.Context(), mlruns.RepairQuery{DryRun: true}) {
			if err != nil {
				t.Fatal(err)
			}
			if r.Repairable {
				planned++
			}
		}
		for r, err := range store.Repair(t.Context(), mlruns.RepairQuery{}) {
			if err != nil {
				t.Fatal(err)
			}
			if r.Action != "" {
				done++
			}
		}
		if planned != done || done < 20 {
			t.Errorf("%d repairs planned, %d done", planned, done)
		}
		after := filestoretest.ValuesOf(t, store)
		if lost := filestoretest.LostOf(before, after); lost != nil {
			t.Errorf("lost: %q", lost)
		}
		for _, point := range x.promised {
			if !after[point] {
				t.Errorf("the point %q of a conflict copy is not there", point)
			}
		}
		repaired := filestoretest.ReadTree(t, dir)
		kept := map[string]bool{}
		for name, data := range repaired {
			if rest, ok := strings.CutPrefix(name, ".mlruns.trash/repaired-"); ok {
				_, name, _ = strings.Cut(rest, "/")
			}
			kept[name+"\n"+string(data)] = true
		}
		for _, name := range x.store.Files() {
			// but for a newline that was added
			if was := name + "\n" + string(x.store[name]); !kept[was] && !kept[was+"\n"] {
				if !appended(repaired[name], x.store[name]) {
					t.Errorf("%s is neither as it was nor kept", name)
				}
			}
		}
		for _, p := range filestoretest.Problems(t, store) {
			if p.Repairable {
				t.Errorf("after the repair: %v", p)
			}
		}
	})
}

// appended reports whether a file is as it was, with the lines of a conflict copy behind it.
func appended(now, was []byte) bool { return len(was) > 0 && bytes.HasPrefix(now, was) }
