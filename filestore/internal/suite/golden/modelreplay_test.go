package golden

import (
	"bytes"
	"cmp"
	"encoding/json"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/filestore/internal/filestoretest"
)

var updated = regexp.MustCompile(`(?m)^last_updated_timestamp: .*\n`)

// mlflow3Op is a call that MLflow made, in order, and when.
type mlflow3Op struct {
	Op     string
	Args   []json.RawMessage
	Kwargs struct {
		Until  *int64   `json:"max_timestamp_millis"`
		Max    int      `json:"max_traces"`
		Traces []string `json:"trace_ids"`
	}
	At                int64
	Result            json.RawMessage
	Run, Model, Trace string
	Error             *struct{ Message string }
}

// TestGoldenModelReplay makes the writes of the golden stores again, those that MLflow did not
// refuse, and compares the files of logged models and traces byte for byte. What we refuse on
// purpose, and a float that MLflow was given as an integer, are left out, and so are assessments,
// which we do not write. MLflow 3.1 made traces of the second generation, which we do not either.
func TestGoldenModelReplay(t *testing.T) {
	eachMLflow3(t, func(t *testing.T, g *mlflow3) {
		dir := filepath.Join(t.TempDir(), "mlruns")
		now := time.UnixMilli(0)
		store := filestoretest.Open(t, dir, filestore.WithClock(func() time.Time { return now }), filestore.WithSync(filestore.SyncNever), filestore.WithArtifactRoots("/golden-root"))
		made, failed, traces := 0, map[string]bool{}, 0
		started := map[string]bool{}
		for _, op := range g.Ops {
			now = time.UnixMilli(op.At)
			if op.Error != nil {
				continue
			}
			if m := g.Models[op.Model].Result; op.Op == "create_logged_model" && m != nil && string(op.Args[1]) == "null" {
				op.Args[1] = json.RawMessage(strconv.Quote(m.Name)) // what MLflow generated
			}
			is, err := replayed(t, store, op)
			if err != nil {
				failed[cmp.Or(op.Model, op.Trace, string(op.Args[0]))] = true
			} else if is {
				made++
				started[op.Trace] = op.Op == "start_trace"
			}
		}
		root := filepath.ToSlash(dir)
		compared := 0
		tree := filestoretest.ReadTree(t, dir)
		for name, data := range tree {
			parts := strings.Split(strings.TrimPrefix(name, ".trash/"), "/")
			if data == nil || len(parts) < 4 || parts[1] != "models" && parts[1] != "traces" || parts[3] == "artifacts" {
				continue
			}
			if parts[1] == "traces" {
				traces++
			}
			want, ok := g.store[name]
			if !ok && g.store[strings.Join(parts[:3], "/")+"/meta.yaml"] == nil {
				continue // a point of an unknown model, whose folder was removed so that MLflow could read on
			}
			got := bytes.ReplaceAll(bytes.ReplaceAll(data, []byte("file://"+root), []byte(goldenRoot)), []byte(root), []byte(goldenRoot))
			if parts[3] == "metrics" {
				got, want = bytes.ReplaceAll(got, []byte(".0 "), []byte(" ")), bytes.ReplaceAll(want, []byte(".0 "), []byte(" "))
			}
			want = bytes.Replace(bytes.ReplaceAll(want, []byte("file://"+goldenRoot), []byte(goldenRoot)), []byte("model_type: ''"), []byte("model_type: null"), 1)
			if g.version == "3.1" && bytes.Contains(want, []byte("\nlifecycle_stage: deleted\n")) { // which did not set the time of a deletion
				got, want = updated.ReplaceAll(got, nil), updated.ReplaceAll(want, nil)
			}
			compared++
			if !ok || !bytes.Equal(got, want) {
				t.Errorf("%s: got\n%s\nwant\n%s", name, got, want)
			}
		}
		for name := range g.store {
			if _, again := tree[name]; path.Base(name) == "trace_info.yaml" && started[path.Base(path.Dir(name))] && !again {
				t.Errorf("%s was not made again", name)
			}
		}
		if g.version == "3.17" && traces < 30 {
			t.Errorf("only %d files of traces were compared", traces)
		}
		// a data set's name with a blank, which MLflow cannot read back, and a time before 1970
		if want := map[string]int{"3.1": 1, "3.17": 2}; len(failed) != want[g.version] {
			t.Errorf("refused: %v", failed)
		}
		if made < 90 || compared < 80 {
			t.Errorf("only %d calls were made and %d files compared", made, compared)
		}
	})
}

