package filestore_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
)

// stepKind makes steps of one kind. One without do is not possible at the moment.
type stepKind struct {
	name  string
	make  func(*workload) step
	local bool // it needs local files
}

// stepKinds are all writes of a store.
var stepKinds = []stepKind{
	{name: "create experiment", make: createExperiment},
	{name: "rename experiment", make: onExperiment(renameExperiment)},
	{name: "delete experiment", make: onExperiment(func(w *workload, e *ownExperiment) step { return moveExperiment(w, e, true) })},
	{name: "restore experiment", make: restoreExperiment},
	{name: "set experiment tag", make: onExperiment(setExperimentTag)},
	{name: "delete experiment tag", make: onExperiment(deleteExperimentTag)},
	{name: "create run", make: createRun},
	{name: "update run", make: onRun(updateRun)},
	{name: "end run", make: onRun(endRun)},
	{name: "delete run", make: onRun(func(w *workload, r *ownRun) step { return setStage(w, r, true) })},
	{name: "restore run", make: func(w *workload) step {
		if r := w.run(true); r != nil {
			return setStage(w, r, false)
		}
		return step{}
	}},
	{name: "log metric", make: onRun(logMetric)},
	{name: "log param", make: onRun(logParam)},
	{name: "set tag", make: onRun(setTag)},
	{name: "delete tag", make: onRun(deleteTag)},
	{name: "log batch", make: onRun(logBatch)},
	{name: "log inputs", make: onRun(logInputs)},
	{name: "log outputs", make: onRun(logOutputs)},
	{name: "record model", make: onRun(recordModel)},
	{name: "write artifact", make: onRun(writeArtifact)},
	{name: "log artifact", make: onRun(logArtifact), local: true},
	{name: "log artifacts", make: onRun(logArtifacts), local: true},
	{name: "delete artifacts", make: onRun(deleteArtifacts)},
}

func onExperiment(make func(*workload, *ownExperiment) step) func(*workload) step {
	return func(w *workload) step {
		if e := w.experiment(false); e != nil {
			return make(w, e)
		}
		return step{}
	}
}

func onRun(make func(*workload, *ownRun) step) func(*workload) step {
	return func(w *workload) step {
		r := w.run(false)
		if r == nil {
			return step{}
		}
		s := make(w, r)
		s.run = r
		return s
	}
}

func createExperiment(w *workload) step {
	e := &ownExperiment{id: w.name("e")}
	at, text := "e/"+e.id+"/", w.text()
	spec := mlruns.ExperimentSpec{ID: e.id, Name: w.name("name"), Tags: map[string]string{"a": text, "c/d": text}}
	return step{kind: "create experiment", whole: true, to: facts{at + "name": spec.Name, at + "stage": "active", at + "tag/a": text, at + "tag/c/d": text},
		do:   func(ctx context.Context, s *filestore.Store) error { return errOf(s.CreateExperiment(ctx, spec)) },
		then: func() { w.experiments = append(w.experiments, e) }}
}

func renameExperiment(w *workload, e *ownExperiment) step {
	name := w.name("name")
	return step{to: facts{"e/" + e.id + "/name": name}, do: func(ctx context.Context, s *filestore.Store) error { return s.RenameExperiment(ctx, e.id, name) }}
}

// moveExperiment deletes or restores an experiment and all its runs.
func moveExperiment(w *workload, e *ownExperiment, deleted bool) step {
	stage, do := "active", (*filestore.Store).RestoreExperiment
	if deleted {
		stage, do = "deleted", (*filestore.Store).DeleteExperiment
	}
	s := step{to: facts{"e/" + e.id + "/stage": stage}, do: func(ctx context.Context, s *filestore.Store) error { return do(s, ctx, e.id) }}
	for _, r := range w.runs {
		if r.experiment == e {
			s.to["r/"+r.id+"/stage"] = stage
		}
	}
	s.then = func() {
		e.deleted = deleted
		for _, r := range w.runs {
			if r.experiment == e {
				r.deleted = deleted
			}
		}
	}
	return s
}

func restoreExperiment(w *workload) step {
	if e := w.experiment(true); e != nil {
		return moveExperiment(w, e, false)
	}
	return step{}
}

func setExperimentTag(w *workload, e *ownExperiment) step {
	key, text := w.key(), w.text()
	return step{to: facts{"e/" + e.id + "/tag/" + key: text}, do: func(ctx context.Context, s *filestore.Store) error { return s.SetExperimentTag(ctx, e.id, key, text) }}
}

