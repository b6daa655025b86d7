package filestoretest

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
	Name  string
	make  func(*Workload) Step
	local bool // it needs local files
}

// StepKinds are all writes of a store.
var StepKinds = []stepKind{
	{Name: "create experiment", make: createExperiment},
	{Name: "rename experiment", make: onExperiment(renameExperiment)},
	{Name: "delete experiment", make: onExperiment(func(w *Workload, e *ownExperiment) Step { return moveExperiment(w, e, true) })},
	{Name: "restore experiment", make: restoreExperiment},
	{Name: "set experiment tag", make: onExperiment(setExperimentTag)},
	{Name: "delete experiment tag", make: onExperiment(deleteExperimentTag)},
	{Name: "create run", make: createRun},
	{Name: "update run", make: onRun(updateRun)},
	{Name: "end run", make: onRun(endRun)},
	{Name: "delete run", make: onRun(func(w *Workload, r *ownRun) Step { return setStage(w, r, true) })},
	{Name: "restore run", make: func(w *Workload) Step {
		if r := w.run(true); r != nil {
			return setStage(w, r, false)
		}
		return Step{}
	}},
	{Name: "log metric", make: onRun(logMetric)},
	{Name: "log param", make: onRun(logParam)},
	{Name: "set tag", make: onRun(setTag)},
	{Name: "delete tag", make: onRun(deleteTag)},
	{Name: "log batch", make: onRun(logBatch)},
	{Name: "log inputs", make: onRun(logInputs)},
	{Name: "log outputs", make: onRun(logOutputs)},
	{Name: "record model", make: onRun(recordModel)},
	{Name: "write artifact", make: onRun(writeArtifact)},
	{Name: "log artifact", make: onRun(logArtifact), local: true},
	{Name: "log artifacts", make: onRun(logArtifacts), local: true},
	{Name: "delete artifacts", make: onRun(deleteArtifacts)},
	{Name: "create model", make: createModel},
	{Name: "finalize model", make: onPart(ownModels, finalizeModel)},
	{Name: "delete model", make: onPart(ownModels, deleteModel)},
	{Name: "set model tag", make: onPart(ownModels, setModelTag)},
	{Name: "log model param", make: onPart(ownModels, logModelParam)},
	{Name: "delete model tag", make: onPart(ownModels, deleteModelTag)},
	{Name: "log model metric", make: onRun(logModelMetric)},
	{Name: "start trace", make: startTrace},
	{Name: "set trace tag", make: onPart(ownTraces, setTraceTag)},
	{Name: "delete trace tag", make: onPart(ownTraces, deleteTraceTag)},
	{Name: "delete traces", make: onPart(ownTraces, deleteTraces)},
	{Name: "end trace", make: onPart(ownTraces, endTrace)},
	{Name: "assess trace", make: onPart(ownTraces, assessTrace)},
}

func onExperiment(make func(*Workload, *ownExperiment) Step) func(*Workload) Step {
	return func(w *Workload) Step {
		if e := w.experiment(false); e != nil {
			return make(w, e)
		}
		return Step{}
	}
}

func onRun(make func(*Workload, *ownRun) Step) func(*Workload) Step {
	return func(w *Workload) Step {
		r := w.run(false)
		if r == nil {
			return Step{}
		}
		s := make(w, r)
		s.Run = r
		return s
	}
}

func createExperiment(w *Workload) Step {
	e := &ownExperiment{ID: w.name("e")}
	at, text := "e/"+e.ID+"/", w.text()
	spec := mlruns.ExperimentSpec{ID: e.ID, Name: w.name("name"), Tags: map[string]string{"a": text, "c/d": text}}
	return Step{Kind: "create experiment", whole: true, To: Facts{at + "name": spec.Name, at + "stage": "active", at + "tag/a": text, at + "tag/c/d": text},
		Do:   func(ctx context.Context, s *filestore.Store) error { return ErrOf(s.CreateExperiment(ctx, spec)) },
		then: func() { w.Experiments = append(w.Experiments, e) }}
}

func renameExperiment(w *Workload, e *ownExperiment) Step {
	name := w.name("name")
	return Step{To: Facts{"e/" + e.ID + "/name": name}, Do: func(ctx context.Context, s *filestore.Store) error { return s.RenameExperiment(ctx, e.ID, name) }}
}

// moveExperiment deletes or restores an experiment and all its runs.
func moveExperiment(w *Workload, e *ownExperiment, deleted bool) Step {
	stage, do := "active", (*filestore.Store).RestoreExperiment
	if deleted {
		stage, do = "deleted", (*filestore.Store).DeleteExperiment
	}
	s := Step{To: Facts{"e/" + e.ID + "/stage": stage}, Do: func(ctx context.Context, s *filestore.Store) error { return do(s, ctx, e.ID) }}
	for _, r := range w.Runs {
		if r.experiment == e {
			s.To["r/"+r.ID+"/stage"] = stage
		}
	}
	s.then = func() {
		e.deleted = deleted
		for _, r := range w.Runs {
			if r.experiment == e {
				r.deleted = deleted
			}
		}
	}
	return s
}

