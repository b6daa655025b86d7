package filestore_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/spf13/afero"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/filestoretest"
)

// TestGitContentIsNoValue has what git leaves in the place of values: it is in no answer, is named
// in each, with what helps, and nothing is appended to a pointer.
func TestGitContentIsNoValue(t *testing.T) {
	for name, c := range map[string]struct {
		text, says string
		kind       mlruns.ProblemKind
		refused    bool // to append to it
	}{
		"git-lfs":                   {lfsText, "git lfs pull", mlruns.ProblemGitPointer, true},
		"git-lfs with CRLF":         {strings.ReplaceAll(lfsText, "\n", "\r\n"), "git lfs pull", mlruns.ProblemGitPointer, true},
		"git-annex":                 {annexText, "git annex get", mlruns.ProblemGitPointer, true},
		"git-annex without newline": {strings.TrimSpace(annexText), "git annex get", mlruns.ProblemGitPointer, true},
		"a conflict":                {merged, "git add", mlruns.ProblemGitConflict, false},
	} {
		t.Run(name, func(t *testing.T) {
			d := filestoretest.NewPatient(t, func(f afero.Fs) afero.Fs { return f })
			d.Write(map[string]string{"e1/run/params/lr": c.text, "e1/run/metrics/m": c.text, "e1/run/tags/t": c.text})
			r, err := d.Store.Run(t.Context(), "run")
			d.Must(err)
			_, metric := r.Data.Metrics["m"]
			_, param := r.Data.Params["lr"]
			if _, tag := r.Data.Tags["t"]; metric || param || tag {
				t.Errorf("values of a run: metric %v, param %v, tag %v, want none", metric, param, tag)
			}
			told := map[string]bool{}
			for _, p := range r.Problems {
				if told[p.Path] = true; p.Kind != c.kind && p.Kind != mlruns.ProblemMalformed || p.Kind == c.kind && !strings.Contains(p.Reason, c.says) {
					t.Errorf("%v, want the kind %s and %q in it", p, c.kind, c.says)
				}
			}
			if len(told) != 3 {
				t.Errorf("problems of %v, want three files", told)
			}
			if h := filestoretest.History(t, d.Store, "run", "m"); len(h) > 0 {
				t.Errorf("history %v, want none", h)
			}
			for _, filter := range []string{"params.lr LIKE '%'", "tags.t LIKE '%'", "metrics.m > -1"} {
				page, err := d.Store.SearchRuns(t.Context(), mlruns.RunQuery{Experiments: []string{"e1"}, Filter: filter})
				d.Must(err)
				for _, found := range page.Runs {
					if found.Info.ID == "run" {
						t.Errorf("%s finds the run", filter)
					}
				}
			}
			if err := d.Store.LogParam(t.Context(), "run", "lr", "0.1"); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("logging the param: %v, want %q", err, c.says)
			}
			err = d.Store.LogMetric(t.Context(), "run", mlruns.Metric{Key: "m", Value: 1, Step: 1, Time: time.UnixMilli(1)})
			data, readErr := afero.ReadFile(d.Mem, "/mlruns/e1/run/metrics/m")
			d.Must(readErr)
			if c.refused && (!errors.Is(err, mlruns.ErrCorrupt) || !strings.Contains(err.Error(), c.says) || string(data) != c.text) {
				t.Errorf("logging the metric: %v, want %q; the file is %q", err, c.says, data)
			}
			if !c.refused && (err != nil || string(data) != c.text+"1 1.0 1\n") {
				t.Errorf("logging the metric: %v; the file is %q", err, data)
			}
		})
	}
}

