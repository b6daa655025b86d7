package remote

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/internal/failure"
	"github.com/mlruns/mlruns/internal/validate"
	"github.com/mlruns/mlruns/internal/wire"
)

// TagRequest is a tag that a run has while it is made on a server of MLflow, by which it is found
// again should the answer be lost. It is removed before CreateRun returns.
const TagRequest = "mlruns.request"

// CreateRun implements mlruns.Store. It makes one run, however often the request is sent. An id may
// be chosen only where the server is one of this module: ErrUnsupported.
func (s *Store) CreateRun(ctx context.Context, spec mlruns.RunSpec) (*mlruns.Run, error) {
	run, err := s.createRun(ctx, spec)
	return run, fail("create run", spec.ID, err)
}

func (s *Store) createRun(ctx context.Context, spec mlruns.RunSpec) (*mlruns.Run, error) {
	if spec.ExperimentID == "" {
		spec.ExperimentID = mlruns.DefaultExperimentID
	}
	start, err := validateRun(spec)
	if err != nil {
		return nil, err
	}
	chosen, err := s.chosen(ctx, "runs", spec.ID, func(e extensions) bool { return e.RunID })
	if err != nil {
		return nil, err
	}
	if spec.User == "" {
		spec.User = spec.Tags[mlruns.TagUser]
	}
	if spec.User == "" {
		spec.User = "unknown"
	}
	if spec.Name == "" {
		spec.Name = spec.Tags[mlruns.TagRunName] // MLflow 1 would draw one, and refuse the two
	}
	if name, ok := spec.Tags[mlruns.TagRunName]; ok && name == "" {
		spec.Tags = maps.Clone(spec.Tags) // MLflow 2 would have the tag twice
		delete(spec.Tags, mlruns.TagRunName)
	}
	body := fields{"experiment_id": spec.ExperimentID, "user_id": spec.User, "start_time": start, "tags": tagList(spec.Tags)}
	if spec.Name != "" {
		body["run_name"] = spec.Name
	}
	if chosen {
		return s.createChosen(ctx, spec.ID, body)
	}
	return s.createTagged(ctx, spec, body)
}

func validateRun(spec mlruns.RunSpec) (start int64, err error) {
	if err = validate.ExperimentID(spec.ExperimentID); err != nil {
		return 0, err
	}
	if spec.ID != "" {
		if err = validate.RunID(spec.ID); err != nil {
			return 0, err
		}
	}
	for _, f := range [...]struct{ field, text string }{{"run_name", spec.Name}, {"user_id", spec.User}} {
		if err = validate.Text(f.field, f.text); err != nil {
			return 0, err
		}
	}
	if err = validate.ModelTags(spec.Tags); err != nil {
		return 0, err
	}
	return timestamp("start_time", spec.Start)
}

// createChosen makes a run under an id that is chosen here, by which it is found again.
func (s *Store) createChosen(ctx context.Context, id string, body fields) (*mlruns.Run, error) {
	drawn := id == ""
	if drawn {
		id = newID()
	}
	body["run_id"] = id
	var answer wire.RunAnswer
	repeated, err := s.post(ctx, "2.0/mlflow/runs/create", repeats, body, &answer)
	switch {
	case repeated && drawn && errors.Is(err, mlruns.ErrExists):
		return s.run(ctx, id)
	case repeated && errors.Is(err, mlruns.ErrExists):
		return nil, &failure.Reason{Kind: mlruns.ErrUnconfirmed, Cause: err, Text: "an answer was lost, and now there is a run " + id + ": whether it was made by this call is not known"}
	case err != nil:
		return nil, err
	}
	return entity(answer)
}

// newID draws what MLflow calls a run by.
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // it never fails
	return hex.EncodeToString(b[:])
}

// createTagged makes a run on a server that chooses its id. A tag is sent with it: when an answer
// is lost, the run is looked for by that before the request is sent again.
func (s *Store) createTagged(ctx context.Context, spec mlruns.RunSpec, body fields) (*mlruns.Run, error) {
	request := newID()
	body["tags"] = append(tagList(spec.Tags), wire.Tag{Key: TagRequest, Value: request})
	made, err := createFound(ctx, s, creation[mlruns.Run]{
		create: func() (*mlruns.Run, error) {
			var answer wire.RunAnswer
			if err := s.once(ctx, call{method: http.MethodPost, path: "2.0/mlflow/runs/create", body: body}, &answer); err != nil {
				return nil, err
			}
			return entity(answer)
		},
		find:   func() ([]*mlruns.Run, error) { return s.byRequest(ctx, spec.ExperimentID, request) },
		settle: func(kept *mlruns.Run) { s.removeDoubles(ctx, spec.ExperimentID, request, kept.Info.ID) },
	})
	if err != nil {
		return nil, err
	}
	delete(made.Data.Tags, TagRequest)
	if err := s.deleteTag(ctx, made.Info.ID, TagRequest); err != nil {
		s.logger.Warn("a run keeps the tag by which it was found while it was made", "run", made.Info.ID, "tag", TagRequest, "error", err)
	}
	return made, nil
}

// byRequest gives the runs that requests with a tag have made.
func (s *Store) byRequest(ctx context.Context, experimentID, request string) ([]*mlruns.Run, error) {
	page, err := s.searchRuns(ctx, mlruns.RunQuery{
		Experiments: []string{experimentID}, Filter: fmt.Sprintf("tags.`%s` = '%s'", TagRequest, request), View: mlruns.ViewActive, MaxResults: 10,
	})
	if err != nil {
		return nil, err
	}
	return page.Runs, nil
}

