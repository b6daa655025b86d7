package filestoretest

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
)

// ownPart is a logged model or a trace of the workload's.
type ownPart struct {
	ID         string
	experiment *ownExperiment // nil: the default one
	deleted    bool
}

func (w *Workload) part(list []*ownPart) *ownPart {
	return choose(w.rng, list, func(p *ownPart) bool { return !p.deleted && (p.experiment == nil || !p.experiment.deleted) })
}

func onPart(list func(*Workload) []*ownPart, make func(*Workload, *ownPart) Step) func(*Workload) Step {
	return func(w *Workload) Step {
		if p := w.part(list(w)); p != nil {
			return make(w, p)
		}
		return Step{}
	}
}

func ownModels(w *Workload) []*ownPart { return w.models }
func ownTraces(w *Workload) []*ownPart { return w.traces }

// newPart draws where a part is made, as createRun does.
func (w *Workload) newPart(kind string) (p *ownPart, in string) {
	p, in = &ownPart{ID: w.name(kind)}, mlruns.DefaultExperimentID
	if e := w.experiment(false); e != nil && w.rng.IntN(2) == 0 {
		p.experiment, in = e, e.ID
	}
	return p, in
}

func createModel(w *Workload) Step {
	m, in := w.newPart("m")
	at, text := "m/"+m.ID+"/", w.text()
	spec := mlruns.ModelSpec{ID: m.ID, ExperimentID: in, Name: w.name("name"), Params: map[string]string{"a": text, "c/d": text}, Tags: map[string]string{"a": text}}
	return Step{whole: true, then: func() { w.models = append(w.models, m) },
		To: Facts{at + "experiment": in, at + "name": spec.Name, at + "status": "PENDING", at + "stage": "active", at + "param/a": text, at + "param/c/d": text, at + "tag/a": text},
		Do: func(ctx context.Context, s *filestore.Store) error { return ErrOf(s.CreateLoggedModel(ctx, spec)) }}
}

func finalizeModel(w *Workload, m *ownPart) Step {
	status := []mlruns.ModelStatus{mlruns.ModelReady, mlruns.ModelFailed, mlruns.ModelPending}[w.rng.IntN(3)]
	return Step{To: Facts{"m/" + m.ID + "/status": status.String()}, Do: func(ctx context.Context, s *filestore.Store) error {
		return ErrOf(s.FinalizeLoggedModel(ctx, m.ID, status))
	}}
}

func deleteModel(_ *Workload, m *ownPart) Step {
	return Step{To: Facts{"m/" + m.ID + "/stage": "deleted"}, then: func() { m.deleted = true },
		Do: func(ctx context.Context, s *filestore.Store) error { return s.DeleteLoggedModel(ctx, m.ID) }}
}

func setModelTag(w *Workload, m *ownPart) Step {
	key, text := w.key(), w.text()
	return Step{To: Facts{"m/" + m.ID + "/tag/" + key: text}, Do: func(ctx context.Context, s *filestore.Store) error {
		return s.SetLoggedModelTags(ctx, m.ID, map[string]string{key: text})
	}}
}

func logModelParam(w *Workload, m *ownPart) Step {
	key, text := w.key(), w.text()
	return Step{To: Facts{"m/" + m.ID + "/param/" + key: text}, Do: func(ctx context.Context, s *filestore.Store) error {
		return s.LogLoggedModelParams(ctx, m.ID, map[string]string{key: text})
	}}
}

func startTrace(w *Workload) Step {
	t, in := w.newPart("t")
	at, text := "t/"+t.ID+"/", w.text()
	spec := mlruns.Trace{ID: t.ID, ExperimentID: in, State: mlruns.TraceOK, Start: time.UnixMilli(int64(w.N)), RequestPreview: text, Metadata: map[string]string{"k": text}, Tags: map[string]string{"a": text}}
	return Step{whole: true, then: func() { w.traces = append(w.traces, t) },
		To: Facts{at + "experiment": in, at + "state": "OK", at + "request": text, at + "metadata/k": text, at + "tag/a": text},
		Do: func(ctx context.Context, s *filestore.Store) error { return ErrOf(s.StartTrace(ctx, spec)) }}
}

func setTraceTag(w *Workload, t *ownPart) Step {
	key, text := []string{"a", "b"}[w.rng.IntN(2)], w.text()
	return Step{To: Facts{"t/" + t.ID + "/tag/" + key: text}, Do: func(ctx context.Context, s *filestore.Store) error { return s.SetTraceTag(ctx, t.ID, key, text) }}
}

func deleteModelTag(w *Workload, m *ownPart) Step {
	key := w.key()
	fact := "m/" + m.ID + "/tag/" + key
	if _, ok := w.facts[fact]; !ok {
		return Step{}
	}
	return Step{gone: []string{fact}, Do: func(ctx context.Context, s *filestore.Store) error { return s.DeleteLoggedModelTag(ctx, m.ID, key) }}
}

