package remote

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"unicode/utf8"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/internal/validate"
	"github.com/mlruns/mlruns/internal/wire"
)

// LogMetric implements mlruns.Store. A point whose answer was lost is not sent again: the error is
// mlruns.ErrUnconfirmed.
func (s *Store) LogMetric(ctx context.Context, runID string, m mlruns.Metric) error {
	const op = "log metric"
	if err := firstOf(validate.RunID(runID), validate.Metric(m)); err != nil {
		return fail(op, runID, err)
	}
	if err := s.keepsAll(ctx, m); err != nil {
		return fail(op, runID, err)
	}
	point := newPoint(m)
	body := fields{"run_id": runID, "run_uuid": runID, "key": point.Key, "value": point.Value, "timestamp": point.Timestamp, "step": point.Step}
	for name, text := range map[string]string{"dataset_name": m.DatasetName, "dataset_digest": m.DatasetDigest, "model_id": m.ModelID} {
		if text != "" {
			body[name] = text
		}
	}
	_, err := s.post(ctx, "2.0/mlflow/runs/log-metric", adds, body, nil)
	return fail(op, runID, err)
}

// keepsAll refuses a point of which the server would keep only a part.
func (s *Store) keepsAll(ctx context.Context, points ...mlruns.Metric) error {
	for _, m := range points {
		if m.DatasetName+m.DatasetDigest+m.ModelID != "" {
			return s.needsMLflow3(ctx, "the data set and the model of a point")
		}
	}
	return nil
}

// newPoint is the wire's form of a point to be logged.
func newPoint(m mlruns.Metric) wire.Metric {
	if m.RunID = ""; m.Time.IsZero() {
		m.Time = now()
	}
	return wire.NewMetric(m)
}

// LogParam implements mlruns.Store.
func (s *Store) LogParam(ctx context.Context, runID, key, value string) error {
	const op = "log param"
	if err := firstOf(validate.RunID(runID), validate.Param(mlruns.Param{Key: key, Value: value})); err != nil {
		return fail(op, runID, err)
	}
	_, err := s.post(ctx, "2.0/mlflow/runs/log-parameter", repeats, fields{"run_id": runID, "run_uuid": runID, "key": key, "value": value}, nil)
	return fail(op, runID, err)
}

// SetTag implements mlruns.Store.
func (s *Store) SetTag(ctx context.Context, runID, key, value string) error {
	const op = "set tag"
	err := firstOf(validate.RunID(runID), validate.Tag(mlruns.Tag{Key: key, Value: value}), s.uncut(ctx, "Tag value", value, mlruns.MaxTagValueLength))
	if err == nil {
		_, err = s.post(ctx, "2.0/mlflow/runs/set-tag", repeats, fields{"run_id": runID, "run_uuid": runID, "key": key, "value": value}, nil)
	}
	return fail(op, runID, err)
}

// DeleteTag implements mlruns.Store.
func (s *Store) DeleteTag(ctx context.Context, runID, key string) error {
	err := firstOf(validate.RunID(runID), validate.Key("key", key))
	if err == nil {
		err = s.deleteTag(ctx, runID, key)
	}
	return fail("delete tag", runID, err)
}

func (s *Store) deleteTag(ctx context.Context, runID, key string) error {
	return gone(s.post(ctx, "2.0/mlflow/runs/delete-tag", repeats, fields{"run_id": runID, "key": key}, nil))
}

// gone takes it for done that there is nothing to remove any more, after a try whose answer was
// lost.
func gone(repeated bool, err error) error {
	if repeated && errors.Is(err, mlruns.ErrNotFound) {
		return nil
	}
	return err
}

// LogBatch implements mlruns.Store. A batch with metrics whose answer was lost is not sent again:
// the error is mlruns.ErrUnconfirmed.
func (s *Store) LogBatch(ctx context.Context, runID string, b mlruns.Batch) error {
	const op = "log batch"
	if err := firstOf(validate.RunID(runID), validate.Batch(b)); err != nil {
		return fail(op, runID, err)
	}
	if err := s.keepsAll(ctx, b.Metrics...); err != nil {
		return fail(op, runID, err)
	}
	metrics, params, tags := make([]wire.Metric, len(b.Metrics)), make([]wire.Tag, len(b.Params)), make([]wire.Tag, len(b.Tags))
	at := now()
	for i, m := range b.Metrics {
		if m.Time.IsZero() {
			m.Time = at
		}
		metrics[i] = newPoint(m)
	}
	for i, p := range b.Params {
		params[i] = wire.Tag(p)
	}
	for i, t := range b.Tags {
		tags[i] = wire.Tag(t)
	}
	e := repeats
	if len(metrics) > 0 {
		e = adds
	}
	_, err := s.post(ctx, "2.0/mlflow/runs/log-batch", e, fields{"run_id": runID, "metrics": metrics, "params": params, "tags": tags}, nil)
	return fail(op, runID, err)
}

