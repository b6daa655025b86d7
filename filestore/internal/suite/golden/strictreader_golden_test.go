package golden

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/mlruns/mlruns/filestore/internal/filestoretest"
)

// answersOf311 are what MLflow 3.11 said of the store, whoever wrote it.
func (g *golden) answersOf311() *expected {
	if by := g.readers["3.11"]; by != nil {
		return by
	}
	return g.expected
}

// TestStrictReaderIsMLflow holds the strict reader to MLflow 3.11's answers on the golden stores:
// it reads what MLflow read, to the last value, and refuses what MLflow refused.
func TestStrictReaderIsMLflow(t *testing.T) {
	eachGolden(t, func(t *testing.T, g *golden) {
		s, _ := filestoretest.ReadStrictly(g.store.Fs(), false)
		read, refused := 0, 0
		for id, want := range g.answersOf311().Runs {
			run := s.Runs[id]
			switch {
			case (want.err == nil) != (run != nil):
				t.Errorf("run %s: read is %t, MLflow: %v", g.expected.label(id), run != nil, want.err)
				continue
			case run == nil:
				refused++
				continue
			}
			read++
			compareStrictly(t, g.expected.label(id), run, want.value)
		}
		if got := len(s.Runs); got != read || refused == 0 {
			t.Errorf("%d runs read, of which MLflow knows %d; %d refused", got, read, refused)
		}
		for id, want := range g.answersOf311().Get {
			if (want.err == nil) != (s.Experiments[id] != nil) {
				t.Errorf("experiment %s: read is %t, MLflow: %v", id, s.Experiments[id] != nil, want.err)
			}
		}
		t.Logf("MLflow %s: %d runs read, %d refused", g.version, read, refused)
	})
}

func compareStrictly(t *testing.T, label string, run *filestoretest.StrictRun, want expectedRun) {
	t.Helper()
	if !maps.Equal(run.Params, want.Params) {
		t.Errorf("run %s: params %q, want %q", label, run.Params, want.Params)
	}
	if name := want.Info.Name; name != nil && run.Tags["mlflow.runName"] != *name && run.Tags["mlflow.runName"] != "" {
		t.Errorf("run %s: name %q, want %q", label, run.Tags["mlflow.runName"], *name)
	}
	if len(run.Tags) != len(want.Tags) || !strings.EqualFold(run.Stage, want.Info.Stage) {
		t.Errorf("run %s: %d tags, %s; want %d, %s", label, len(run.Tags), run.Stage, len(want.Tags), want.Info.Stage)
	}
	for key, history := range want.History {
		var got, wanted []string
		for _, p := range run.Metrics[key] {
			got = append(got, filestoretest.MetricText(p.Value, p.MS.String(), p.Step.String(), "", ""))
		}
		for _, m := range history.value {
			wanted = append(wanted, filestoretest.MetricText(float64(m.Value), m.Time.String(), m.Step.String(), "", ""))
		}
		if history.err == nil && !slices.Equal(got, wanted) {
			t.Errorf("run %s, metric %s: %q, want %q", label, key, got, wanted)
		}
	}
}

// TestStrictReaderOnDamage holds it to MLflow's answers on single damages.
func TestStrictReaderOnDamage(t *testing.T) {
	g := loadGolden(t, "3.11")
	grid := g.expected.ExperimentLabels["grid"]
	base := filestoretest.Tree{".trash": nil}
	for name, data := range g.store {
		if strings.HasPrefix(name, grid+"/") {
			base[name] = data
		}
	}
	fails, reads := 0, 0
	for _, d := range g.one {
		damaged := maps.Clone(base)
		id, err := g.expected.Labels[d.Run], d.GetRun.err
		if d.Dir != "" {
			damaged[d.Dir] = nil
			damaged[d.Dir+"/meta.yaml"] = []byte(d.Content)
			err = d.Get.err
		} else {
			content := []byte(d.Content)
			if strings.HasPrefix(d.What, "invalid utf8") {
				content = content[:0]
				for _, r := range d.Content {
					content = append(content, byte(r))
				}
			}
			damaged[grid+"/"+id+"/"+d.Path] = content
		}
		s, got := filestoretest.ReadStrictly(damaged.Fs(), false)
		ok := s.Runs[id] != nil
		if d.Dir != "" {
			ok = s.Experiments[d.Dir] != nil
		}
		if ok != (err == nil) || ok != (got == nil) {
			t.Errorf("%s: read is %t (%v), MLflow: %v", d.What, ok, got, err)
		}
		if ok {
			reads++
		} else {
			fails++
		}
	}
	t.Logf("of %d damages %d are refused, %d are read, as by MLflow", len(g.one), fails, reads)
}

