package remote

import (
	"context"
	"crypto/rand"
	"errors"
	"math/big"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/internal/failure"
	"github.com/mlruns/mlruns/internal/validate"
	"github.com/mlruns/mlruns/internal/wire"
)

// CreateExperiment implements mlruns.Store. An id may be chosen only where the server is one of
// this module: ErrUnsupported.
func (s *Store) CreateExperiment(ctx context.Context, spec mlruns.ExperimentSpec) (*mlruns.Experiment, error) {
	e, err := s.createExperiment(ctx, spec)
	return e, fail("create experiment", spec.Name, err)
}

func (s *Store) createExperiment(ctx context.Context, spec mlruns.ExperimentSpec) (*mlruns.Experiment, error) {
	if err := validateExperiment(spec); err != nil {
		return nil, err
	}
	chosen, err := s.chosen(ctx, "experiments", spec.ID, func(e extensions) bool { return e.IDs })
	if err != nil {
		return nil, err
	}
	body := fields{"name": spec.Name, "tags": tagList(spec.Tags)}
	if spec.ArtifactLocation != "" {
		body["artifact_location"] = spec.ArtifactLocation
	}
	id, ours := spec.ID, false
	if chosen && id == "" {
		if id, err = newExperimentID(); err != nil {
			return nil, err
		}
		ours = true
	}
	if chosen {
		body["experiment_id"] = id
	}
	var answer struct {
		ID string `json:"experiment_id"`
	}
	repeated, err := s.post(ctx, "2.0/mlflow/experiments/create", repeats, body, &answer)
	if repeated && errors.Is(err, mlruns.ErrExists) {
		// Nobody else makes an experiment of an id that was drawn here.
		if e, found := s.experiment(ctx, id); ours && found == nil && e.Name == spec.Name {
			return e, nil
		}
		return nil, &failure.Reason{Kind: mlruns.ErrUnconfirmed, Cause: err,
			Text: "an answer was lost, and now there is an experiment '" + spec.Name + "': whether it was made by this call is not known"}
	}
	if err != nil {
		return nil, err
	}
	e, err := s.experiment(ctx, answer.ID)
	if err != nil {
		return nil, &failure.Reason{Kind: mlruns.ErrUnconfirmed, Cause: err, Text: "the experiment was made, with the id " + answer.ID + ", and could not be read: " + mlruns.MessageOf(err)}
	}
	return e, nil
}

func validateExperiment(spec mlruns.ExperimentSpec) error {
	if err := validate.ExperimentName(spec.Name); err != nil {
		return err
	}
	if spec.ID != "" {
		if err := validate.ExperimentID(spec.ID); err != nil {
			return err
		}
	}
	if err := validate.ArtifactLocation(spec.ArtifactLocation); err != nil {
		return err
	}
	return validate.ModelTags(spec.Tags)
}

// newExperimentID draws 18 decimal digits, as MLflow does.
func newExperimentID() (string, error) {
	first := new(big.Int).Exp(big.NewInt(10), big.NewInt(17), nil)
	n, err := rand.Int(rand.Reader, new(big.Int).Mul(first, big.NewInt(9)))
	if err != nil {
		return "", err
	}
	return n.Add(n, first).String(), nil
}

// Experiment implements mlruns.Store.
func (s *Store) Experiment(ctx context.Context, id string) (*mlruns.Experiment, error) {
	err := validate.ExperimentID(id)
	var e *mlruns.Experiment
	if err == nil {
		e, err = s.experiment(ctx, id)
	}
	return e, fail("get experiment", id, err)
}

func (s *Store) experiment(ctx context.Context, id string) (*mlruns.Experiment, error) {
	return s.oneExperiment(ctx, "2.0/mlflow/experiments/get", url.Values{"experiment_id": {id}})
}

