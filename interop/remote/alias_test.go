//go:build interop

package remote

import (
	"context"
	"iter"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/internal/failure"
	"github.com/mlruns/mlruns/internal/validate"
	"github.com/mlruns/mlruns/remote"
)

// aliased is a store on a server that chooses ids. An id that a test chooses stands for the one
// that the server chose, both ways.
type aliased struct {
	*remote.Store
	mu          sync.Mutex
	real, alias map[string]string
}

func newAliased(s *remote.Store) *aliased {
	return &aliased{Store: s, real: map[string]string{}, alias: map[string]string{}}
}

// OwnWords says that errors are in the server's words.
func (a *aliased) OwnWords() {}

func (a *aliased) to(id string) string   { return a.lookUp(a.real, id) }
func (a *aliased) from(id string) string { return a.lookUp(a.alias, id) }

func (a *aliased) lookUp(m map[string]string, id string) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	if other, ok := m[id]; ok {
		return other
	}
	return id
}

func (a *aliased) all(ids []string) []string {
	list := make([]string, len(ids))
	for i, id := range ids {
		list[i] = a.to(id)
	}
	return list
}

func (a *aliased) name(alias, real string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if alias != "" {
		a.real[alias], a.alias[real] = real, alias
	}
}

// free refuses an id that stands for another one, or is none.
func (a *aliased) free(alias string, check func(string) error) error {
	if alias == "" {
		return nil
	}
	err := check(alias)
	a.mu.Lock()
	_, taken := a.real[alias]
	a.mu.Unlock()
	if err == nil && taken {
		err = &failure.Reason{Kind: mlruns.ErrExists, Text: "ID " + alias + " already exists."}
	}
	if err != nil {
		return &mlruns.Error{Op: "create", ID: alias, Err: err}
	}
	return nil
}

func (a *aliased) run(r *mlruns.Run, err error) (*mlruns.Run, error) {
	if err == nil {
		r.Info = a.info(r.Info)
	}
	return r, err
}

func (a *aliased) info(i mlruns.RunInfo) mlruns.RunInfo {
	i.ID, i.ExperimentID = a.from(i.ID), a.from(i.ExperimentID)
	return i
}

func (a *aliased) experiment(e *mlruns.Experiment, err error) (*mlruns.Experiment, error) {
	if err == nil {
		e.ID = a.from(e.ID)
	}
	return e, err
}

func (a *aliased) CreateExperiment(ctx context.Context, spec mlruns.ExperimentSpec) (*mlruns.Experiment, error) {
	if err := a.free(spec.ID, validate.ExperimentID); err != nil {
		return nil, err
	}
	alias := spec.ID
	spec.ID = ""
	e, err := a.Store.CreateExperiment(ctx, spec)
	if err == nil {
		a.name(alias, e.ID)
	}
	return a.experiment(e, err)
}

func (a *aliased) Experiment(ctx context.Context, id string) (*mlruns.Experiment, error) {
	return a.experiment(a.Store.Experiment(ctx, a.to(id)))
}

func (a *aliased) ExperimentByName(ctx context.Context, name string) (*mlruns.Experiment, error) {
	return a.experiment(a.Store.ExperimentByName(ctx, name))
}

func (a *aliased) Experiments(ctx context.Context, q mlruns.ExperimentQuery) iter.Seq2[mlruns.Experiment, error] {
	return func(yield func(mlruns.Experiment, error) bool) {
		for e, err := range a.Store.Experiments(ctx, q) {
			e.ID = a.from(e.ID)
			if !yield(e, err) {
				return
			}
		}
	}
}

func (a *aliased) RenameExperiment(ctx context.Context, id, name string) error {
	return a.Store.RenameExperiment(ctx, a.to(id), name)
}

func (a *aliased) DeleteExperiment(ctx context.Context, id string) error {
	return a.Store.DeleteExperiment(ctx, a.to(id))
}

func (a *aliased) RestoreExperiment(ctx context.Context, id string) error {
	return a.Store.RestoreExperiment(ctx, a.to(id))
}

func (a *aliased) SetExperimentTag(ctx context.Context, id, key, value string) error {
	return a.Store.SetExperimentTag(ctx, a.to(id), key, value)
}

func (a *aliased) DeleteExperimentTag(ctx context.Context, id, key string) error {
	return a.Store.DeleteExperimentTag(ctx, a.to(id), key)
}

func (a *aliased) CreateRun(ctx context.Context, spec mlruns.RunSpec) (*mlruns.Run, error) {
	if err := a.free(spec.ID, validate.RunID); err != nil {
		return nil, err
	}
	alias := spec.ID
	spec.ID, spec.ExperimentID = "", a.to(spec.ExperimentID)
	r, err := a.Store.CreateRun(ctx, spec)
	if err == nil {
		a.name(alias, r.Info.ID)
	}
	return a.run(r, err)
}