// TestStrictReaderRefuses names what the golden stores do not have.
func TestStrictReaderRefuses(t *testing.T) {
	g := loadGolden(t, "1.8")
	base := filestoretest.Tree{".trash": nil}
	grid := g.expected.ExperimentLabels["grid"]
	run := grid + "/" + g.expected.Labels["grid0"]
	for name, data := range g.store {
		if strings.HasPrefix(name, run+"/") || name == run || name == grid || name == grid+"/meta.yaml" {
			base[name] = data
		}
	}
	if s, err := filestoretest.ReadStrictly(base.Fs(), true); err != nil || len(s.Runs) != 1 {
		t.Fatalf("%d runs, %v; want one", len(s.Runs), err)
	}
	without := func(line string) func(filestoretest.Tree) {
		return func(t filestoretest.Tree) {
			before, after, _ := strings.Cut(string(t[run+"/meta.yaml"]), line)
			_, after, _ = strings.Cut(after, "\n")
			t[run+"/meta.yaml"] = []byte(before + after)
		}
	}
	for what, damage := range map[string]func(filestoretest.Tree){
		"no folder metrics": func(t filestoretest.Tree) {
			maps.DeleteFunc(t, func(n string, _ []byte) bool { return strings.HasPrefix(n, run+"/metrics") })
		},
		"no folder params": func(t filestoretest.Tree) {
			maps.DeleteFunc(t, func(n string, _ []byte) bool { return strings.HasPrefix(n, run+"/params") })
		},
		"no folder artifacts": func(t filestoretest.Tree) {
			maps.DeleteFunc(t, func(n string, _ []byte) bool { return strings.HasPrefix(n, run+"/artifacts") })
		},
		"a file in inputs":           func(t filestoretest.Tree) { t[run+"/inputs/stray"] = []byte("x") },
		"an empty folder in outputs": func(t filestoretest.Tree) { t[run+"/outputs/m-1"] = nil },
		"no run_uuid":                without("run_uuid: "),
		"no end_time":                without("end_time: "),
		"a folder of no experiment":  func(t filestoretest.Tree) { t["lost+found"] = nil },
		"a run of another experiment": func(t filestoretest.Tree) {
			t["7/meta.yaml"] = []byte("experiment_id: '7'\nname: n\nartifact_location: x\nlifecycle_stage: active\n")
			t["7/"+run[len(grid)+1:]+"/meta.yaml"] = t[run+"/meta.yaml"]
		},
		"a colon in a key":     func(t filestoretest.Tree) { t[run+"/params/a:b"] = []byte("x") },
		"five fields":          func(t filestoretest.Tree) { t[run+"/metrics/acc"] = []byte("1 2 3 name digest\n") },
		"meta.yaml cut in two": func(t filestoretest.Tree) { m := t[run+"/meta.yaml"]; t[run+"/meta.yaml"] = m[:len(m)/2] },
		"experiment not UTF-8": func(t filestoretest.Tree) { t[grid+"/meta.yaml"] = []byte("name: \xff\n") },
		"status of no name": func(t filestoretest.Tree) {
			t[run+"/meta.yaml"] = []byte(strings.Replace(string(t[run+"/meta.yaml"]), "status: ", "status: 9", 1))
		},
	} {
		damaged := maps.Clone(base)
		damage(damaged)
		if _, err := filestoretest.ReadStrictly(damaged.Fs(), true); err == nil {
			t.Errorf("%s is not refused", what)
		}
	}
}