func deleteExperimentTag(w *workload, e *ownExperiment) step {
	key := w.key()
	fact := "e/" + e.id + "/tag/" + key
	if _, ok := w.facts[fact]; !ok {
		return step{}
	}
	return step{gone: []string{fact}, do: func(ctx context.Context, s *filestore.Store) error { return s.DeleteExperimentTag(ctx, e.id, key) }}
}

// createRun makes a run in an experiment of the workload's or, every other time, in the default
// one, which all share.
func createRun(w *workload) step {
	r := &ownRun{id: w.name("r")}
	in := mlruns.DefaultExperimentID
	if e := w.experiment(false); e != nil && w.rng.IntN(2) == 0 {
		r.experiment, in = e, e.id
	}
	at, text := "r/"+r.id+"/", w.text()
	spec := mlruns.RunSpec{ID: r.id, ExperimentID: in, Name: w.name("name"), Tags: map[string]string{"a": text, "c/d": text}}
	return step{kind: "create run", whole: true, run: r,
		to: facts{at + "experiment": in, at + "status": "RUNNING", at + "stage": "active", at + "name": spec.Name, at + "tag/" + mlruns.TagRunName: spec.Name, at + "tag/a": text, at + "tag/c/d": text},
		do: func(ctx context.Context, s *filestore.Store) error { return errOf(s.CreateRun(ctx, spec)) }, then: func() { w.runs = append(w.runs, r) }}
}

func updateRun(w *workload, r *ownRun) step {
	at, update := "r/"+r.id+"/", mlruns.RunUpdate{Status: []mlruns.Status{mlruns.StatusRunning, mlruns.StatusScheduled, mlruns.StatusFailed}[w.rng.IntN(3)], Name: w.name("name")}
	return step{to: facts{at + "status": update.Status.String(), at + "name": update.Name, at + "tag/" + mlruns.TagRunName: update.Name},
		do:   func(ctx context.Context, s *filestore.Store) error { return s.UpdateRun(ctx, r.id, update) },
		then: func() { r.ended = update.Status.Ended() }}
}

func endRun(_ *workload, r *ownRun) step {
	return step{to: facts{"r/" + r.id + "/status": "FINISHED"}, then: func() { r.ended = true },
		do: func(ctx context.Context, s *filestore.Store) error {
			return s.EndRun(ctx, r.id, mlruns.StatusFinished, time.UnixMilli(1))
		}}
}

func setStage(_ *workload, r *ownRun, deleted bool) step {
	stage, do := "active", (*filestore.Store).RestoreRun
	if deleted {
		stage, do = "deleted", (*filestore.Store).DeleteRun
	}
	return step{to: facts{"r/" + r.id + "/stage": stage}, then: func() { r.deleted = deleted },
		do: func(ctx context.Context, s *filestore.Store) error { return do(s, ctx, r.id) }}
}

// point is a point that no other is like.
func (w *workload) point(key string, i int) mlruns.Metric {
	return mlruns.Metric{Key: key, Value: float64(w.n*100+i) + 0.5, Step: int64(w.n*100 + i), Time: time.UnixMilli(int64(w.n))}
}

func logMetric(w *workload, r *ownRun) step {
	m := w.point(w.key(), 0)
	fact := "r/" + r.id + "/metric/" + m.Key
	return step{to: facts{fact: w.facts[fact] + pointText(m)}, do: func(ctx context.Context, s *filestore.Store) error { return s.LogMetric(ctx, r.id, m) }}
}

func logParam(w *workload, r *ownRun) step {
	key, text := w.name("p"), w.text()
	return step{to: facts{"r/" + r.id + "/param/" + key: text}, do: func(ctx context.Context, s *filestore.Store) error { return s.LogParam(ctx, r.id, key, text) }}
}

func setTag(w *workload, r *ownRun) step {
	key, text := w.key(), w.text()
	return step{to: facts{"r/" + r.id + "/tag/" + key: text}, do: func(ctx context.Context, s *filestore.Store) error { return s.SetTag(ctx, r.id, key, text) }}
}

func deleteTag(w *workload, r *ownRun) step {
	key := w.key()
	fact := "r/" + r.id + "/tag/" + key
	if _, ok := w.facts[fact]; !ok {
		return step{}
	}
	return step{gone: []string{fact}, do: func(ctx context.Context, s *filestore.Store) error { return s.DeleteTag(ctx, r.id, key) }}
}

