package transfer

import (
	"context"
	"errors"
	"iter"
	"maps"
	"slices"

	"github.com/mlruns/mlruns"
)

// TagSourceModel is the id of a logged model in the store that it was copied from first, where ids
// cannot be kept.
const TagSourceModel = "mlruns.sourceModelId"

// models are those of one experiment of the source while it is copied.
type models struct {
	*copier
	from, into mlruns.ModelStore
	at         place
	hides      bool // the destination does not show its deleted ones
	made       bool // this copy has made some there
	// those that are not copied yet, by the run that made them
	bySource map[string][]*mlruns.LoggedModel
	// awaited are the ids of those of which it is not known yet what becomes of them
	awaited map[string]string // and the run that made them
	// of the destination, by their ids and by where they came from
	there  map[string]*mlruns.LoggedModel
	points map[string]map[string]map[identity]string
}

// modelsOf lists the models of an experiment on both sides; nil where the source has none.
func (c *copier) modelsOf(ctx context.Context, experiment string, at place) (*models, error) {
	from, ok := c.src.(mlruns.ModelStore)
	if !ok {
		return nil, nil
	}
	m := &models{copier: c, from: from, at: at, bySource: map[string][]*mlruns.LoggedModel{}, awaited: map[string]string{}, there: map[string]*mlruns.LoggedModel{},
		points: map[string]map[string]map[identity]string{}}
	for model, err := range listed(ctx, from, experiment, c.q.view(), c.q.onProblem(), nil) {
		if errors.Is(err, mlruns.ErrUnsupported) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		m.bySource[model.SourceRunID] = append(m.bySource[model.SourceRunID], model)
		m.awaited[model.ID] = model.SourceRunID
		if c.keepsIDs() {
			continue
		}
		for p, err := range m.history(ctx, c.src, model) {
			if err != nil {
				return nil, err
			}
			m.note(p, model.ID)
		}
	}
	if len(m.bySource) == 0 {
		return nil, nil
	}
	m.into, _ = c.dst.(mlruns.ModelStore)
	if m.into == nil || at.id == "" {
		return m, nil
	}
	if err := m.look(ctx); err != nil {
		return nil, err
	}
	m.recognize()
	return m, nil
}

// recognize notes the ids of models that are in the destination, so that nothing waits for them.
func (m *models) recognize() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, list := range m.bySource {
		for _, model := range list {
			if have := m.counterpartOf(model); have != nil {
				m.modelIDs[model.ID] = have.ID
				delete(m.awaited, model.ID)
			}
		}
	}
}

// counterpartOf gives the model of the destination that one of the source was copied to, nil if
// there is none.
func (m *models) counterpartOf(model *mlruns.LoggedModel) *mlruns.LoggedModel {
	if have := m.there[model.ID]; have != nil {
		return have
	}
	return m.there[originOf(model.ID, model.Tags[TagSourceModel])]
}

// listed goes through the models of an experiment. MLflow's server does not show deleted ones: then
// those that are active, and hides is set.
func listed(ctx context.Context, s mlruns.ModelStore, experiment string, view mlruns.View, told func(mlruns.Problem), hides *bool) iter.Seq2[*mlruns.LoggedModel, error] {
	return func(yield func(*mlruns.LoggedModel, error) bool) {
		q := mlruns.ModelQuery{Experiments: []string{experiment}, View: view, OnProblem: told}
		for model, err := range s.LoggedModels(ctx, q) {
			if errors.Is(err, mlruns.ErrUnsupported) && view != mlruns.ViewActive {
				if hides != nil {
					*hides = true
				}
				q.View = mlruns.ViewActive
				s.LoggedModels(ctx, q)(yield)
				return
			}
			if !yield(model, err) {
				return
			}
		}
	}
}

// note notes that a point of a run is one of a model too.
func (m *models) note(p mlruns.Metric, model string) {
	if m.points[p.RunID] == nil {
		m.points[p.RunID] = map[string]map[identity]string{}
	}
	if m.points[p.RunID][p.Key] == nil {
		m.points[p.RunID][p.Key] = map[identity]string{}
	}
	m.points[p.RunID][p.Key][identityOf(p)] = model
}

// history goes through the points of a model: all, where the store tells them, else the latest.
func (m *models) history(ctx context.Context, s mlruns.Store, model *mlruns.LoggedModel) points {
	latest := func(yield func(mlruns.Metric, error) bool) {
		for _, p := range model.Metrics {
			if !yield(p, nil) {
				return
			}
		}
	}
	all, ok := s.(mlruns.ModelHistories)
	if !ok || len(model.Metrics) == 0 {
		return latest
	}
	return func(yield func(mlruns.Metric, error) bool) {
		next, stop := iter.Pull2(all.ModelPoints(ctx, model.ID))
		defer stop()
		p, err, more := next()
		if errors.Is(err, mlruns.ErrNotFound) { // it is in the trash
			latest(yield)
			return
		}
		for ; more; p, err, more = next() {
			if !yield(p, err) || err != nil {
				return
			}
		}
	}
}

