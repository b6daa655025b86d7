package mlruns

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/mlruns/mlruns/internal/failure"
)

// finishLimit bounds Finish, which goes on when the caller's context has ended.
const finishLimit = 10 * time.Second

// ActiveRun is the handle of one run. It buffers nothing: what a call logged is in the store when
// it returns, so a process may end at any moment. It is safe for concurrent use.
type ActiveRun struct {
	// ID and ExperimentID never change. Name is the one that the run had when the handle was made.
	ID, ExperimentID, Name string

	client *Client

	mu    sync.Mutex
	ended Status // with which this handle ended the run, 0 while it has not
}

// Run reads the run as it is now.
func (r *ActiveRun) Run(ctx context.Context) (*Run, error) { return r.client.Run(ctx, r.ID) }

// LogMetric logs one point of a metric, measured now.
func (r *ActiveRun) LogMetric(ctx context.Context, key string, value float64, step int64) error {
	return r.client.LogMetric(ctx, r.ID, Metric{Key: key, Value: value, Step: step})
}

// LogMetrics logs one point of each metric, all measured now, in the order of their keys.
func (r *ActiveRun) LogMetrics(ctx context.Context, values map[string]float64, step int64) error {
	metrics := make([]Metric, 0, len(values))
	for _, key := range slices.Sorted(maps.Keys(values)) {
		metrics = append(metrics, Metric{Key: key, Value: values[key], Step: step})
	}
	return r.LogBatch(ctx, Batch{Metrics: metrics})
}

// LogParam records one param.
func (r *ActiveRun) LogParam(ctx context.Context, key, value string) error {
	return r.client.LogParam(ctx, r.ID, key, value)
}

// LogParams records params, in the order of their keys.
func (r *ActiveRun) LogParams(ctx context.Context, params map[string]string) error {
	list := make([]Param, 0, len(params))
	for _, key := range slices.Sorted(maps.Keys(params)) {
		list = append(list, Param{Key: key, Value: params[key]})
	}
	return r.LogBatch(ctx, Batch{Params: list})
}

// SetTag sets one tag.
func (r *ActiveRun) SetTag(ctx context.Context, key, value string) error {
	return r.client.SetTag(ctx, r.ID, key, value)
}

// SetTags sets tags, in the order of their keys.
func (r *ActiveRun) SetTags(ctx context.Context, tags map[string]string) error {
	list := make([]Tag, 0, len(tags))
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		list = append(list, Tag{Key: key, Value: tags[key]})
	}
	return r.LogBatch(ctx, Batch{Tags: list})
}

// DeleteTag removes one tag.
func (r *ActiveRun) DeleteTag(ctx context.Context, key string) error {
	return r.client.DeleteTag(ctx, r.ID, key)
}

// LogBatch logs a batch of any size: one larger than the limits of Store.LogBatch goes in several
// calls, as MLflow's client ≥ 1.27 does, each of which is refused or applied on its own. An empty
// batch is no call at all.
func (r *ActiveRun) LogBatch(ctx context.Context, b Batch) error {
	for part := range split(b) {
		if err := r.client.LogBatch(ctx, r.ID, part); err != nil {
			return err
		}
	}
	return nil
}

// split yields batches within the limits, params first, then metrics, then tags.
func split(b Batch) func(yield func(Batch) bool) {
	return func(yield func(Batch) bool) {
		for !b.Empty() {
			var part Batch
			part.Params, b.Params = cut(b.Params, MaxBatchParams)
			room := MaxBatchEntities - len(part.Params)
			// Nothing overtakes: a param refused in a later part must not come after its metrics,
			// and tags may belong to all of them.
			if len(b.Params) == 0 {
				part.Metrics, b.Metrics = cut(b.Metrics, min(room, MaxBatchMetrics))
			}
			if len(b.Params) == 0 && len(b.Metrics) == 0 {
				part.Tags, b.Tags = cut(b.Tags, min(room-len(part.Metrics), MaxBatchTags))
			}
			if !yield(part) {
				return
			}
		}
	}
}

func cut[T any](list []T, n int) (head, tail []T) {
	n = min(n, len(list))
	return list[:n], list[n:]
}