func restoreExperiment(w *Workload) Step {
	if e := w.experiment(true); e != nil {
		return moveExperiment(w, e, false)
	}
	return Step{}
}

func setExperimentTag(w *Workload, e *ownExperiment) Step {
	key, text := w.key(), w.text()
	return Step{To: Facts{"e/" + e.ID + "/tag/" + key: text}, Do: func(ctx context.Context, s *filestore.Store) error { return s.SetExperimentTag(ctx, e.ID, key, text) }}
}

func deleteExperimentTag(w *Workload, e *ownExperiment) Step {
	key := w.key()
	fact := "e/" + e.ID + "/tag/" + key
	if _, ok := w.facts[fact]; !ok {
		return Step{}
	}
	return Step{gone: []string{fact}, Do: func(ctx context.Context, s *filestore.Store) error { return s.DeleteExperimentTag(ctx, e.ID, key) }}
}

// createRun makes a run in an experiment of the workload's or, every other time, in the default
// one, which all share.
func createRun(w *Workload) Step {
	r := &ownRun{ID: w.name("r")}
	in := mlruns.DefaultExperimentID
	if e := w.experiment(false); e != nil && w.rng.IntN(2) == 0 {
		r.experiment, in = e, e.ID
	}
	at, text := "r/"+r.ID+"/", w.text()
	spec := mlruns.RunSpec{ID: r.ID, ExperimentID: in, Name: w.name("name"), Tags: map[string]string{"a": text, "c/d": text}}
	return Step{Kind: "create run", whole: true, Run: r,
		To: Facts{at + "experiment": in, at + "status": "RUNNING", at + "stage": "active", at + "name": spec.Name, at + "tag/" + mlruns.TagRunName: spec.Name, at + "tag/a": text, at + "tag/c/d": text},
		Do: func(ctx context.Context, s *filestore.Store) error { return ErrOf(s.CreateRun(ctx, spec)) }, then: func() { w.Runs = append(w.Runs, r) }}
}

func updateRun(w *Workload, r *ownRun) Step {
	at, update := "r/"+r.ID+"/", mlruns.RunUpdate{Status: []mlruns.Status{mlruns.StatusRunning, mlruns.StatusScheduled, mlruns.StatusFailed}[w.rng.IntN(3)], Name: w.name("name")}
	return Step{To: Facts{at + "status": update.Status.String(), at + "name": update.Name, at + "tag/" + mlruns.TagRunName: update.Name},
		Do:   func(ctx context.Context, s *filestore.Store) error { return s.UpdateRun(ctx, r.ID, update) },
		then: func() { r.Ended = update.Status.Ended() }}
}

func endRun(_ *Workload, r *ownRun) Step {
	return Step{To: Facts{"r/" + r.ID + "/status": "FINISHED"}, then: func() { r.Ended = true },
		Do: func(ctx context.Context, s *filestore.Store) error {
			return s.EndRun(ctx, r.ID, mlruns.StatusFinished, time.UnixMilli(1))
		}}
}

func setStage(_ *Workload, r *ownRun, deleted bool) Step {
	stage, do := "active", (*filestore.Store).RestoreRun
	if deleted {
		stage, do = "deleted", (*filestore.Store).DeleteRun
	}
	return Step{To: Facts{"r/" + r.ID + "/stage": stage}, then: func() { r.deleted = deleted },
		Do: func(ctx context.Context, s *filestore.Store) error { return do(s, ctx, r.ID) }}
}

// point is a point that no other is like.
func (w *Workload) point(key string, i int) mlruns.Metric {
	return mlruns.Metric{Key: key, Value: float64(w.N*100+i) + 0.5, Step: int64(w.N*100 + i), Time: time.UnixMilli(int64(w.N))}
}

func logMetric(w *Workload, r *ownRun) Step {
	m := w.point(w.key(), 0)
	fact := "r/" + r.ID + "/metric/" + m.Key
	return Step{To: Facts{fact: w.facts[fact] + pointText(m)}, Do: func(ctx context.Context, s *filestore.Store) error { return s.LogMetric(ctx, r.ID, m) }}
}

func logParam(w *Workload, r *ownRun) Step {
	key, text := w.name("p"), w.text()
	return Step{To: Facts{"r/" + r.ID + "/param/" + key: text}, Do: func(ctx context.Context, s *filestore.Store) error { return s.LogParam(ctx, r.ID, key, text) }}
}

func setTag(w *Workload, r *ownRun) Step {
	key, text := w.key(), w.text()
	return Step{To: Facts{"r/" + r.ID + "/tag/" + key: text}, Do: func(ctx context.Context, s *filestore.Store) error { return s.SetTag(ctx, r.ID, key, text) }}
}