// removeDoubles deletes what a request made that was still on its way when it was sent again.
func (s *Store) removeDoubles(ctx context.Context, experimentID, request, keep string) {
	runs, err := s.byRequest(ctx, experimentID, request)
	if err != nil {
		s.logger.Warn("whether a run was made twice could not be looked for", "run", keep, "error", err)
		return
	}
	for _, r := range runs {
		if r.Info.ID == keep {
			continue
		}
		if _, err := s.post(ctx, "2.0/mlflow/runs/delete", repeats, fields{"run_id": r.Info.ID}, nil); err != nil {
			s.logger.Warn("a run was made twice, and the second one could not be deleted", "run", keep, "second", r.Info.ID, "error", err)
		}
	}
}

// Run implements mlruns.Store.
func (s *Store) Run(ctx context.Context, runID string) (*mlruns.Run, error) {
	run, err := s.run(ctx, runID)
	return run, fail("get run", runID, err)
}

func (s *Store) run(ctx context.Context, runID string) (*mlruns.Run, error) {
	if err := validate.RunID(runID); err != nil {
		return nil, err
	}
	var answer wire.RunAnswer
	if err := s.get(ctx, "2.0/mlflow/runs/get", url.Values{"run_id": {runID}, "run_uuid": {runID}}, &answer); err != nil {
		return nil, err
	}
	return entity(answer)
}

func entity(answer wire.RunAnswer) (*mlruns.Run, error) {
	run, err := answer.Run.Entity()
	if err != nil {
		return nil, err
	}
	run.Problems = answer.Problems
	return run, nil
}

// UpdateRun implements mlruns.Store.
func (s *Store) UpdateRun(ctx context.Context, runID string, u mlruns.RunUpdate) error {
	return fail("update run", runID, s.updateRun(ctx, runID, u))
}

// EndRun implements mlruns.Store.
func (s *Store) EndRun(ctx context.Context, runID string, status mlruns.Status, end time.Time) error {
	if status == 0 {
		status = mlruns.StatusFinished
	}
	if end.IsZero() {
		end = now()
	}
	return fail("end run", runID, s.updateRun(ctx, runID, mlruns.RunUpdate{Status: status, End: end}))
}

func (s *Store) updateRun(ctx context.Context, runID string, u mlruns.RunUpdate) error {
	if err := validate.RunID(runID); err != nil {
		return err
	}
	if u.Status != 0 && !u.Status.Valid() {
		return failure.Invalid(fmt.Sprintf("Invalid value %d for parameter 'status' supplied: valid run statuses are [1, 2, 3, 4, 5]", int8(u.Status)))
	}
	if err := validate.Text("run_name", u.Name); err != nil {
		return err
	}
	u, err := s.wholeUpdate(ctx, runID, u)
	if err != nil {
		return err
	}
	body := fields{"run_id": runID, "run_uuid": runID}
	if u.Status != 0 {
		body["status"] = u.Status.String()
	}
	if !u.End.IsZero() {
		end, err := timestamp("end_time", u.End)
		if err != nil {
			return err
		}
		body["end_time"] = end
	}
	if u.Name != "" {
		body["run_name"] = u.Name
	}
	_, err = s.post(ctx, "2.0/mlflow/runs/update", repeats, body, nil)
	return err
}

// wholeUpdate adds to an update the status and the end that a run has: some servers of MLflow take
// what is left out for the first status, or for no end. MLflow's client does the same.
func (s *Store) wholeUpdate(ctx context.Context, runID string, u mlruns.RunUpdate) (mlruns.RunUpdate, error) {
	if u.Status != 0 && !u.End.IsZero() {
		return u, nil
	}
	e, err := s.extensions(ctx)
	if err != nil || e.Version != "" {
		return u, err
	}
	run, err := s.run(ctx, runID)
	if err != nil {
		return u, err
	}
	if u.Status == 0 {
		u.Status = run.Info.Status
	}
	if u.End.IsZero() {
		u.End = run.Info.End
	}
	return u, nil
}

// DeleteRun implements mlruns.Store.
func (s *Store) DeleteRun(ctx context.Context, runID string) error {
	return fail("delete run", runID, s.moveRun(ctx, "delete", runID, mlruns.StageDeleted))
}

// RestoreRun implements mlruns.Store.
func (s *Store) RestoreRun(ctx context.Context, runID string) error {
	return fail("restore run", runID, s.moveRun(ctx, "restore", runID, mlruns.StageActive))
}

// moveRun deletes or restores. A server of MLflow refuses what is done already, which is no error
// here.
func (s *Store) moveRun(ctx context.Context, verb, runID string, to mlruns.LifecycleStage) error {
	if err := validate.RunID(runID); err != nil {
		return err
	}
	_, err := s.post(ctx, "2.0/mlflow/runs/"+verb, repeats, fields{"run_id": runID}, nil)
	if errors.Is(err, mlruns.ErrInvalid) || errors.Is(err, mlruns.ErrNotActive) {
		if run, failed := s.run(ctx, runID); failed == nil && run.Info.Stage == to {
			return nil
		}
	}
	return err
}