func logBatch(w *workload, r *ownRun) step {
	at, text := "r/"+r.id+"/", w.text()
	b := mlruns.Batch{Tags: []mlruns.Tag{{Key: w.key(), Value: text}}, Params: []mlruns.Param{{Key: w.name("p"), Value: text}, {Key: w.name("q/r"), Value: text}}}
	to := facts{at + "tag/" + b.Tags[0].Key: text, at + "param/" + b.Params[0].Key: text, at + "param/" + b.Params[1].Key: text}
	for i := range 1 + w.rng.IntN(40) {
		m := w.point(w.key(), i)
		b.Metrics = append(b.Metrics, m)
		fact := at + "metric/" + m.Key
		if to[fact] == "" {
			to[fact] = w.facts[fact]
		}
		to[fact] += pointText(m)
	}
	return step{to: to, do: func(ctx context.Context, s *filestore.Store) error { return s.LogBatch(ctx, r.id, b) }}
}

func logInputs(w *workload, r *ownRun) step {
	at, name, model := "r/"+r.id+"/input/", w.name("d"), w.name("m")
	in := mlruns.Inputs{Datasets: []mlruns.DatasetInput{{Dataset: mlruns.Dataset{Name: name, Digest: "1"}}}, Models: []mlruns.ModelInput{{ModelID: model}}}
	return step{to: facts{at + name: "1", at + model: "model"}, do: func(ctx context.Context, s *filestore.Store) error { return s.LogInputs(ctx, r.id, in) }}
}

func logOutputs(w *workload, r *ownRun) step {
	model := w.name("m")
	return step{to: facts{"r/" + r.id + "/output/" + model: "7"}, do: func(ctx context.Context, s *filestore.Store) error {
		return s.LogOutputs(ctx, r.id, mlruns.Outputs{Models: []mlruns.ModelOutput{{ModelID: model, Step: 7}}})
	}}
}

func recordModel(w *workload, r *ownRun) step {
	fact, model := "r/"+r.id+"/tag/"+mlruns.TagModelHistory, w.name("m")
	if strings.Count(w.facts[fact], "\n") > 20 {
		return step{} // the tag has a limit
	}
	return step{to: facts{fact: w.facts[fact] + model + "\n"}, do: func(ctx context.Context, s *filestore.Store) error {
		return s.RecordLoggedModel(ctx, r.id, mlruns.ModelRecord{ArtifactPath: model, Flavors: map[string]json.RawMessage{"f": json.RawMessage("{}")}})
	}}
}

func writeArtifact(w *workload, r *ownRun) step {
	name, text := "x/"+w.key(), w.text()+strings.Repeat("z", w.rng.IntN(100_000))
	return step{to: facts{"r/" + r.id + "/artifact/" + name: text}, do: func(ctx context.Context, s *filestore.Store) error {
		return s.WriteArtifact(ctx, r.id, name, strings.NewReader(text))
	}}
}

func logArtifact(w *workload, r *ownRun) step {
	file, text := filepath.Join(w.local, "file"), w.text()
	return step{to: facts{"r/" + r.id + "/artifact/y/file": text}, do: func(ctx context.Context, s *filestore.Store) error {
		if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
			return err
		}
		return s.LogArtifact(ctx, r.id, file, "y")
	}}
}

func logArtifacts(w *workload, r *ownRun) step {
	dir, text := filepath.Join(w.local, "tree"), w.text()
	s := step{to: facts{}}
	for i := range 3 {
		s.to[fmt.Sprintf("r/%s/artifact/z/sub/%d", r.id, i)] = text
	}
	s.do = func(ctx context.Context, s *filestore.Store) error {
		if err := os.MkdirAll(filepath.Join(dir, "sub"), 0o777); err != nil {
			return err
		}
		for i := range 3 {
			if err := os.WriteFile(filepath.Join(dir, "sub", fmt.Sprint(i)), []byte(text), 0o666); err != nil {
				return err
			}
		}
		return s.LogArtifacts(ctx, r.id, dir, "z")
	}
	return s
}

func deleteArtifacts(w *workload, r *ownRun) step {
	folder := []string{"x", "y", "z", "x/a"}[w.rng.IntN(4)]
	s := step{do: func(ctx context.Context, s *filestore.Store) error { return s.DeleteArtifacts(ctx, r.id, folder) }}
	for key := range w.facts {
		if at := "r/" + r.id + "/artifact/" + folder; key == at || strings.HasPrefix(key, at+"/") {
			s.gone = append(s.gone, key)
		}
	}
	if s.gone == nil {
		return step{}
	}
	return s
}
