package golden

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/filestore/internal/filestoretest"
)

// TestGoldenReplay makes the writes that made a golden store again, through the API, with the same
// ids, names and times. What MLflow refused must be refused with its code, and the files must be
// MLflow's byte for byte.
func TestGoldenReplay(t *testing.T) {
	eachGolden(t, func(t *testing.T, g *golden) {
		r := newReplay(t, g)
		for _, op := range g.expected.Ops {
			r.one(t, op)
		}
		r.compareTrees(t)
		r.judge(t, g.version)
		for p, err := range r.plain.Verify(context.Background(), mlruns.VerifyQuery{}) {
			// some points were logged twice on purpose
			if err != nil || p.Kind != mlruns.ProblemNotPortable && p.Kind != mlruns.ProblemDuplicateLine {
				t.Errorf("verify after the replay: %v %v", p, err)
			}
		}
	})
}

// replay is a new store that is to become a golden one.
type replay struct {
	differences
	g     *golden
	dir   string
	clock time.Time
	// plain and uri are the same directory. The generator made some experiments through a client
	// whose URI has a scheme.
	plain, uri *filestore.Store
	// experiments and runs are the ids of the golden store that were given out, extra those it has
	// not: MLflow refused what we accept.
	experiments, runs, extra map[string]bool
}

func newReplay(t *testing.T, g *golden) *replay {
	t.Helper()
	r := &replay{differences: differences{known: replayDeviations}, g: g, dir: filepath.Join(t.TempDir(), "mlruns"),
		experiments: map[string]bool{"0": true}, runs: map[string]bool{}, extra: map[string]bool{}}
	r.at(g.metaTime("0", "creation_time"))
	opts := []filestore.Option{filestore.WithClock(func() time.Time { return r.clock }), filestore.WithSync(filestore.SyncNever)}
	if g.version == "3.11" {
		opts = append(opts, filestore.WithTruncation())
	}
	r.plain = filestoretest.Open(t, r.dir, append(opts, filestore.WithArtifactRoot(goldenRoot))...)
	r.uri = filestoretest.Open(t, r.dir, append(opts, filestore.WithArtifactRoot("file://"+goldenRoot))...)
	return r
}

// at sets the clock, unless ms is "": then the golden store does not say when it was, and any time
// will do.
func (r *replay) at(ms string) {
	r.clock = time.UnixMilli(1600000000000)
	if n, err := time.ParseDuration(ms + "ms"); err == nil {
		r.clock = time.UnixMilli(n.Milliseconds())
	}
}

// metaTime gives the text of a key of a meta.yaml, "" where it is not there.
func (g *golden) metaTime(dir, key string) string {
	for line := range strings.Lines(string(g.store[dir+"/meta.yaml"])) {
		if value, ok := strings.CutPrefix(line, key+": "); ok {
			return strings.TrimSuffix(value, "\n")
		}
	}
	return ""
}

// experimentDir is where an experiment of the golden store ended.
func (g *golden) experimentDir(id string) string {
	if _, ok := g.store[".trash/"+id]; ok {
		return ".trash/" + id
	}
	return id
}

func (g *golden) runDir(id string) string {
	for name := range g.store {
		if strings.HasSuffix(name, "/"+id) {
			return name
		}
	}
	return ""
}

// one makes one call and compares whether it was accepted.
func (r *replay) one(t *testing.T, op operation) {
	t.Helper()
	want := "accepted"
	if op.Error != nil {
		want = strings.TrimSpace("refused " + string(op.Error.Code))
	}
	err := r.call(op)
	got := refusal(err)
	switch {
	case errors.Is(err, errSkipped):
		return
	case errors.Is(err, errUntyped):
		got = "ruled out by the type"
	case want == "refused" && err != nil: // an exception of Python's own has no code
		got = want
	}
	r.compare(op.Op, op.short(r.g.expected), want, got)
}

var errSkipped = errors.New("not this package's business")

