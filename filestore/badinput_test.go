package filestore_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/filestoretest"
)

// badCall is a call that must change nothing, and the error that MLflow 3.11 gives, where it has
// one.
type badCall struct {
	name    string
	do      func(ctx context.Context, s mlruns.Store) error
	kind    error
	code    mlruns.Code
	message string
	// looked says that the store had to be looked at to find out, for which a lock file may appear.
	looked bool
}

// invalid is the usual badCall.
func invalid(name, message string, do func(ctx context.Context, s mlruns.Store) error) badCall {
	return badCall{name: name, do: do, kind: mlruns.ErrInvalid, code: mlruns.CodeInvalidParameter, message: message}
}

// refuse makes the calls to one store and looks after each that nothing has changed.
func refuse(t *testing.T, refusals []badCall) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "mlruns")
	s := filestoretest.Open(t, dir)
	prepareForRefusals(t, s)
	before, beforeWithLocks := filestoretest.Listing(t, dir, false), filestoretest.Listing(t, dir, true)
	for _, r := range refusals {
		t.Run(r.name, func(t *testing.T) {
			err := r.do(t.Context(), s)
			if !errors.Is(err, r.kind) {
				t.Fatalf("got error %v, want %v", err, r.kind)
			}
			if code := mlruns.CodeOf(err); code != r.code {
				t.Errorf("code\n\tgot  %s\n\twant %s", code, r.code)
			}
			if message := mlruns.MessageOf(err); r.message != "" && message != r.message {
				t.Errorf("message\n\tgot  %s\n\twant %s", message, r.message)
			}
			if typed := (*mlruns.Error)(nil); !errors.As(err, &typed) || typed.Op == "" {
				t.Errorf("%v is no *mlruns.Error with an operation", err)
			}
			if strings.ContainsFunc(strings.TrimSuffix(err.Error(), mlruns.MessageOf(err)), func(r rune) bool { return r < ' ' || r == 0x7f }) {
				t.Errorf("control characters before the message in %q", err)
			}
			want, withLocks := beforeWithLocks, true
			if r.looked {
				want, withLocks = before, false
			}
			if diff := cmp.Diff(want, filestoretest.Listing(t, dir, withLocks)); diff != "" {
				t.Errorf("the store has changed (-before +after):\n%s", diff)
				before, beforeWithLocks = filestoretest.Listing(t, dir, false), filestoretest.Listing(t, dir, true)
			}
		})
	}
	filestoretest.NoProblems(t, s)
}