func deleteTag(w *Workload, r *ownRun) Step {
	key := w.key()
	fact := "r/" + r.ID + "/tag/" + key
	if _, ok := w.facts[fact]; !ok {
		return Step{}
	}
	return Step{gone: []string{fact}, Do: func(ctx context.Context, s *filestore.Store) error { return s.DeleteTag(ctx, r.ID, key) }}
}

func logBatch(w *Workload, r *ownRun) Step {
	at, text := "r/"+r.ID+"/", w.text()
	b := mlruns.Batch{Tags: []mlruns.Tag{{Key: w.key(), Value: text}}, Params: []mlruns.Param{{Key: w.name("p"), Value: text}, {Key: w.name("q/r"), Value: text}}}
	to := Facts{at + "tag/" + b.Tags[0].Key: text, at + "param/" + b.Params[0].Key: text, at + "param/" + b.Params[1].Key: text}
	for i := range 1 + w.rng.IntN(40) {
		m := w.point(w.key(), i)
		b.Metrics = append(b.Metrics, m)
		fact := at + "metric/" + m.Key
		if to[fact] == "" {
			to[fact] = w.facts[fact]
		}
		to[fact] += pointText(m)
	}
	return Step{To: to, Do: func(ctx context.Context, s *filestore.Store) error { return s.LogBatch(ctx, r.ID, b) }}
}

func logInputs(w *Workload, r *ownRun) Step {
	at, name, model := "r/"+r.ID+"/input/", w.name("d"), w.name("m")
	in := mlruns.Inputs{Datasets: []mlruns.DatasetInput{{Dataset: mlruns.Dataset{Name: name, Digest: "1"}}}, Models: []mlruns.ModelInput{{ModelID: model}}}
	return Step{To: Facts{at + name: "1", at + model: "model"}, Do: func(ctx context.Context, s *filestore.Store) error { return s.LogInputs(ctx, r.ID, in) }}
}

func logOutputs(w *Workload, r *ownRun) Step {
	model := w.name("m")
	return Step{To: Facts{"r/" + r.ID + "/output/" + model: "7"}, Do: func(ctx context.Context, s *filestore.Store) error {
		return s.LogOutputs(ctx, r.ID, mlruns.Outputs{Models: []mlruns.ModelOutput{{ModelID: model, Step: 7}}})
	}}
}

func recordModel(w *Workload, r *ownRun) Step {
	fact, model := "r/"+r.ID+"/tag/"+mlruns.TagModelHistory, w.name("m")
	if strings.Count(w.facts[fact], "\n") > 20 {
		return Step{} // the tag has a limit
	}
	return Step{To: Facts{fact: w.facts[fact] + model + "\n"}, Do: func(ctx context.Context, s *filestore.Store) error {
		return s.RecordLoggedModel(ctx, r.ID, mlruns.ModelRecord{ArtifactPath: model, Flavors: map[string]json.RawMessage{"f": json.RawMessage("{}")}})
	}}
}

func writeArtifact(w *Workload, r *ownRun) Step {
	name, text := "x/"+w.key(), w.text()+strings.Repeat("z", w.rng.IntN(100_000))
	return Step{To: Facts{"r/" + r.ID + "/artifact/" + name: text}, Do: func(ctx context.Context, s *filestore.Store) error {
		return s.WriteArtifact(ctx, r.ID, name, strings.NewReader(text))
	}}
}

func logArtifact(w *Workload, r *ownRun) Step {
	file, text := filepath.Join(w.local, "file"), w.text()
	return Step{To: Facts{"r/" + r.ID + "/artifact/y/file": text}, Do: func(ctx context.Context, s *filestore.Store) error {
		if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
			return err
		}
		return s.LogArtifact(ctx, r.ID, file, "y")
	}}
}

func logArtifacts(w *Workload, r *ownRun) Step {
	dir, text := filepath.Join(w.local, "tree"), w.text()
	s := Step{To: Facts{}}
	for i := range 3 {
		s.To[fmt.Sprintf("r/%s/artifact/z/sub/%d", r.ID, i)] = text
	}
	s.Do = func(ctx context.Context, s *filestore.Store) error {
		if err := os.MkdirAll(filepath.Join(dir, "sub"), 0o777); err != nil {
			return err
		}
		for i := range 3 {
			if err := os.WriteFile(filepath.Join(dir, "sub", fmt.Sprint(i)), []byte(text), 0o666); err != nil {
				return err
			}
		}
		return s.LogArtifacts(ctx, r.ID, dir, "z")
	}
	return s
}

func deleteArtifacts(w *Workload, r *ownRun) Step {
	folder := []string{"x", "y", "z", "x/a"}[w.rng.IntN(4)]
	s := Step{Do: func(ctx context.Context, s *filestore.Store) error { return s.DeleteArtifacts(ctx, r.ID, folder) }}
	for key := range w.facts {
		if at := "r/" + r.ID + "/artifact/" + folder; key == at || strings.HasPrefix(key, at+"/") {
			s.gone = append(s.gone, key)
		}
	}
	if s.gone == nil {
		return Step{}
	}
	return s
}