// TestLinkTextIsNoRecord has what a file system without links holds in the place of a link into an
// annex: as a metric or a meta.yaml it can be nothing else.
func TestLinkTextIsNoRecord(t *testing.T) {
	for _, text := range []string{"../../../.git/annex/objects/xx/yy/SHA256E-s1--00/SHA256E-s1--00", ".git/annex/objects/xx\n"} {
		d := filestoretest.NewPatient(t, func(f afero.Fs) afero.Fs { return f })
		d.Write(map[string]string{"e1/run/metrics/m": text, "e1/meta.yaml": text})
		if err := d.Store.LogMetric(t.Context(), "run", mlruns.Metric{Key: "m", Value: 1}); !errors.Is(err, mlruns.ErrCorrupt) || !strings.Contains(err.Error(), "git annex get") {
			t.Errorf("%q: logging the metric: %v, want the pointer named", text, err)
		}
		for _, err := range d.Store.Repair(t.Context(), mlruns.RepairQuery{}) {
			d.Must(err)
		}
		if data, err := afero.ReadFile(d.Mem, "/mlruns/e1/run/metrics/m"); err != nil || string(data) != text {
			t.Errorf("%q: after a repair %q, %v, want it left", text, data, err)
		}
		kinds := map[mlruns.ProblemKind]int{}
		for _, p := range filestoretest.Problems(t, d.Store) {
			if p.Path == "e1/run/metrics/m" || p.Path == "e1/meta.yaml" {
				kinds[p.Kind]++
			}
		}
		if len(kinds) != 1 || kinds[mlruns.ProblemGitPointer] != 2 {
			t.Errorf("%q: problems: %v, want two pointers", text, kinds)
		}
	}
}

// TestByteOrderMarks skips one before the first line of a metric, and keeps those of params and
// tags: they are a part of the value to MLflow.
func TestByteOrderMarks(t *testing.T) {
	d := filestoretest.NewPatient(t, func(f afero.Fs) afero.Fs { return f })
	d.Write(map[string]string{filestoretest.RunLoss: "\ufeff" + filestoretest.LossBefore, "e1/run/params/p": "\ufeff0.1", "e1/run/tags/t": "\ufeff"})
	r, err := d.Store.Run(t.Context(), "run")
	d.Must(err)
	if len(r.Problems) > 0 || r.Data.Metrics["loss"].Value != 2 || r.Data.Params["p"] != "\ufeff0.1" || r.Data.Tags["t"] != "\ufeff" {
		t.Errorf("the run: %+v, %v", r.Data, r.Problems)
	}
	if h := filestoretest.History(t, d.Store, "run", "loss"); len(h) != 2 {
		t.Errorf("history %v, want two points", h)
	}
	d.Must(d.Store.LogMetric(t.Context(), "run", mlruns.Metric{Key: "loss", Value: 3, Step: 3, Time: time.UnixMilli(3)}))
	d.Repair(mlruns.RepairQuery{})
	data, err := afero.ReadFile(d.Mem, "/mlruns/"+filestoretest.RunLoss)
	d.Must(err)
	if string(data) != filestoretest.LossBefore+"3 3.0 3\n" || len(d.Problems()) > 0 {
		t.Errorf("repaired: %q, then %v", data, d.Problems())
	}
}

// TestLinksToNowhereAreNamed has links whose content git-annex has not fetched: they are missing
// values, and said to be.
func TestLinksToNowhereAreNamed(t *testing.T) {
	d := newDamaged(t)
	for _, name := range []string{"metrics/m", "params/p", "tags/t"} {
		d.link("../../../.git/annex/objects/xx/yy/SHA256E-s1--00", "other/"+name)
	}
	r, err := d.store.Run(t.Context(), "other")
	if err != nil {
		t.Fatal(err)
	}
	for what, problems := range map[string][]mlruns.Problem{"Run": r.Problems, "Verify": filestoretest.Problems(t, d.store)} {
		if len(problems) != 3 {
			t.Errorf("%s: %v, want three problems", what, problems)
		}
		for _, p := range problems {
			if p.Kind != mlruns.ProblemUnreadable || !strings.Contains(p.Reason, "git annex get") {
				t.Errorf("%s: %v", what, p)
			}
		}
	}
}