// ExperimentByName implements mlruns.Store.
func (s *Store) ExperimentByName(ctx context.Context, name string) (*mlruns.Experiment, error) {
	err := validate.Text("experiment_name", name)
	var e *mlruns.Experiment
	if err == nil {
		e, err = s.oneExperiment(ctx, "2.0/mlflow/experiments/get-by-name", url.Values{"experiment_name": {name}})
	}
	return e, fail("get experiment by name", name, err)
}

func (s *Store) oneExperiment(ctx context.Context, path string, query url.Values) (*mlruns.Experiment, error) {
	var answer wire.ExperimentAnswer
	if err := s.get(ctx, path, query, &answer); err != nil {
		return nil, err
	}
	e := answer.Experiment.Entity()
	return &e, nil
}

// RenameExperiment implements mlruns.Store.
func (s *Store) RenameExperiment(ctx context.Context, id, name string) error {
	return fail("rename experiment", id, s.changeExperiment(ctx, "update", id, fields{"new_name": name}, func(e *mlruns.Experiment) bool { return e.Name == name },
		validate.ExperimentName(name)))
}

// DeleteExperiment implements mlruns.Store.
func (s *Store) DeleteExperiment(ctx context.Context, id string) error {
	return fail("delete experiment", id, s.changeExperiment(ctx, "delete", id, fields{}, func(e *mlruns.Experiment) bool { return e.Stage == mlruns.StageDeleted }))
}

// RestoreExperiment implements mlruns.Store.
func (s *Store) RestoreExperiment(ctx context.Context, id string) error {
	return fail("restore experiment", id, s.changeExperiment(ctx, "restore", id, fields{}, func(e *mlruns.Experiment) bool { return e.Stage == mlruns.StageActive }))
}

// SetExperimentTag implements mlruns.Store.
func (s *Store) SetExperimentTag(ctx context.Context, id, key, value string) error {
	return fail("set experiment tag", id, s.changeExperiment(ctx, "set-experiment-tag", id, fields{"key": key, "value": value}, nil,
		validate.Tag(mlruns.Tag{Key: key, Value: value}), s.uncut(ctx, "Tag value", value, maxExperimentTag)))
}

// DeleteExperimentTag implements mlruns.Store. MLflow has it from 3.2 on.
func (s *Store) DeleteExperimentTag(ctx context.Context, id, key string) error {
	err := firstOf(validate.ExperimentID(id), validate.Key("key", key))
	if err == nil {
		err = gone(s.ask(ctx, call{method: http.MethodPost, path: "2.0/mlflow/experiments/delete-experiment-tag", body: fields{"experiment_id": id, "key": key}, effect: repeats, since: "3.2"}, nil))
	}
	return fail("delete experiment tag", id, err)
}

// changeExperiment makes a call that does the same when done twice. One that is refused because a
// try before, whose answer was lost, had done it is done: stands reports whether it is.
func (s *Store) changeExperiment(ctx context.Context, verb, id string, body fields, stands func(*mlruns.Experiment) bool, checks ...error) error {
	if i := slices.IndexFunc(checks, func(err error) bool { return err != nil }); i >= 0 {
		return checks[i]
	}
	if err := validate.ExperimentID(id); err != nil {
		return err
	}
	body["experiment_id"] = id
	repeated, err := s.post(ctx, "2.0/mlflow/experiments/"+verb, repeats, body, nil)
	if err != nil && repeated && stands != nil {
		if e, failed := s.experiment(ctx, id); failed == nil && stands(e) {
			return nil
		}
	}
	return err
}

// tagList is the wire's form of a map, never null.
func tagList(m map[string]string) []wire.Tag { return wire.NewTags(m) }

// now is the time that is sent where none is named: a server would take 0.
func now() time.Time { return time.Now().UTC().Truncate(time.Millisecond) }

// milliseconds is a time as the wire has it. The zero time is now.
func milliseconds(t time.Time) int64 {
	if t.IsZero() {
		t = now()
	}
	return t.UnixMilli()
}
