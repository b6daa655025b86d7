package golden

import (
	"bytes"
	"encoding/json"
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
	Op                string
	Args              []json.RawMessage
	At                int64
	Result            json.RawMessage
	Run, Model, Trace string
	Error             *struct{ Message string }
}

// TestGoldenModelReplay makes the writes of the golden stores again, those that MLflow did not
// refuse, and compares the files of logged models and traces byte for byte. What we refuse on
// purpose, and a float that MLflow was given as an integer, are left out.
func TestGoldenModelReplay(t *testing.T) {
	eachMLflow3(t, func(t *testing.T, g *mlflow3) {
		dir := filepath.Join(t.TempDir(), "mlruns")
		now := time.UnixMilli(0)
		store := filestoretest.Open(t, dir, filestore.WithClock(func() time.Time { return now }), filestore.WithSync(filestore.SyncNever), filestore.WithArtifactRoots("/golden-root"))
		made, failed := 0, map[string]bool{}
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
				failed[op.Model+op.Trace+string(op.Args[0])] = true
			} else if is {
				made++
			}
		}
		root := filepath.ToSlash(dir)
		compared := 0
		for name, data := range filestoretest.ReadTree(t, dir) {
			parts := strings.Split(strings.TrimPrefix(name, ".trash/"), "/")
			if data == nil || len(parts) < 4 || parts[1] != "models" && parts[1] != "traces" || parts[3] == "artifacts" {
				continue
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
		if len(failed) != 1 { // a data set's name with a blank, which MLflow cannot read back
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