// LogInputs records data sets and models that the run used.
func (r *ActiveRun) LogInputs(ctx context.Context, in Inputs) error {
	return r.client.LogInputs(ctx, r.ID, in)
}

// LogOutputs records models that the run made.
func (r *ActiveRun) LogOutputs(ctx context.Context, out Outputs) error {
	return r.client.LogOutputs(ctx, r.ID, out)
}

// LogArtifact copies a local file or folder into the folder artifactPath of the run's artifacts.
func (r *ActiveRun) LogArtifact(ctx context.Context, localPath, artifactPath string) error {
	return r.client.LogArtifact(ctx, r.ID, localPath, artifactPath)
}

// LogArtifacts copies what is in a local folder into the folder artifactPath of the run's
// artifacts.
func (r *ActiveRun) LogArtifacts(ctx context.Context, localDir, artifactPath string) error {
	return r.client.LogArtifacts(ctx, r.ID, localDir, artifactPath)
}

// WriteArtifact stores what src gives as the artifact artifactPath.
func (r *ActiveRun) WriteArtifact(ctx context.Context, artifactPath string, src io.Reader) error {
	return r.client.WriteArtifact(ctx, r.ID, artifactPath, src)
}

// LogText stores a text as the artifact artifactPath.
func (r *ActiveRun) LogText(ctx context.Context, artifactPath, text string) error {
	return r.WriteArtifact(ctx, artifactPath, strings.NewReader(text))
}

// LogJSON stores a value as the artifact artifactPath: JSON, indented by two spaces, as MLflow's
// log_dict writes it. ErrInvalid if the value has no JSON.
func (r *ActiveRun) LogJSON(ctx context.Context, artifactPath string, v any) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return &Error{Op: "log JSON", ID: r.ID, Err: failure.Invalid(fmt.Sprintf("the value of the artifact '%s' has no JSON: %v", artifactPath, err))}
	}
	return r.WriteArtifact(ctx, artifactPath, bytes.NewReader(bytes.TrimSuffix(b.Bytes(), []byte{'\n'})))
}

// Finish is to be deferred, by itself and with the address of the function's error result, or nil:
//
//	defer run.Finish(ctx, &err)
//
// It ends the run: KILLED when the error is a context.Canceled, FAILED on any other error or a
// panic, which goes on, FINISHED otherwise. It takes at most 10 seconds and works when ctx has
// ended. Its own failure is joined into *err. Later calls do nothing.
//
// Called by a function that is deferred, as in defer func() { run.Finish(ctx, &err) }(), it cannot
// see a panic (recover works only in the deferred function itself), nor can it ever see a
// runtime.Goexit, such as t.Fatal: the run is then FINISHED. Client.WithRun sees both.
func (r *ActiveRun) Finish(ctx context.Context, err *error) {
	panicked := recover()
	status := StatusFailed
	if panicked == nil {
		status = outcome(err)
	}
	ended := r.End(ctx, status)
	if panicked != nil {
		panic(panicked)
	}
	if ended != nil && err != nil {
		*err = errors.Join(*err, ended)
	}
}

// outcome is the status of a run whose function returned this error.
func outcome(err *error) Status {
	switch {
	case err == nil || *err == nil:
		return StatusFinished
	case errors.Is(*err, context.Canceled):
		return StatusKilled
	}
	return StatusFailed
}

// End ends the run with a status of the caller's choice, within 10 seconds and even when ctx has
// ended. After a success later calls, of Finish too, do nothing.
func (r *ActiveRun) End(ctx context.Context, status Status) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ended != 0 {
		return nil
	}
	return r.end(ctx, status)
}

// end is End that ends the run in any case. The caller holds r.mu.
func (r *ActiveRun) end(ctx context.Context, status Status) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), finishLimit)
	defer cancel()
	if err := r.client.EndRun(ctx, r.ID, status, time.Time{}); err != nil {
		return fmt.Errorf("finish run: %w", err)
	}
	if status == 0 {
		status = StatusFinished // as Store.EndRun has it
	}
	if status.Ended() {
		r.ended = status
	}
	return nil
}
