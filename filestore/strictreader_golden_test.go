package filestore_test

import (
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// fs is the tree as a file system.
func (t tree) fs() fs.FS {
	m := fstest.MapFS{}
	for name, data := range t {
		if data == nil {
			m[name] = &fstest.MapFile{Mode: fs.ModeDir | 0o777}
		} else {
			m[name] = &fstest.MapFile{Data: data, Mode: 0o666}
		}
	}
	return m
}

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
		s, _ := readStrictly(g.store.fs(), false)
		read, refused := 0, 0
		for id, want := range g.answersOf311().Runs {
			run := s.runs[id]
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
		if got := len(s.runs); got != read || refused == 0 {
			t.Errorf("%d runs read, of which MLflow knows %d; %d refused", got, read, refused)
		}
		for id, want := range g.answersOf311().Get {
			if (want.err == nil) != (s.experiments[id] != nil) {
				t.Errorf("experiment %s: read is %t, MLflow: %v", id, s.experiments[id] != nil, want.err)
			}
		}
		t.Logf("MLflow %s: %d runs read, %d refused", g.version, read, refused)
	})
}

func compareStrictly(t *testing.T, label string, run *strictRun, want expectedRun) {
	t.Helper()
	if !maps.Equal(run.params, want.Params) {
		t.Errorf("run %s: params %q, want %q", label, run.params, want.Params)
	}
	if name := want.Info.Name; name != nil && run.tags["mlflow.runName"] != *name && run.tags["mlflow.runName"] != "" {
		t.Errorf("run %s: name %q, want %q", label, run.tags["mlflow.runName"], *name)
	}
	if len(run.tags) != len(want.Tags) || !strings.EqualFold(run.stage, want.Info.Stage) {
		t.Errorf("run %s: %d tags, %s; want %d, %s", label, len(run.tags), run.stage, len(want.Tags), want.Info.Stage)
	}
	for key, history := range want.History {
		var got, wanted []string
		for _, p := range run.metrics[key] {
			got = append(got, metricText(p.value, p.ms.String(), p.step.String(), "", ""))
		}
		for _, m := range history.value {
			wanted = append(wanted, metricText(float64(m.Value), m.Time.String(), m.Step.String(), "", ""))
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
	base := tree{".trash": nil}
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
		s, got := readStrictly(damaged.fs(), false)
		ok := s.runs[id] != nil
		if d.Dir != "" {
			ok = s.experiments[d.Dir] != nil
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
	base := tree{".trash": nil}
	grid := g.expected.ExperimentLabels["grid"]
	run := grid + "/" + g.expected.Labels["grid0"]
	for name, data := range g.store {
		if strings.HasPrefix(name, run+"/") || name == run || name == grid || name == grid+"/meta.yaml" {
			base[name] = data
		}
	}
	if s, err := readStrictly(base.fs(), true); err != nil || len(s.runs) != 1 {
		t.Fatalf("%d runs, %v; want one", len(s.runs), err)
	}
	without := func(line string) func(tree) {
		return func(t tree) {
			before, after, _ := strings.Cut(string(t[run+"/meta.yaml"]), line)
			_, after, _ = strings.Cut(after, "\n")
			t[run+"/meta.yaml"] = []byte(before + after)
		}
	}
	for what, damage := range map[string]func(tree){
		"no folder metrics": func(t tree) {
			maps.DeleteFunc(t, func(n string, _ []byte) bool { return strings.HasPrefix(n, run+"/metrics") })
		},
		"no folder params": func(t tree) {
			maps.DeleteFunc(t, func(n string, _ []byte) bool { return strings.HasPrefix(n, run+"/params") })
		},
		"no folder artifacts": func(t tree) {
			maps.DeleteFunc(t, func(n string, _ []byte) bool { return strings.HasPrefix(n, run+"/artifacts") })
		},
		"a file in inputs":           func(t tree) { t[run+"/inputs/stray"] = []byte("x") },
		"an empty folder in outputs": func(t tree) { t[run+"/outputs/m-1"] = nil },
		"no run_uuid":                without("run_uuid: "),
		"no end_time":                without("end_time: "),
		"a folder of no experiment":  func(t tree) { t["lost+found"] = nil },
		"a run of another experiment": func(t tree) {
			t["7/meta.yaml"] = []byte("experiment_id: '7'\nname: n\nartifact_location: x\nlifecycle_stage: active\n")
			t["7/"+run[len(grid)+1:]+"/meta.yaml"] = t[run+"/meta.yaml"]
		},
		"a colon in a key":     func(t tree) { t[run+"/params/a:b"] = []byte("x") },
		"five fields":          func(t tree) { t[run+"/metrics/acc"] = []byte("1 2 3 name digest\n") },
		"meta.yaml cut in two": func(t tree) { m := t[run+"/meta.yaml"]; t[run+"/meta.yaml"] = m[:len(m)/2] },
		"experiment not UTF-8": func(t tree) { t[grid+"/meta.yaml"] = []byte("name: \xff\n") },
		"status of no name": func(t tree) {
			t[run+"/meta.yaml"] = []byte(strings.Replace(string(t[run+"/meta.yaml"]), "status: ", "status: 9", 1))
		},
	} {
		damaged := maps.Clone(base)
		damage(damaged)
		if _, err := readStrictly(damaged.fs(), true); err == nil {
			t.Errorf("%s is not refused", what)
		}
	}
}

// readsStrictly fails the test unless every version of MLflow reads all of the store in dir.
func readsStrictly(t testing.TB, dir string) *strictStore {
	t.Helper()
	s, err := readStrictly(os.DirFS(dir), true)
	if err != nil {
		t.Errorf("a reader with MLflow's rules: %v", err)
	}
	return s
}