type opTag struct {
	Key   string
	Value any
}

func pairs(t *testing.T, raw json.RawMessage) map[string]string {
	t.Helper()
	var list []opTag
	filestoretest.Must(t, json.Unmarshal(raw, &list))
	values := map[string]string{}
	for _, p := range list {
		switch v := p.Value.(type) {
		case string:
			values[p.Key] = v
		case map[string]any:
			values[p.Key] = shortened(v)
		case float64:
			values[p.Key] = strconv.FormatFloat(v, 'g', -1, 64)
		default:
			values[p.Key] = ""
		}
	}
	return values
}

// shortened gives the whole of a long text of one letter, which is told by length and beginning.
func shortened(v map[string]any) string {
	head, _ := v["head"].(string)
	n, _ := v["len"].(float64)
	return strings.Repeat(head[:1], int(n))
}

func textOf(raw json.RawMessage) string {
	var v any
	_ = json.Unmarshal(raw, &v) // null is ""
	if long, ok := v.(map[string]any); ok {
		return shortened(long)
	}
	s, _ := v.(string)
	return s
}

func pointOf(t *testing.T, raw json.RawMessage) mlruns.Metric {
	t.Helper()
	var m struct {
		Key             string
		Value           any
		Timestamp, Step int64
		ModelID         string `json:"model_id"`
		Dataset         string `json:"dataset_name"`
		Digest          string `json:"dataset_digest"`
	}
	filestoretest.Must(t, json.Unmarshal(raw, &m))
	value, ok := m.Value.(float64)
	if s, isText := m.Value.(string); isText {
		value, _ = strconv.ParseFloat(s, 64)
	} else if !ok {
		t.Fatalf("a value %v", m.Value)
	}
	return mlruns.Metric{Key: m.Key, Value: value, Time: time.UnixMilli(m.Timestamp), Step: m.Step, ModelID: m.ModelID, DatasetName: m.Dataset, DatasetDigest: m.Digest}
}

// givenTrace is the trace that MLflow was given, unless it is of the second generation.
func givenTrace(t *testing.T, raw json.RawMessage) (mlruns.Trace, bool) {
	t.Helper()
	var in struct {
		ID       string `json:"trace_id"`
		Location struct {
			Experiment struct {
				ID string `json:"experiment_id"`
			} `json:"mlflow_experiment"`
		} `json:"trace_location"`
		Start    int64          `json:"request_time"`
		State    string         `json:"state"`
		Request  string         `json:"request_preview"`
		Response string         `json:"response_preview"`
		Client   string         `json:"client_request_id"`
		Duration *int64         `json:"execution_duration"`
		Metadata map[string]any `json:"trace_metadata"`
		Tags     map[string]any `json:"tags"`
	}
	if json.Unmarshal(raw, &in) != nil {
		return mlruns.Trace{}, false
	}
	tr := mlruns.Trace{ID: in.ID, ExperimentID: in.Location.Experiment.ID, Start: time.UnixMilli(in.Start), RequestPreview: in.Request, ResponsePreview: in.Response,
		ClientRequestID: in.Client, Metadata: texts(in.Metadata), Tags: texts(in.Tags)}
	if in.Duration != nil {
		tr.End = time.UnixMilli(in.Start + *in.Duration)
	}
	if tr.State = mlruns.TraceState(in.State); in.State == mlruns.TraceUnspecified.String() {
		tr.State = mlruns.TraceUnspecified
	}
	return tr, true
}

func texts(values map[string]any) map[string]string {
	all := map[string]string{}
	for key, value := range values {
		switch v := value.(type) {
		case string:
			all[key] = v
		case map[string]any:
			all[key] = shortened(v)
		}
	}
	return all
}