// prepareForRefusals makes the runs "run", with values, "fresh", which has no lock file, and
// "deleted", and a deleted experiment "gone". The lock file of the experiment of "fresh" is
// removed, so that the next to appear is seen.
func prepareForRefusals(t *testing.T, s mlruns.Store) {
	t.Helper()
	ctx := t.Context()
	for _, err := range []error{
		filestoretest.ErrOf(s.CreateRun(ctx, mlruns.RunSpec{ID: "run"})),
		s.LogBatch(ctx, "run", mlruns.Batch{Metrics: []mlruns.Metric{{Key: "a"}, {Key: "d/x"}}, Params: []mlruns.Param{{Key: "a", Value: "old"}, {Key: "d/x"}},
			Tags: []mlruns.Tag{{Key: "a"}, {Key: "d/x"}}}),
		s.SetExperimentTag(ctx, "0", "a", "1"),
		filestoretest.ErrOf(s.CreateRun(ctx, mlruns.RunSpec{ID: "deleted"})),
		s.DeleteRun(ctx, "deleted"),
		filestoretest.ErrOf(s.CreateExperiment(ctx, mlruns.ExperimentSpec{ID: "gone", Name: "gone"})),
		filestoretest.ErrOf(s.CreateExperiment(ctx, mlruns.ExperimentSpec{ID: "e1", Name: "one"})),
		s.DeleteExperiment(ctx, "gone"),
		filestoretest.ErrOf(s.CreateRun(ctx, mlruns.RunSpec{ID: "fresh", ExperimentID: "e1"})),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := os.RemoveAll(strings.TrimPrefix(s.URI(), "file://") + "/e1/.mlruns.lock"); err != nil {
		t.Fatal(err)
	}
}

const (
	badCharacters = "Names may only contain alphanumerics, underscores (_), dashes (-), periods (.), spaces ( ), colon(:) and slashes (/)."
	ambiguous     = "Names may be treated as files in certain cases, and must not resolve to other names when treated as such. This name would resolve to '%s'"
)

// badKeys are facts of MLflow: the key, its form as json.dumps prints it, and what it resolves to;
// "" for characters that are not allowed.
var badKeys = []struct{ key, json, resolves string }{
	{"", `""`, "."}, {".", `"."`, "."}, {"..", `".."`, ".."}, {"../a", `"../a"`, "../a"}, {"./a", `"./a"`, "a"}, {"a/./b", `"a/./b"`, "a/b"}, {"a/../b", `"a/../b"`, "b"},
	{"a/../../b", `"a/../../b"`, "../b"}, {"..a", `"..a"`, "..a"}, {"/a", `"/a"`, "/a"}, {"//a", `"//a"`, "//a"}, {"///a", `"///a"`, "/a"}, {"/", `"/"`, "/"}, {"a/", `"a/"`, "a"}, {"a//b", `"a//b"`, "a/b"},
	{`a\b`, `"a\\b"`, ""}, {"a@b", `"a@b"`, ""}, {"a%b", `"a%b"`, ""}, {"a+b", `"a+b"`, ""}, {"a*b", `"a*b"`, ""}, {"a=b", `"a=b"`, ""}, {"a,b", `"a,b"`, ""}, {"a~", `"a~"`, ""},
	{`a"b`, `"a\"b"`, ""}, {"a'b", `"a'b"`, ""}, {"a\nb", `"a\nb"`, ""}, {"a\n", `"a\n"`, ""}, {"a\t", `"a\t"`, ""}, {"a\x00b", `"a\u0000b"`, ""}, {"a\x7f", `"a\u007f"`, ""}, {"😀", `"\ud83d\ude00"`, ""},
	{"a\u2028", `"a\u2028"`, ""}, {"\xff", `"\ufffd"`, ""}, {"a\xc3", `"a\ufffd"`, ""}, {"\ufffd", `"\ufffd"`, ""}, {"e\u0301", `"e\u0301"`, ""},
}

func TestRefusesKeys(t *testing.T) {
	var list []badCall
	for _, k := range badKeys {
		for _, u := range []struct {
			op, field string
			do        func(ctx context.Context, s mlruns.Store) error
		}{
			{"LogMetric", "name", func(ctx context.Context, s mlruns.Store) error {
				return s.LogMetric(ctx, "fresh", mlruns.Metric{Key: k.key})
			}},
			{"LogParam", "key", func(ctx context.Context, s mlruns.Store) error { return s.LogParam(ctx, "fresh", k.key, "v") }},
			{"SetTag", "key", func(ctx context.Context, s mlruns.Store) error { return s.SetTag(ctx, "fresh", k.key, "v") }},
			{"DeleteTag", "key", func(ctx context.Context, s mlruns.Store) error { return s.DeleteTag(ctx, "fresh", k.key) }},
			{"SetExperimentTag", "key", func(ctx context.Context, s mlruns.Store) error { return s.SetExperimentTag(ctx, "e1", k.key, "v") }},
			{"DeleteExperimentTag", "key", func(ctx context.Context, s mlruns.Store) error { return s.DeleteExperimentTag(ctx, "e1", k.key) }},
			{"CreateExperiment", "key", func(ctx context.Context, s mlruns.Store) error {
				return filestoretest.ErrOf(s.CreateExperiment(ctx, mlruns.ExperimentSpec{Name: "new", Tags: map[string]string{"good": "", k.key: ""}}))
			}},
			{"CreateRun", "key", func(ctx context.Context, s mlruns.Store) error {
				return filestoretest.ErrOf(s.CreateRun(ctx, mlruns.RunSpec{ExperimentID: "e1", Tags: map[string]string{"good": "", k.key: ""}}))
			}},
			{"LogBatch metrics", "metrics[1].name", func(ctx context.Context, s mlruns.Store) error {
				return s.LogBatch(ctx, "fresh", mlruns.Batch{Metrics: []mlruns.Metric{{Key: "good"}, {Key: k.key}}})
			}},
			{"LogBatch params", "params[1].key", func(ctx context.Context, s mlruns.Store) error {
				return s.LogBatch(ctx, "fresh", mlruns.Batch{Params: []mlruns.Param{{Key: "good"}, {Key: k.key}}})
			}},
			{"LogBatch tags", "tags[1].key", func(ctx context.Context, s mlruns.Store) error {
				return s.LogBatch(ctx, "fresh", mlruns.Batch{Tags: []mlruns.Tag{{Key: "good"}, {Key: k.key}}})
			}},
			{"MetricHistory", "name", func(ctx context.Context, s mlruns.Store) error {
				return filestoretest.ErrOfAll(s.MetricHistory(ctx, "fresh", k.key, mlruns.HistoryQuery{}))
			}},
		} {
			why := badCharacters
			if k.resolves != "" {
				why = fmt.Sprintf(ambiguous, k.resolves)
			}
			list = append(list, invalid(u.op+" "+k.json, "Invalid value "+k.json+" for parameter '"+u.field+"' supplied: "+why, u.do))
		}
	}
	refuse(t, list)
}

// badIDs are no ids of runs, and those of at most 64 characters none of experiments.
var badIDs = []struct{ id, json string }{
	{"../x", `"../x"`}, {".", `"."`}, {"..", `".."`}, {"-a", `"-a"`}, {"_a", `"_a"`}, {"é", `"\u00e9"`}, {"a b", `"a b"`}, {"a/b", `"a/b"`}, {`a\b`, `"a\\b"`}, {"a.b", `"a.b"`}, {"a\n", `"a\n"`},
	{"a\x00", `"a\u0000"`}, {"a\xff", `"a\ufffd"`}, {".trash", `".trash"`}, {strings.Repeat("x", 257), `"` + strings.Repeat("x", 257) + `"`},
}

func TestRefusesIDs(t *testing.T) {
	var list []badCall
	for _, b := range badIDs {
		message := "Invalid value " + b.json + " for parameter 'run_id' supplied."
		label := b.json[:min(len(b.json), 20)]
		for _, c := range everyCall {
			if c.onRun != nil {
				list = append(list, invalid(c.name+" "+label, message, func(ctx context.Context, s mlruns.Store) error { return c.onRun(ctx, s, b.id) }))
			}
			if c.onExperiment != nil {
				list = append(list, invalid(c.name+" "+label, "Invalid experiment ID: '"+b.id+"'", func(ctx context.Context, s mlruns.Store) error { return c.onExperiment(ctx, s, b.id) }))
			}
		}
		list = append(list,
			invalid("CreateRun id "+label, message, func(ctx context.Context, s mlruns.Store) error {
				return filestoretest.ErrOf(s.CreateRun(ctx, mlruns.RunSpec{ID: b.id, ExperimentID: "e1"}))
			}),
			invalid("CreateExperiment id "+label, "Invalid experiment ID: '"+b.id+"'", func(ctx context.Context, s mlruns.Store) error {
				return filestoretest.ErrOf(s.CreateExperiment(ctx, mlruns.ExperimentSpec{ID: b.id, Name: "new"}))
			}))
	}
	long := strings.Repeat("x", 65)
	for _, c := range everyCall {
		if c.onRun != nil {
			list = append(list, invalid(c.name+" empty", `Invalid value "" for parameter 'run_id' supplied.`, func(ctx context.Context, s mlruns.Store) error { return c.onRun(ctx, s, "") }))
		}
		if c.onExperiment != nil {
			list = append(list, invalid(c.name+" long", "Invalid experiment ID: '"+long+"'", func(ctx context.Context, s mlruns.Store) error { return c.onExperiment(ctx, s, long) }))
		}
	}
	for _, id := range []string{"tags", "datasets", "models", "traces"} {
		list = append(list, invalid("CreateRun id "+id, `Invalid value "`+id+`" for parameter 'run_id' supplied: the name is reserved`, func(ctx context.Context, s mlruns.Store) error {
			return filestoretest.ErrOf(s.CreateRun(ctx, mlruns.RunSpec{ID: id}))
		}))
	}
	list = append(list, invalid("CreateExperiment id models", "Invalid experiment ID: 'models': the name is reserved", func(ctx context.Context, s mlruns.Store) error {
		return filestoretest.ErrOf(s.CreateExperiment(ctx, mlruns.ExperimentSpec{ID: "models", Name: "new"}))
	}))
	refuse(t, list)
}

func TestRefusesTexts(t *testing.T) {
	const bad, badJSON = "a\xffb", `"a\ufffdb"`
	utf8 := func(field string) string {
		return "Invalid value " + badJSON + " for parameter '" + field + "' supplied: the text is not valid UTF-8"
	}
	long := func(n int) string { return strings.Repeat("é", n) }
	tooLong := func(what string, n int) string {
		return fmt.Sprintf("'%s' exceeds the maximum length of %d characters", what, n)
	}
	experiment := func(spec mlruns.ExperimentSpec) func(context.Context, mlruns.Store) error {
		return func(ctx context.Context, s mlruns.Store) error {
			return filestoretest.ErrOf(s.CreateExperiment(ctx, spec))
		}
	}
	run := func(spec mlruns.RunSpec) func(context.Context, mlruns.Store) error {
		spec.ExperimentID = "e1"
		return func(ctx context.Context, s mlruns.Store) error { return filestoretest.ErrOf(s.CreateRun(ctx, spec)) }
	}
	batch := func(b mlruns.Batch) func(context.Context, mlruns.Store) error {
		return func(ctx context.Context, s mlruns.Store) error { return s.LogBatch(ctx, "fresh", b) }
	}
	inputs := func(d mlruns.DatasetInput) func(context.Context, mlruns.Store) error {
		return func(ctx context.Context, s mlruns.Store) error {
			return s.LogInputs(ctx, "fresh", mlruns.Inputs{Datasets: []mlruns.DatasetInput{d}})
		}
	}
	record := func(m mlruns.ModelRecord) func(context.Context, mlruns.Store) error {
		return func(ctx context.Context, s mlruns.Store) error { return s.RecordLoggedModel(ctx, "fresh", m) }
	}
	key251, key250 := strings.Repeat("k", 251), strings.Repeat("k/", 124)+"kk"
	list := []badCall{
		invalid("experiment without a name", "Invalid experiment name: ''", experiment(mlruns.ExperimentSpec{})),
		invalid("experiment name not UTF-8", utf8("name"), experiment(mlruns.ExperimentSpec{Name: bad})),
		invalid("experiment name of 501", tooLong("name", 500), experiment(mlruns.ExperimentSpec{Name: long(501)})),
		invalid("rename to nothing", "Invalid experiment name: ''", func(ctx context.Context, s mlruns.Store) error { return s.RenameExperiment(ctx, "e1", "") }),
		invalid("rename not UTF-8", utf8("name"), func(ctx context.Context, s mlruns.Store) error { return s.RenameExperiment(ctx, "e1", bad) }),
		invalid("rename of 501", tooLong("name", 500), func(ctx context.Context, s mlruns.Store) error { return s.RenameExperiment(ctx, "e1", long(501)) }),
		invalid("location not UTF-8", utf8("artifact_location"), experiment(mlruns.ExperimentSpec{Name: "new", ArtifactLocation: bad})),
		invalid("location of 2049", "Invalid artifact path length. The length of the artifact path cannot be greater than 2048 characters. "+
			"To configure this limit, please set the MLFLOW_ARTIFACT_LOCATION_MAX_LENGTH environment variable.", experiment(mlruns.ExperimentSpec{Name: "new", ArtifactLocation: "s3://" + long(2044)})),
		invalid("location in runs", "Artifact location cannot be a runs:/ URI. Given: 'runs:/x/y'", experiment(mlruns.ExperimentSpec{Name: "new", ArtifactLocation: "runs:/x/y"})),
		invalid("experiment tag not UTF-8", utf8("value"), experiment(mlruns.ExperimentSpec{Name: "new", Tags: map[string]string{"k": bad}})),
		invalid("experiment tag set not UTF-8", utf8("value"), func(ctx context.Context, s mlruns.Store) error { return s.SetExperimentTag(ctx, "e1", "k", bad) }),
		invalid("experiment tags a and a/b", "Invalid tag name 'a/b': there is a tag named 'a', and in a directory 'a' cannot be both a file and a folder",
			experiment(mlruns.ExperimentSpec{Name: "new", Tags: map[string]string{"a": "", "a/b": ""}})),

		invalid("run name not UTF-8", utf8("value"), run(mlruns.RunSpec{Name: bad})),
		invalid("run user not UTF-8", utf8("user_id"), run(mlruns.RunSpec{User: bad})),
		invalid("run tag not UTF-8", utf8("value"), run(mlruns.RunSpec{Tags: map[string]string{"k": bad}})),
		invalid("run tags a and a/b", "Invalid tag name 'a/b/c': there is a tag named 'a', and in a directory 'a' cannot be both a file and a folder",
			run(mlruns.RunSpec{Tags: map[string]string{"a": "", "a/b/c": ""}})),
		invalid("new name not UTF-8", utf8("run_name"), func(ctx context.Context, s mlruns.Store) error {
			return s.UpdateRun(ctx, "fresh", mlruns.RunUpdate{Name: bad})
		}),
		invalid("param not UTF-8", utf8("value"), func(ctx context.Context, s mlruns.Store) error { return s.LogParam(ctx, "fresh", "k", bad) }),
		invalid("param of 6001", tooLong("Param value", 6000), func(ctx context.Context, s mlruns.Store) error { return s.LogParam(ctx, "fresh", "k", long(6001)) }),
		invalid("param key of 251", tooLong("Param key", 250), func(ctx context.Context, s mlruns.Store) error { return s.LogParam(ctx, "fresh", key251, "") }),
		invalid("metric key of 251", tooLong("Metric name", 250), func(ctx context.Context, s mlruns.Store) error {
			return s.LogMetric(ctx, "fresh", mlruns.Metric{Key: key251})
		}),
		invalid("tag not UTF-8", utf8("value"), func(ctx context.Context, s mlruns.Store) error { return s.SetTag(ctx, "fresh", "k", bad) }),
		invalid("batch: param not UTF-8", utf8("params[0].value"), batch(mlruns.Batch{Params: []mlruns.Param{{Key: "k", Value: bad}}})),
		invalid("batch: tag not UTF-8", utf8("tags[0].value"), batch(mlruns.Batch{Tags: []mlruns.Tag{{Key: "k", Value: bad}}})),
		invalid("batch: param of 6001", tooLong("Param value", 6000), batch(mlruns.Batch{Params: []mlruns.Param{{Key: "k", Value: long(6001)}}})),
		invalid("batch: param key of 251", tooLong("Param key", 250), batch(mlruns.Batch{Params: []mlruns.Param{{Key: key251}}})),
		invalid("batch: metric key of 251", tooLong("Metric name", 250), batch(mlruns.Batch{Metrics: []mlruns.Metric{{Key: key251}}})),
		invalid("batch: tag of 8001", tooLong("tags[1].value", 8000), batch(mlruns.Batch{Tags: []mlruns.Tag{{Key: "k"}, {Key: "l", Value: long(8001)}}})),
		invalid("batch: tag key of 251", tooLong("tags[0].key", 250), batch(mlruns.Batch{Tags: []mlruns.Tag{{Key: key251}}})),

		invalid("data set without a name", "Missing value for required parameter 'datasets[0].dataset.name'.", inputs(mlruns.DatasetInput{Dataset: mlruns.Dataset{Digest: "1"}})),
		invalid("data set without a digest", "Missing value for required parameter 'datasets[0].dataset.digest'.", inputs(mlruns.DatasetInput{Dataset: mlruns.Dataset{Name: "d"}})),
		invalid("model of a record not JSON", "", record(mlruns.ModelRecord{Flavors: map[string]json.RawMessage{"f": json.RawMessage("{")}})),
		invalid("model of a record empty", "", record(mlruns.ModelRecord{Flavors: map[string]json.RawMessage{"f": nil}})),
		invalid("model of a record two values", "", record(mlruns.ModelRecord{Flavors: map[string]json.RawMessage{"f": json.RawMessage("3 4")}})),
		invalid("path of a record not UTF-8", utf8("artifact_path"), record(mlruns.ModelRecord{ArtifactPath: bad})),
		invalid("uuid of a record not UTF-8", utf8("model_uuid"), record(mlruns.ModelRecord{ModelUUID: bad})),
		invalid("flavor of a record not UTF-8", "", record(mlruns.ModelRecord{Flavors: map[string]json.RawMessage{bad: json.RawMessage("{}")}})),
		invalid("flavor's text of a record not UTF-8", "", record(mlruns.ModelRecord{Flavors: map[string]json.RawMessage{"f": json.RawMessage(`{"a":"` + bad + `"}`)}})),
	}
	for field, d := range map[string]mlruns.Dataset{"name": {Name: bad, Digest: "1"}, "digest": {Name: "d", Digest: bad}, "source_type": {Name: "d", Digest: "1", SourceType: bad},
		"source": {Name: "d", Digest: "1", Source: bad}, "schema": {Name: "d", Digest: "1", Schema: bad}, "profile": {Name: "d", Digest: "1", Profile: bad}} {
		list = append(list, invalid("data set's "+field+" not UTF-8", utf8("datasets[0].dataset."+field), inputs(mlruns.DatasetInput{Dataset: d})))
	}
	good := mlruns.Dataset{Name: "d", Digest: "1"}
	list = append(list,
		invalid("data set's tag not UTF-8", "", inputs(mlruns.DatasetInput{Dataset: good, Tags: map[string]string{"k": bad}})),
		invalid("data set's tag key not UTF-8", "", inputs(mlruns.DatasetInput{Dataset: good, Tags: map[string]string{bad: "v"}})))
	for _, id := range []string{"", "../x", "a/b", bad, ".", strings.Repeat("m", 257)} {
		list = append(list,
			invalid(fmt.Sprintf("input model %.9q", id), "", func(ctx context.Context, s mlruns.Store) error {
				return s.LogInputs(ctx, "fresh", mlruns.Inputs{Datasets: []mlruns.DatasetInput{{Dataset: good}}, Models: []mlruns.ModelInput{{ModelID: id}}})
			}),
			invalid(fmt.Sprintf("output model %.9q", id), "", func(ctx context.Context, s mlruns.Store) error {
				return s.LogOutputs(ctx, "fresh", mlruns.Outputs{Models: []mlruns.ModelOutput{{ModelID: "good"}, {ModelID: id}}})
			}))
	}
	refuse(t, list)

	t.Run("at the limit", func(t *testing.T) {
		s := filestoretest.Open(t, t.TempDir())
		prepareForRefusals(t, s)
		ctx := t.Context()
		for _, do := range []func(context.Context, mlruns.Store) error{
			experiment(mlruns.ExperimentSpec{Name: long(500), ArtifactLocation: "s3://" + long(2043)}),
			batch(mlruns.Batch{Params: []mlruns.Param{{Key: key250, Value: long(6000)}}, Tags: []mlruns.Tag{{Key: key250, Value: long(8000)}}, Metrics: []mlruns.Metric{{Key: key250}}}),
			func(ctx context.Context, s mlruns.Store) error { return s.SetTag(ctx, "fresh", "other", long(100000)) },
		} {
			if err := do(ctx, s); err != nil {
				t.Error(err)
			}
		}
		filestoretest.NoProblems(t, s)
	})
}

func TestRefusesTimesAndStatuses(t *testing.T) {
	var list []badCall
	times := []time.Time{time.UnixMilli(-1), time.Unix(0, -1), time.Date(1969, 12, 31, 23, 59, 59, 0, time.UTC), time.Date(-5000, 1, 1, 0, 0, 0, 0, time.UTC),
		// the last two are 0 in milliseconds of 64 bits
		time.Unix(math.MaxInt64/1000+1, 0), time.Unix(1<<60, 0), time.Unix(-1<<60, 0), time.Unix(1<<61, 0), time.Unix(-1<<61, 0)}
	for _, at := range times {
		label := fmt.Sprint(" ", at.Unix())
		message := ""
		if ms := at.UnixMilli(); ms < 0 && at.Year() > -10000 && at.Year() < 10000 {
			message = fmt.Sprintf("Invalid value %d for parameter 'timestamp' supplied: metric 'm' (value=1.5). Timestamp must be a nonnegative long (64-bit integer) ", ms)
		}
		list = append(list,
			invalid("LogMetric"+label, message, func(ctx context.Context, s mlruns.Store) error {
				return s.LogMetric(ctx, "fresh", mlruns.Metric{Key: "m", Value: 1.5, Time: at})
			}),
			invalid("LogBatch"+label, strings.Replace(message, "'timestamp'", "'metrics[0].timestamp'", 1), func(ctx context.Context, s mlruns.Store) error {
				return s.LogBatch(ctx, "fresh", mlruns.Batch{Metrics: []mlruns.Metric{{Key: "m", Value: 1.5, Time: at}}})
			}),
			invalid("CreateRun"+label, "", func(ctx context.Context, s mlruns.Store) error {
				return filestoretest.ErrOf(s.CreateRun(ctx, mlruns.RunSpec{ExperimentID: "e1", Start: at}))
			}),
			invalid("UpdateRun"+label, "", func(ctx context.Context, s mlruns.Store) error {
				return s.UpdateRun(ctx, "fresh", mlruns.RunUpdate{End: at})
			}),
			invalid("EndRun"+label, "", func(ctx context.Context, s mlruns.Store) error { return s.EndRun(ctx, "fresh", 0, at) }))
	}
	for _, status := range []mlruns.Status{-1, 6, 127, -128} {
		message := fmt.Sprintf("Invalid value %d for parameter 'status' supplied: valid run statuses are [1, 2, 3, 4, 5]", int8(status))
		list = append(list,
			invalid(fmt.Sprint("UpdateRun ", status), message, func(ctx context.Context, s mlruns.Store) error {
				return s.UpdateRun(ctx, "fresh", mlruns.RunUpdate{Status: status, Name: "n"})
			}),
			invalid(fmt.Sprint("EndRun ", status), message, func(ctx context.Context, s mlruns.Store) error { return s.EndRun(ctx, "fresh", status, time.Time{}) }))
	}
	for _, m := range []mlruns.Metric{{DatasetName: "d"}, {DatasetDigest: "1"}} {
		m.Key = "m"
		list = append(list, invalid(fmt.Sprintf("half a data set %+v", m), "Both dataset_name and dataset_digest must be provided if one is provided", func(ctx context.Context, s mlruns.Store) error {
			return s.LogMetric(ctx, "fresh", m)
		}))
	}
	for _, text := range []string{"a b", " ", "a\n", "a\t", "\u00a0", "\x00", "\xff", "a\u2028b"} {
		list = append(list,
			invalid(fmt.Sprintf("data set's name %q", text), "", func(ctx context.Context, s mlruns.Store) error {
				return s.LogMetric(ctx, "fresh", mlruns.Metric{Key: "m", DatasetName: text, DatasetDigest: "1"})
			}),
			invalid(fmt.Sprintf("data set's digest %q", text), "", func(ctx context.Context, s mlruns.Store) error {
				return s.LogMetric(ctx, "fresh", mlruns.Metric{Key: "m", DatasetName: "d", DatasetDigest: text})
			}))
	}
	refuse(t, list)
}