func (r *replay) call(op operation) error {
	ctx := context.Background()
	id := op.text(0)
	switch op.Op {
	case "create_experiment":
		return r.createExperiment(ctx, op)
	case "rename_experiment":
		r.at(r.g.metaTime(r.g.experimentDir(id), "last_update_time"))
		return r.plain.RenameExperiment(ctx, id, op.text(1))
	case "delete_experiment":
		r.at(r.g.metaTime(r.g.experimentDir(id), "last_update_time"))
		return r.plain.DeleteExperiment(ctx, id)
	case "restore_experiment":
		r.at(r.g.metaTime(r.g.experimentDir(id), "last_update_time"))
		return r.plain.RestoreExperiment(ctx, id)
	case "set_experiment_tag":
		return r.plain.SetExperimentTag(ctx, id, op.text(1), op.text(2))
	case "delete_experiment_tag":
		return r.plain.DeleteExperimentTag(ctx, id, op.text(1))
	case "get_experiment":
		_, err := r.plain.Experiment(ctx, id)
		return err
	case "log_artifact", "log_artifacts", "list_artifacts":
		return errSkipped
	}
	if strings.Contains(op.Op, "logged_model") || strings.Contains(op.Op, "trace") || op.Op == "create_assessment" {
		return errSkipped
	}
	return r.callOnRun(ctx, op)
}

// createExperiment finds by its name the experiment of the golden store that the call made. Of
// several, the oldest was made first.
func (r *replay) createExperiment(ctx context.Context, op operation) error {
	if op.null(0) {
		return errUntyped
	}
	spec := mlruns.ExperimentSpec{Name: op.text(0)}
	if !op.null(1) {
		spec.ArtifactLocation = op.text(1)
	}
	if err := op.decode(2, &spec.Tags); err != nil {
		return err
	}
	if op.Error == nil {
		spec.ID = r.madeExperiment(spec.Name)
		r.experiments[spec.ID] = true
		r.at(r.g.metaTime(r.g.experimentDir(spec.ID), "creation_time"))
	}
	store := r.plain
	if spec.Name == "grid" || spec.Name == "123" || strings.HasPrefix(spec.Name, "実験") {
		store = r.uri
	}
	e, err := store.CreateExperiment(ctx, spec)
	if err == nil && op.Error != nil {
		r.extra[e.ID] = true
	}
	return err
}

func (r *replay) madeExperiment(name string) string {
	if name == "before-rename" {
		return r.g.expected.ExperimentLabels["renamed"]
	}
	for _, e := range slices.Backward(r.g.expected.Experiments["ALL"].value) {
		if e.fields()["name"] == name && !r.experiments[e.ID] {
			return e.ID
		}
	}
	panic("no experiment of the golden store is called " + name)
}

func (r *replay) callOnRun(ctx context.Context, op operation) error {
	id := op.text(0)
	switch op.Op {
	case "create_run":
		return r.createRun(ctx, op)
	case "get_run":
		_, err := r.plain.Run(ctx, id)
		return err
	case "get_metric_history":
		for _, err := range r.plain.MetricHistory(ctx, id, op.text(1), mlruns.HistoryQuery{}) {
			return err
		}
		return nil
	case "delete_run", "restore_run":
		r.at(r.g.metaTime(r.g.runDir(id), "deleted_time"))
		if op.Op == "restore_run" {
			return r.plain.RestoreRun(ctx, id)
		}
		return r.plain.DeleteRun(ctx, id)
	case "set_terminated":
		return r.endRun(ctx, op)
	case "update_run":
		status, err := mlruns.ParseStatus(op.text(1))
		return errors.Join(err, r.plain.UpdateRun(ctx, id, mlruns.RunUpdate{Status: status, Name: op.text(2)}))
	case "log_param":
		return r.plain.LogParam(ctx, id, op.text(1), op.text(2))
	case "set_tag":
		return r.plain.SetTag(ctx, id, op.text(1), op.text(2))
	case "delete_tag":
		return r.plain.DeleteTag(ctx, id, op.text(1))
	case "log_metric":
		m, err := op.metric()
		if err != nil {
			return err
		}
		return r.plain.LogMetric(ctx, id, m)
	case "log_batch":
		b, err := op.batch()
		if err != nil {
			return err
		}
		return r.logBatch(ctx, op, b)
	case "log_inputs":
		in, err := op.inputs()
		if err != nil {
			return err
		}
		return r.plain.LogInputs(ctx, id, in)
	case "log_outputs":
		out, err := op.outputs()
		if err != nil {
			return err
		}
		return r.plain.LogOutputs(ctx, id, out)
	}
	return fmt.Errorf("the replay does not know %s", op.Op)
}