func (a *aliased) Run(ctx context.Context, id string) (*mlruns.Run, error) {
	return a.run(a.Store.Run(ctx, a.to(id)))
}

func (a *aliased) RunInfos(ctx context.Context, experimentID string, view mlruns.View) iter.Seq2[mlruns.RunInfo, error] {
	return func(yield func(mlruns.RunInfo, error) bool) {
		var infos []mlruns.RunInfo
		for i, err := range a.Store.RunInfos(ctx, a.to(experimentID), view) {
			if err != nil {
				yield(i, err)
				return
			}
			infos = append(infos, a.info(i))
		}
		slices.SortFunc(infos, func(x, y mlruns.RunInfo) int { return strings.Compare(x.ID, y.ID) }) // they are in the order of the server's
		for _, i := range infos {
			if !yield(i, nil) {
				return
			}
		}
	}
}

func (a *aliased) UpdateRun(ctx context.Context, id string, u mlruns.RunUpdate) error {
	return a.Store.UpdateRun(ctx, a.to(id), u)
}

func (a *aliased) EndRun(ctx context.Context, id string, status mlruns.Status, end time.Time) error {
	return a.Store.EndRun(ctx, a.to(id), status, end)
}

func (a *aliased) DeleteRun(ctx context.Context, id string) error {
	return a.Store.DeleteRun(ctx, a.to(id))
}

func (a *aliased) RestoreRun(ctx context.Context, id string) error {
	return a.Store.RestoreRun(ctx, a.to(id))
}

func (a *aliased) LogMetric(ctx context.Context, id string, m mlruns.Metric) error {
	return a.Store.LogMetric(ctx, a.to(id), m)
}

func (a *aliased) LogParam(ctx context.Context, id, key, value string) error {
	return a.Store.LogParam(ctx, a.to(id), key, value)
}

func (a *aliased) SetTag(ctx context.Context, id, key, value string) error {
	return a.Store.SetTag(ctx, a.to(id), key, value)
}

func (a *aliased) DeleteTag(ctx context.Context, id, key string) error {
	return a.Store.DeleteTag(ctx, a.to(id), key)
}

func (a *aliased) LogBatch(ctx context.Context, id string, b mlruns.Batch) error {
	return a.Store.LogBatch(ctx, a.to(id), b)
}

func (a *aliased) LogInputs(ctx context.Context, id string, in mlruns.Inputs) error {
	return a.Store.LogInputs(ctx, a.to(id), in)
}

func (a *aliased) LogOutputs(ctx context.Context, id string, out mlruns.Outputs) error {
	return a.Store.LogOutputs(ctx, a.to(id), out)
}

func (a *aliased) RecordLoggedModel(ctx context.Context, id string, m mlruns.ModelRecord) error {
	return a.Store.RecordLoggedModel(ctx, a.to(id), m)
}

func (a *aliased) MetricHistory(ctx context.Context, id, key string, q mlruns.HistoryQuery) iter.Seq2[mlruns.Metric, error] {
	return a.Store.MetricHistory(ctx, a.to(id), key, q)
}

func (a *aliased) SearchRuns(ctx context.Context, q mlruns.RunQuery) (*mlruns.RunPage, error) {
	q.Experiments = a.all(q.Experiments)
	page, err := a.Store.SearchRuns(ctx, q)
	if err == nil {
		for _, r := range page.Runs {
			r.Info = a.info(r.Info)
		}
	}
	return page, err
}

func (a *aliased) Runs(ctx context.Context, q mlruns.RunQuery) iter.Seq2[*mlruns.Run, error] {
	q.Experiments = a.all(q.Experiments)
	return func(yield func(*mlruns.Run, error) bool) {
		for r, err := range a.Store.Runs(ctx, q) {
			if !yield(a.run(r, err)) {
				return
			}
		}
	}
}

// finalized is what MLflow's server adds to the metadata of a trace that has ended.
const finalized = "mlflow.trace.infoFinalized"

func (a *aliased) trace(t *mlruns.Trace, err error) (*mlruns.Trace, error) {
	if err == nil {
		delete(t.Metadata, finalized)
	}
	return t, err
}

func (a *aliased) Trace(ctx context.Context, id string) (*mlruns.Trace, error) {
	return a.trace(a.Store.Trace(ctx, id))
}

func (a *aliased) StartTrace(ctx context.Context, t mlruns.Trace) (*mlruns.Trace, error) {
	return a.trace(a.Store.StartTrace(ctx, t))
}

func (a *aliased) EndTrace(ctx context.Context, id string, end mlruns.TraceEnd) (*mlruns.Trace, error) {
	return a.trace(a.Store.EndTrace(ctx, id, end))
}