// LogInputs implements mlruns.Store. MLflow has it from 2.4 on, and models as inputs from 3.0 on.
func (s *Store) LogInputs(ctx context.Context, runID string, in mlruns.Inputs) error {
	const op = "log inputs"
	if err := firstOf(validate.RunID(runID), inputTexts(in)); err != nil {
		return fail(op, runID, err)
	}
	datasets, models := make([]wire.DatasetInput, len(in.Datasets)), make([]wire.ModelInput, len(in.Models))
	for i, d := range in.Datasets {
		datasets[i] = wire.DatasetInput{Tags: tagList(d.Tags), Dataset: wire.Dataset(d.Dataset)}
	}
	for i, m := range in.Models {
		models[i] = wire.ModelInput(m)
	}
	body := fields{"run_id": runID, "datasets": datasets}
	if len(models) > 0 {
		if err := s.needsMLflow3(ctx, "the models that a run used"); err != nil {
			return fail(op, runID, err)
		}
		body["models"] = models
	}
	_, err := s.ask(ctx, call{method: http.MethodPost, path: "2.0/mlflow/runs/log-inputs", body: body, effect: repeats, since: "2.4"}, nil)
	return fail(op, runID, err)
}

// inputTexts refuses what JSON would change. What the texts mean is the server's to check.
func inputTexts(in mlruns.Inputs) error {
	for i, d := range in.Datasets {
		for name, text := range map[string]string{
			"name": d.Dataset.Name, "digest": d.Dataset.Digest, "source_type": d.Dataset.SourceType, "source": d.Dataset.Source, "schema": d.Dataset.Schema, "profile": d.Dataset.Profile,
		} {
			if err := validate.Text(fmt.Sprintf("datasets[%d].%s", i, name), text); err != nil {
				return err
			}
		}
		for key, value := range d.Tags {
			if !utf8.ValidString(key) {
				return validate.Text(fmt.Sprintf("datasets[%d].tags", i), key)
			}
			if err := validate.Text(fmt.Sprintf("datasets[%d].tags", i), value); err != nil {
				return err
			}
		}
	}
	return nil
}

// LogOutputs implements mlruns.Store. MLflow has it from 3.0 on.
func (s *Store) LogOutputs(ctx context.Context, runID string, out mlruns.Outputs) error {
	err := validate.RunID(runID)
	if err == nil {
		err = s.logOutputs(ctx, runID, out.Models)
	}
	if errors.Is(err, mlruns.ErrExists) {
		// A database refuses all when it has one of them.
		var missing []mlruns.ModelOutput
		if missing, err = s.missingOutputs(ctx, runID, out.Models); err == nil && len(missing) > 0 {
			err = s.logOutputs(ctx, runID, missing)
		}
	}
	return fail("log outputs", runID, err)
}

func (s *Store) logOutputs(ctx context.Context, runID string, models []mlruns.ModelOutput) error {
	list := make([]wire.ModelOutput, len(models))
	for i, m := range models {
		list[i] = wire.ModelOutput{ModelID: m.ModelID, Step: wire.Int(m.Step)}
	}
	_, err := s.ask(ctx, call{method: http.MethodPost, path: "2.0/mlflow/runs/outputs", body: fields{"run_id": runID, "models": list}, effect: repeats, since: "3.0"}, nil)
	return err
}

// missingOutputs gives the models that are not yet outputs of a run.
func (s *Store) missingOutputs(ctx context.Context, runID string, models []mlruns.ModelOutput) (missing []mlruns.ModelOutput, err error) {
	run, err := s.run(ctx, runID)
	if err != nil {
		return nil, err
	}
	for _, m := range models {
		if !slices.ContainsFunc(run.Outputs.Models, func(there mlruns.ModelOutput) bool { return there.ModelID == m.ModelID }) {
			missing = append(missing, m)
		}
	}
	return missing, nil
}

// RecordLoggedModel implements mlruns.Store. A server of MLflow reads and writes the tag without a
// lock: records of two clients at one moment may lose one.
func (s *Store) RecordLoggedModel(ctx context.Context, runID string, m mlruns.ModelRecord) error {
	const op = "record logged model"
	if m.Created.IsZero() {
		m.Created = now()
	}
	text, err := wire.EncodeModelRecord(runID, m)
	if err = firstOf(validate.RunID(runID), err); err == nil {
		_, err = s.post(ctx, "2.0/mlflow/runs/log-model", adds, fields{"run_id": runID, "model_json": text}, nil)
	}
	return fail(op, runID, err)
}

// firstOf gives the first error.
func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