// logModelMetric logs a point of a run and of a model of the run's experiment. Of the model the
// latest point is a fact, which is the last logged.
func logModelMetric(w *Workload, r *ownRun) Step {
	m := choose(w.rng, w.models, func(m *ownPart) bool { return !m.deleted && m.experiment == r.experiment })
	if m == nil {
		return Step{}
	}
	point := w.point(w.key(), 0)
	fact, text := "r/"+r.ID+"/metric/"+point.Key, pointText(point)
	point.ModelID = m.ID
	return Step{To: Facts{fact: w.facts[fact] + text, "m/" + m.ID + "/metric/" + point.Key: text},
		Do: func(ctx context.Context, s *filestore.Store) error { return s.LogMetric(ctx, r.ID, point) }}
}

func deleteTraceTag(w *Workload, t *ownPart) Step {
	key := []string{"a", "b"}[w.rng.IntN(2)]
	fact := "t/" + t.ID + "/tag/" + key
	if _, ok := w.facts[fact]; !ok {
		return Step{}
	}
	return Step{gone: []string{fact}, Do: func(ctx context.Context, s *filestore.Store) error { return s.DeleteTraceTag(ctx, t.ID, key) }}
}

func deleteTraces(w *Workload, t *ownPart) Step {
	d := mlruns.TraceDeletion{ExperimentID: mlruns.DefaultExperimentID, IDs: []string{t.ID}}
	if t.experiment != nil {
		d.ExperimentID = t.experiment.ID
	}
	s := Step{whole: true, then: func() { t.deleted = true }, Do: func(ctx context.Context, s *filestore.Store) error { return ErrOf(s.DeleteTraces(ctx, d)) }}
	for key := range w.facts {
		if strings.HasPrefix(key, "t/"+t.ID+"/") {
			s.gone = append(s.gone, key)
		}
	}
	return s
}

func endTrace(w *Workload, t *ownPart) Step {
	state := []mlruns.TraceState{mlruns.TraceOK, mlruns.TraceError, mlruns.TraceInProgress}[w.rng.IntN(3)]
	end := mlruns.TraceEnd{State: state, End: time.UnixMilli(int64(w.N + 1))}
	return Step{To: Facts{"t/" + t.ID + "/state": string(state)}, Do: func(ctx context.Context, s *filestore.Store) error { return ErrOf(s.EndTrace(ctx, t.ID, end)) }}
}

func assessTrace(w *Workload, t *ownPart) Step {
	id, text := w.name("a"), w.text()
	a, err := json.Marshal(map[string]any{"assessment_id": id, "assessment_name": "n", "feedback": map[string]any{"value": text}})
	if err != nil {
		panic(err)
	}
	return Step{To: Facts{"t/" + t.ID + "/assessment/" + id: text}, Do: func(ctx context.Context, s *filestore.Store) error { return ErrOf(s.CreateAssessment(ctx, t.ID, a)) }}
}

// addModelsAndTraces adds what a store says of them.
func addModelsAndTraces(ctx context.Context, s *filestore.Store, all Facts, experiments []string) error {
	for m, err := range s.LoggedModels(ctx, mlruns.ModelQuery{Experiments: experiments, View: mlruns.ViewAll}) {
		if err != nil {
			return err
		}
		at := "m/" + m.ID + "/"
		all[at+"experiment"], all[at+"name"], all[at+"status"], all[at+"stage"] = m.ExperimentID, m.Name, m.Status.String(), string(m.Stage)
		for key, value := range m.Params {
			all[at+"param/"+key] = value
		}
		for key, value := range m.Tags {
			all[at+"tag/"+key] = value
		}
		for _, point := range m.Metrics {
			all[at+"metric/"+point.Key] = pointText(point)
		}
	}
	for t, err := range s.Traces(ctx, mlruns.TraceQuery{Experiments: experiments}) {
		if err != nil {
			return err
		}
		at := "t/" + t.ID + "/"
		all[at+"experiment"], all[at+"state"], all[at+"request"] = t.ExperimentID, t.State.String(), t.RequestPreview
		for key, value := range t.Metadata {
			all[at+"metadata/"+key] = value
		}
		for _, text := range t.Assessments {
			var a struct {
				ID       string `json:"assessment_id"`
				Feedback json.RawMessage
			}
			if err := json.Unmarshal(text, &a); err != nil {
				return err
			}
			var feedback struct{ Value string }
			_ = json.Unmarshal(a.Feedback, &feedback) // torn, if it has no text
			all[at+"assessment/"+a.ID] = feedback.Value
		}
		for key, value := range t.Tags {
			if key != mlruns.TagTraceArtifactLocation {
				all[at+"tag/"+key] = value
			}
		}
	}
	return nil
}
