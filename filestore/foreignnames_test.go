package filestore

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/records"
	"github.com/mlruns/mlruns/internal/memfs"
	"github.com/mlruns/mlruns/internal/validate"
)

// words are what layout.md calls the fates.
var words = map[records.Fate]string{records.Junk: "foreign", records.UnderWay: "foreign, under way", records.InUse: "foreign, in use", records.Copied: "conflict copy", records.Doubtful: "suspicious", records.DoubtfulCopy: "suspicious beside its original"}

// TestForeignForms tries each example of the table, in the code and in layout.md.
func TestForeignForms(t *testing.T) {
	anything := func(string) bool { return true }
	var want []string
	for i := range records.ForeignForms {
		f := &records.ForeignForms[i]
		want = append(want, fmt.Sprintf("| `%s` | %s | %s |", f.Example, f.Tool, words[f.Fate]))
		switch f.Fate {
		case records.Doubtful, records.DoubtfulCopy:
			if err := validate.Key("key", f.Example); err != nil || records.IsForeign(f.Example) || records.IsConflict(f.Example) {
				t.Errorf("%q is doubtful, so it must be a key: %v, foreign %v", f.Example, err, records.IsForeign(f.Example))
			}
			if why := records.Doubt(f.Example, anything); !strings.Contains(why, f.Tool) {
				t.Errorf("%q: the doubt is %q, want %q in it", f.Example, why, f.Tool)
			}
		default:
			if got := records.FormOf(f.Example); got == nil || got.Fate != f.Fate {
				t.Errorf("%q of %s has the form %+v", f.Example, f.Tool, got)
			}
		}
		if of := records.ConflictOf(f.Example); f.Fate == records.Copied && of != "" && of != "loss" {
			t.Errorf("%q is a copy of %q", f.Example, of)
		}
	}
	var got []string
	for _, row := range readLayoutDocument(t).table(t, "foreign name | of | what it is") {
		got = append(got, "| "+strings.Join(row.cells, " | ")+" |")
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("foreign names (-code +layout.md):\n%s\nthe table:\n%s", diff, strings.Join(want, "\n"))
	}
}

// TestKeysAreNotForeign has keys that somebody could choose, and that look like another program's
// names: none is hidden, and few are called suspicious.
func TestKeysAreNotForeign(t *testing.T) {
	alone := func(string) bool { return false }
	for key, suspicious := range map[string]bool{
		"loss": false, ".hidden": false, ".hidden.config": false, ".loss.Config": true, "loss.v2Best": false, "x.part": true, "part": false, ".part": false, "x.orig": true, "x.bak": true,
		"sedAbC123": true, "sedentary": false, "sediments": false, "top 5": false, "loss copy": false, "Copy of loss": false, "loss-HOST": false, "loss-DESKTOP-4F2K9QL": false,
		"4913": false, ".nfs_reads": false, ".nfs": false, ".smb_reads": false, "conflict": false, "val_conflict-rate": false, "merge_conflict-2026": false, "acc_LOCAL_rank": false, "acc_LOCAL_1": true,
		"a:b": false, ".swp": false, "x.swp": true, ".icloud": false, "x.icloud": false, "._": false, "jb_tmp": false, "sync": false, "Conflict": false, "x.sb-best": false,
	} {
		if validate.Key("key", key) != nil || records.IsForeign(key) || records.IsConflict(key) {
			t.Errorf("%q is a legal key, and hidden", key)
		}
		if why := records.Doubt(key, alone); (why != "") != suspicious {
			t.Errorf("%q: the doubt is %q, want one: %v", key, why, suspicious)
		}
	}
}

// TestForeignNamesAreNoKeys refuses to log what no reader would take for a value, and reads none of
// it; what could be a key is one, in every call.
func TestForeignNamesAreNoKeys(t *testing.T) {
	ctx := t.Context()
	mem := memfs.New()
	s, err := Open("/mlruns", WithFs(mem), WithLocking(LockNone))
	check(t, err)
	defer s.Close()
	_, err = s.CreateRun(ctx, mlruns.RunSpec{ID: "run"})
	check(t, err)
	keys := 0
	for _, f := range records.ForeignForms {
		if validate.Key("key", f.Example) != nil {
			continue
		}
		keys++
		param, tag, point := s.LogParam(ctx, "run", f.Example, "1"), s.SetTag(ctx, "run", f.Example, "1"), s.LogMetric(ctx, "run", mlruns.Metric{Key: f.Example, Value: 1})
		points := 0
		for range s.MetricHistory(ctx, "run", f.Example, mlruns.HistoryQuery{}) {
			points++
		}
		r, err := s.Run(ctx, "run")
		check(t, err)
		_, hasParam := r.Data.Params[f.Example]
		page, err := s.SearchRuns(ctx, mlruns.RunQuery{Filter: fmt.Sprintf("params.`%s` = '1'", f.Example)})
		check(t, err)
		if f.Fate == records.Doubtful || f.Fate == records.DoubtfulCopy {
			if err := errors.Join(param, tag, point); err != nil || points != 1 || !hasParam || len(page.Runs) != 1 {
				t.Errorf("%q is a key: %v, %d points, param %v, %d runs found", f.Example, err, points, hasParam, len(page.Runs))
			}
			continue
		}
		for _, err := range []error{param, tag, point} {
			if !errors.Is(err, mlruns.ErrInvalid) || !strings.Contains(err.Error(), "for files of their own") {
				t.Errorf("%q: %v, want it to be refused", f.Example, err)
			}
		}
		if points != 0 || hasParam || len(page.Runs) != 0 {
			t.Errorf("%q is no key: %d points, param %v, %d runs found", f.Example, points, hasParam, len(page.Runs))
		}
	}
	if keys < 50 {
		t.Errorf("only %d of the examples are legal keys", keys)
	}
	for p, err := range s.Verify(ctx, mlruns.VerifyQuery{}) {
		if check(t, err); p.Kind != mlruns.ProblemSuspicious {
			t.Error(p)
		}
	}
}

// FuzzForeignNames holds the quick look to the table: each form is found, whatever else a name
// holds.
func FuzzForeignNames(f *testing.F) {
	for _, form := range records.ForeignForms {
		f.Add(form.Example)
		f.Add("x." + form.Example)
	}
	f.Fuzz(func(t *testing.T, name string) {
		var want *records.Form
		for i := range records.ForeignForms {
			form := &records.ForeignForms[i]
			if form.Pattern == nil && form.Example == name || form.Pattern != nil && form.Fate != records.Doubtful && form.Fate != records.DoubtfulCopy && form.Fits(name) {
				want = form
				break
			}
		}
		got := records.FormOf(name)
		if got == nil || want == nil {
			if got != want {
				t.Errorf("%q: %+v, want %+v", name, got, want)
			}
		} else if got.Fate != want.Fate {
			t.Errorf("%q: %+v, want %+v", name, got, want)
		}
		if of := records.ConflictOf(name); of == name && name != "" {
			t.Errorf("%q is a copy of itself", name)
		}
	})
}

func BenchmarkForeignName(b *testing.B) {
	for _, name := range []string{"loss", "mlflow.source.name", "model/depth", ".loss.a1B2c3"} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				records.IsForeign(name)
			}
		})
	}
}