// take gives the models that a run made, once.
func (m *models) take(run string) []*mlruns.LoggedModel {
	m.mu.Lock()
	defer m.mu.Unlock()
	list := m.bySource[run]
	delete(m.bySource, run)
	return list
}

// awaits reports whether a model is still to be copied.
func (m *models) awaits(id string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, is := m.awaited[id]
	return is
}

// awaitedBy reports whether a run has points of a model that is still to be copied. Those that the
// run made itself are copied with it.
func (m *models) awaitedBy(run string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, points := range m.points[run] {
		for _, id := range points {
			if by, is := m.awaited[id]; is && by != run {
				return true
			}
		}
	}
	return false
}

// without gives the models that were made by no run of those.
func (m *models) without(runs []string) (list []*mlruns.LoggedModel) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for run, models := range m.bySource {
		if !slices.Contains(runs, run) {
			list = append(list, models...)
			delete(m.bySource, run)
		}
	}
	return list
}

// rest gives the models that no run has taken.
func (m *models) rest() (list []*mlruns.LoggedModel) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, models := range m.bySource {
		list = append(list, models...)
	}
	m.bySource = map[string][]*mlruns.LoggedModel{}
	return list
}

// copy copies a model, made by a run of the destination, "" if that is not there.
func (m *models) copy(ctx context.Context, model *mlruns.LoggedModel, run string) Item {
	defer func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		delete(m.awaited, model.ID)
	}()
	it := Item{Kind: KindModel, Action: ActionNone, SourceID: model.ID, Name: model.Name, ExperimentID: m.at.id, Problems: model.Problems}
	if m.into == nil {
		it.refuse("model", "the destination holds no logged models")
		return it
	}
	if m.hides && model.Stage == mlruns.StageDeleted {
		it.refuse("model", "the destination does not show deleted models, so it would be made anew each time")
		return it
	}
	want := *model
	want.ExperimentID, want.Problems = m.at.id, nil
	if run == "" && model.SourceRunID != "" {
		var err error
		if run, err = m.counterpart(ctx, model.SourceRunID); err != nil {
			it.Err = err
			return it
		}
	}
	if run != "" {
		want.SourceRunID = run
	}
	want.Tags = maps.Clone(model.Tags)
	origin := originOf(model.ID, model.Tags[TagSourceModel])
	job := modelJob{models: m, source: model, want: &want, it: &it, origin: origin}
	if it.Err = job.do(ctx, m.counterpartOf(model)); it.Err == nil {
		it.Err = job.unread.asError()
	}
	if it.ID != "" {
		m.mu.Lock()
		m.modelIDs[model.ID] = it.ID
		m.mu.Unlock()
	}
	return it
}

// modelCounterpart gives the id in the destination of a model of the source, "" if it is not there.
func (c *copier) modelCounterpart(id string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.modelIDs[id]
}

// comes reports whether a model that a run refers to is still to be copied.
func (c *copier) comes(ctx context.Context, id, run string) (bool, error) {
	from, ok := c.src.(mlruns.ModelStore)
	if !ok || c.modelCounterpart(id) != "" {
		return false, nil
	}
	m, err := from.LoggedModel(ctx, id)
	if errors.Is(err, mlruns.ErrNotFound) || errors.Is(err, mlruns.ErrUnsupported) || errors.Is(err, mlruns.ErrInvalid) || errors.Is(err, mlruns.ErrCorrupt) {
		return false, nil
	}
	return err == nil && m.SourceRunID != run, err
}

// modelReferences rewrites the ids of models to those of the destination. A model that is still to
// be copied is not referred to yet.
func (v *visit) modelReferences(r *mlruns.Run) {
	c := v.copier
	inputs := make([]mlruns.ModelInput, 0, len(r.Inputs.Models))
	for _, m := range r.Inputs.Models {
		if id := c.modelCounterpart(m.ModelID); id != "" {
			m.ModelID = id
		} else if !c.keepsIDs() && v.models != nil && v.models.into != nil && v.models.awaits(m.ModelID) {
			continue
		}
		inputs = append(inputs, m)
	}
	outputs := make([]mlruns.ModelOutput, len(r.Outputs.Models))
	for i, m := range r.Outputs.Models {
		outputs[i] = m
		if id := c.modelCounterpart(m.ModelID); id != "" {
			outputs[i].ModelID = id
		}
	}
	if len(r.Inputs.Models) > 0 {
		r.Inputs.Models = inputs
	}
	if len(outputs) > 0 {
		r.Outputs.Models = outputs
	}
}

// modelFiles gives the files of models.
func modelFiles(s mlruns.ModelStore) *files {
	if s == nil {
		return nil
	}
	return &files{s.ModelArtifacts, s.OpenModelArtifact, s.WriteModelArtifact}
}