// logBatch splits a batch that is refused for its size as MLflow's client ≥ 1.27 did, so that the
// files come out equal.
func (r *replay) logBatch(ctx context.Context, op operation, b mlruns.Batch) error {
	id := op.text(0)
	err := r.plain.LogBatch(ctx, id, b)
	if err == nil || op.Error != nil {
		return err
	}
	var parts []error
	for part := range slices.Chunk(b.Metrics, mlruns.MaxBatchMetrics) {
		parts = append(parts, r.plain.LogBatch(ctx, id, mlruns.Batch{Metrics: part}))
	}
	for part := range slices.Chunk(b.Params, mlruns.MaxBatchParams) {
		parts = append(parts, r.plain.LogBatch(ctx, id, mlruns.Batch{Params: part}))
	}
	if partsErr := errors.Join(parts...); partsErr != nil {
		return partsErr
	}
	return err
}

func (r *replay) endRun(ctx context.Context, op operation) error {
	var end int64
	if err := op.decode(2, &end); err != nil {
		return errUntyped
	}
	status, err := mlruns.ParseStatus(op.text(1))
	if err != nil {
		return err
	}
	if op.null(2) {
		return r.plain.EndRun(ctx, op.text(0), status, time.Time{})
	}
	return r.plain.EndRun(ctx, op.text(0), status, time.UnixMilli(end))
}

// createRun finds the run that the call made by its experiment, start, user and name; a name that
// MLflow generated is taken over.
func (r *replay) createRun(ctx context.Context, op operation) error {
	spec := mlruns.RunSpec{ExperimentID: op.text(0), User: op.text(1)}
	var start int64
	tags, err := op.runTags(3)
	if err := errors.Join(err, op.decode(2, &start)); err != nil {
		return err
	}
	spec.Start, spec.Tags = time.UnixMilli(start), tags
	if !op.null(4) {
		spec.Name = op.text(4)
	}
	if op.Error == nil {
		spec.ID = r.madeRun(spec)
		r.runs[spec.ID] = true
		if spec.Name == "" && tags[mlruns.TagRunName] == "" {
			spec.Name = r.g.expected.Runs[spec.ID].value.Tags[mlruns.TagRunName]
		}
	}
	run, err := r.plain.CreateRun(ctx, spec)
	if err == nil && op.Error != nil {
		r.extra[run.Info.ID] = true
	}
	return err
}

// generatedName is MLflow's form of a run's name that nobody chose. Before 1.29 there was none.
var generatedName = regexp.MustCompile(`^([a-z]+-[a-z]+-\d+)?$`)

func (r *replay) madeRun(spec mlruns.RunSpec) string {
	name := spec.Name
	if name == "" {
		name = spec.Tags[mlruns.TagRunName]
	}
	renamed := map[string]string{"tags": "renamed by tag", "old-run-name": "new-run-name"}[name]
	var unnamed, poisoned string
	for id, run := range r.g.expected.Runs {
		if r.runs[id] {
			continue
		}
		if run.err != nil {
			if r.g.runDir(id) == spec.ExperimentID+"/"+id {
				poisoned = id
			}
			continue
		}
		i := run.value.infoFields()
		if i["experiment"] != spec.ExperimentID || i["start"] != fmt.Sprint(spec.Start.UnixMilli()) || i["user"] != spec.User {
			continue
		}
		if name != "" && (i["name"] == name || renamed != "" && i["name"] == renamed) {
			return id
		}
		if name == "" && generatedName.MatchString(i["name"]) {
			unnamed = id
		}
	}
	if unnamed+poisoned == "" {
		panic(fmt.Sprintf("no run of the golden store is %+v", spec))
	}
	return unnamed + poisoned
}