// replayed makes a call, if it is one of those that are made again.
func replayed(t *testing.T, s *filestore.Store, op mlflow3Op) (bool, error) {
	t.Helper()
	ctx, arg := t.Context(), op.Args
	switch op.Op {
	case "create_experiment":
		spec := mlruns.ExperimentSpec{ID: textOf(op.Result), Name: textOf(arg[0])}
		if len(arg) > 1 {
			spec.ArtifactLocation = textOf(arg[1])
		}
		return true, filestoretest.ErrOf(s.CreateExperiment(ctx, spec))
	case "delete_experiment":
		return true, s.DeleteExperiment(ctx, textOf(arg[0]))
	case "create_run":
		return true, filestoretest.ErrOf(s.CreateRun(ctx, mlruns.RunSpec{ID: op.Run, ExperimentID: textOf(arg[0])}))
	case "create_logged_model":
		return true, filestoretest.ErrOf(s.CreateLoggedModel(ctx, mlruns.ModelSpec{
			ID: op.Model, ExperimentID: textOf(arg[0]), Name: textOf(arg[1]), SourceRunID: textOf(arg[2]), Tags: pairs(t, arg[3]), Params: pairs(t, arg[4]), Type: textOf(arg[5]),
		}))
	case "finalize_logged_model":
		status, err := mlruns.ParseModelStatus(textOf(arg[1]))
		filestoretest.Must(t, err)
		return true, filestoretest.ErrOf(s.FinalizeLoggedModel(ctx, textOf(arg[0]), status))
	case "set_logged_model_tags":
		return true, s.SetLoggedModelTags(ctx, textOf(arg[0]), pairs(t, arg[1]))
	case "log_logged_model_params":
		return true, s.LogLoggedModelParams(ctx, textOf(arg[0]), pairs(t, arg[1]))
	case "delete_logged_model_tag":
		return true, s.DeleteLoggedModelTag(ctx, textOf(arg[0]), textOf(arg[1]))
	case "delete_logged_model":
		return true, s.DeleteLoggedModel(ctx, textOf(arg[0]))
	case "log_metric":
		return true, s.LogMetric(ctx, textOf(arg[0]), pointOf(t, arg[1]))
	case "start_trace":
		tr, ok := givenTrace(t, arg[0])
		if !ok {
			return false, nil
		}
		return true, filestoretest.ErrOf(s.StartTrace(ctx, tr))
	case "set_trace_tag":
		if _, err := s.Trace(ctx, textOf(arg[0])); err != nil {
			return false, nil // of the second generation
		}
		return true, s.SetTraceTag(ctx, textOf(arg[0]), textOf(arg[1]), textOf(arg[2]))
	case "delete_trace_tag":
		if _, err := s.Trace(ctx, textOf(arg[0])); err != nil {
			return false, nil
		}
		return true, s.DeleteTraceTag(ctx, textOf(arg[0]), textOf(arg[1]))
	case "delete_traces":
		if op.Kwargs.Until == nil && op.Kwargs.Traces == nil {
			return false, nil
		}
		d := mlruns.TraceDeletion{ExperimentID: textOf(arg[0]), IDs: op.Kwargs.Traces, Max: op.Kwargs.Max}
		if op.Kwargs.Until != nil {
			d.Until = time.UnixMilli(*op.Kwargs.Until)
		}
		n, err := s.DeleteTraces(ctx, d)
		if of, _ := s.SearchTraces(ctx, mlruns.TraceQuery{Experiments: []string{d.ExperimentID}}); of == nil || len(of.Traces)+n == 0 {
			return false, err // all of the second generation
		}
		if string(op.Result) != "null" && strconv.Itoa(n) != string(op.Result) && op.Kwargs.Traces == nil {
			t.Errorf("%d traces were deleted, %s by MLflow", n, op.Result)
		}
		return true, err
	case "log_batch":
		var list []json.RawMessage
		filestoretest.Must(t, json.Unmarshal(arg[1], &list))
		var b mlruns.Batch
		for _, raw := range list {
			b.Metrics = append(b.Metrics, pointOf(t, raw))
		}
		return true, s.LogBatch(ctx, textOf(arg[0]), b)
	}
	return false, nil
}
