package filestore

import (
	"context"
	"go/ast"
	"go/parser"
	"go/token"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/codec"
	"github.com/mlruns/mlruns/filestore/internal/dir"
	"github.com/mlruns/mlruns/filestore/internal/records"
	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/pyfmt"
	"github.com/mlruns/mlruns/internal/validate"
)

// These tests hold layout.md to what the code does: every example and every table of examples in it
// is tried.

const (
	docRun  = "88c500e318764808a78f41798cde0a1b"
	docRoot = "file:///data/mlruns" // where the examples say the store lies
)

// exampleStore makes the store of layout.md §2 and returns its directory and its URI.
func exampleStore(t *testing.T) (dir, uri string) {
	t.Helper()
	ctx := context.Background()
	dir = filepath.Join(t.TempDir(), "mlruns")
	s, err := Open(dir, WithClock(func() time.Time { return time.UnixMilli(1767323045678) }), WithSync(SyncNever))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	_, err = s.CreateExperiment(ctx, mlruns.ExperimentSpec{ID: "1", Name: "exp one", Tags: map[string]string{"team": "vision"}})
	check(t, err)
	_, err = s.CreateRun(ctx, mlruns.RunSpec{ID: docRun, ExperimentID: "1", Name: "brave-otter-421", User: "alice", Start: time.UnixMilli(1588888888000)})
	check(t, err)
	check(t, s.LogBatch(ctx, docRun, mlruns.Batch{
		Params:  []mlruns.Param{{Key: "lr", Value: "3e-4"}, {Key: "model/depth", Value: "18"}},
		Metrics: []mlruns.Metric{{Key: "loss", Value: 0.5}, {Key: "loss", Value: 0.25, Step: 1}},
	}))
	check(t, s.LogInputs(ctx, docRun, mlruns.Inputs{Datasets: []mlruns.DatasetInput{{
		Dataset: mlruns.Dataset{Name: "my ds", Digest: "d1", SourceType: "http", Source: `{"url": "https://example.org/iris.csv"}`, Profile: `{"num_rows": 150}`},
		Tags:    map[string]string{mlruns.TagDatasetContext: "train"},
	}}}))
	check(t, s.EndRun(ctx, docRun, 0, time.Time{}))
	_, err = s.CreateExperiment(ctx, mlruns.ExperimentSpec{ID: "2", Name: "exp two"})
	check(t, err)
	check(t, s.DeleteExperiment(ctx, "2"))
	for p, err := range s.Verify(ctx, mlruns.VerifyQuery{}) {
		t.Errorf("verify of the example: %v %v", p, err)
	}
	return dir, s.URI()
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestLayoutMetricLines(t *testing.T) {
	t.Parallel()
	doc := readLayoutDocument(t)
	for _, row := range doc.table(t, "line | timestamp | value | step | data set") {
		line := code(row.cells[0])
		points, problems := readHistory(t, line+"\n")
		if len(points) != 1 || len(problems) > 0 {
			t.Errorf("layout.md:%d: got the points %v and the problems %v", row.line, points, problems)
			continue
		}
		m := points[0]
		got := []string{row.cells[0], strconv.FormatInt(m.Time.UnixMilli(), 10), string(pyfmt.AppendFloat(nil, m.Value)), strconv.FormatInt(m.Step, 10),
			strings.TrimSpace(m.DatasetName + " " + m.DatasetDigest)}
		if diff := cmp.Diff(row.cells, got); diff != "" {
			t.Errorf("layout.md:%d: (-table +read)\n%s", row.line, diff)
		}
		if points, problems := readHistory(t, line); len(points) != 0 || len(problems) != 1 || problems[0].Kind != mlruns.ProblemUnterminated {
			t.Errorf("layout.md:%d, without its newline: got the points %v and the problems %v", row.line, points, problems)
		}
	}
	for _, row := range doc.table(t, "refused line | why") {
		if points, problems := readHistory(t, code(row.cells[0])+"\n"); len(points) != 0 || len(problems) != 1 || problems[0].Kind != mlruns.ProblemMalformed {
			t.Errorf("layout.md:%d: got the points %v and the problems %v", row.line, points, problems)
		}
	}
}

func TestLayoutFloats(t *testing.T) {
	for _, row := range readLayoutDocument(t).table(t, "float text") {
		want := code(row.cells[0])
		v, err := strconv.ParseFloat(want, 64)
		check(t, err)
		if got := string(pyfmt.AppendFloat(nil, v)); got != want {
			t.Errorf("layout.md:%d: got %q, want %q", row.line, got, want)
		}
		if back, err := pyfmt.ParseFloat(want); err != nil || back != v && !math.IsNaN(v) {
			t.Errorf("layout.md:%d: read back as %v, %v", row.line, back, err)
		}
	}
}

func TestLayoutScalars(t *testing.T) {
	for _, row := range readLayoutDocument(t).table(t, "text | written | why") {
		text, err := strconv.Unquote(code(row.cells[0]))
		check(t, err)
		var doc codec.Document
		doc.SetString("k", text)
		got, err := doc.Encode()
		check(t, err)
		if want := "k: " + code(row.cells[1]) + "\n"; string(got) != want {
			t.Errorf("layout.md:%d: got %q, want %q", row.line, got, want)
		}
		back, err := codec.ParseDocument(got)
		check(t, err)
		if got, ok := back.Text("k"); !ok || got != text {
			t.Errorf("layout.md:%d: read back as %q, want %q", row.line, got, text)
		}
		// The last column says where we differ from PyYAML: it would have left these plain.
		differs := strings.HasPrefix(row.cells[2], "differs")
		if plain := pyfmt.Resolve(text) == pyfmt.KindString && code(row.cells[1]) == "'"+text+"'" && row.cells[2] != "syntax" && row.cells[2] != "leading blank"; plain != differs {
			t.Errorf("layout.md:%d: %q is plain for PyYAML and quoted here: got %v, want %v", row.line, text, plain, differs)
		}
	}
}

func TestLayoutKeys(t *testing.T) {
	doc := readLayoutDocument(t)
	for _, row := range doc.table(t, "key | legal") {
		key, err := strconv.Unquote(code(row.cells[0]))
		check(t, err)
		if got, want := validate.Key("key", key) == nil, row.cells[1] == "yes"; got != want {
			t.Errorf("layout.md:%d: %q is legal: got %v, want %v", row.line, key, got, want)
		}
	}
	limits := map[string]func(n int) error{
		"metric key": func(n int) error { return validate.Metric(mlruns.Metric{Key: strings.Repeat("é", n)}) },
		"param key":  func(n int) error { return validate.Param(mlruns.Param{Key: strings.Repeat("é", n)}) },
		"tag key, in a batch": func(n int) error {
			return validate.Batch(mlruns.Batch{Tags: []mlruns.Tag{{Key: strings.Repeat("é", n)}}})
		},
		"param value": func(n int) error { return validate.Param(mlruns.Param{Key: "k", Value: strings.Repeat("é", n)}) },
		"tag value, in a batch": func(n int) error {
			return validate.Batch(mlruns.Batch{Tags: []mlruns.Tag{{Key: "k", Value: strings.Repeat("é", n)}}})
		},
		"experiment name":   func(n int) error { return validate.ExperimentName(strings.Repeat("é", n)) },
		"artifact location": func(n int) error { return validate.ArtifactLocation(strings.Repeat("é", n)) },
	}
	for _, row := range doc.table(t, "limit | characters") {
		n, err := strconv.Atoi(row.cells[1])
		check(t, err)
		validate := limits[row.cells[0]]
		if validate == nil || validate(n) != nil || validate(n+1) == nil {
			t.Errorf("layout.md:%d: %s: %d is not the limit", row.line, row.cells[0], n)
		}
	}
}

func TestLayoutPlaces(t *testing.T) {
	kinds := map[string]layout.Kind{
		"experiment meta": layout.ExperimentMeta, "experiment tag": layout.ExperimentTag, "data set": layout.DatasetMeta, "carried": layout.Carried, "run meta": layout.RunMeta,
		"metric": layout.Metric, "param": layout.Param, "run tag": layout.RunTag, "artifact": layout.Artifact, "input": layout.InputMeta, "output": layout.OutputMeta, "private": layout.Ours,
		"model meta": layout.ModelMeta, "model metric": layout.ModelMetric, "model param": layout.ModelParam, "model tag": layout.ModelTag,
		"trace meta": layout.TraceMeta, "trace metadata": layout.TraceMetadata, "trace tag": layout.TraceTag, "assessment": layout.Assessment,
	}
	fill := strings.NewReplacer("<experiment>", "1", "<run>", docRun, "<key>", "a/b", "<hash>", "0bab1d1b3b68142faa5b7ca9aa671c78", "<id>", "m-abc", "…", "x")
	seen := map[layout.Kind]bool{}
	for _, row := range readLayoutDocument(t).table(t, "path | what it is") {
		word := row.cells[1]
		if i := strings.IndexAny(word, ":(,"); i >= 0 {
			word = word[:i]
		}
		want, ok := kinds[strings.TrimSpace(word)]
		p := fill.Replace(code(row.cells[0]))
		if got := layout.Parse(p).Kind; !ok || got != want {
			t.Errorf("layout.md:%d: %s: got the kind %d, want %q", row.line, p, got, word)
		}
		if got := layout.Parse(layout.Trash + "/" + p); strings.HasPrefix(p, "1/") && (!got.Trashed || got.Kind != want) {
			t.Errorf("layout.md:%d: %s in the trash: got %+v", row.line, p, got)
		}
		seen[want] = true
	}
	if len(seen) != len(kinds) {
		t.Errorf("the table names %d kinds of %d", len(seen), len(kinds))
	}
}

// TestLayoutMetaKeys looks for every key of the examples in the tables of keys.
func TestLayoutMetaKeys(t *testing.T) {
	md := readLayoutDocument(t)
	for kind, header := range map[string]string{"yaml experiment-meta": "experiment key", "yaml run-meta": "run key"} {
		var known []string
		for _, row := range md.table(t, header+" | type | since | absent means") {
			known = append(known, code(row.cells[0]))
		}
		if !slices.IsSorted(known) {
			t.Errorf("the table of the %ss is not sorted", header)
		}
		used := map[string]bool{}
		for _, f := range md.fences {
			if f.kind() != kind {
				continue
			}
			doc, err := codec.ParseDocument([]byte(f.body))
			check(t, err)
			for _, e := range doc.Entries {
				if used[e.Key] = true; !slices.Contains(known, e.Key) {
					t.Errorf("layout.md:%d: the key %s is in no table", f.line, e.Key)
				}
			}
		}
		for _, key := range known {
			if !used[key] {
				t.Errorf("no example has the %s %s", header, key)
			}
		}
	}
}

func TestLayoutHashes(t *testing.T) {
	for _, row := range readLayoutDocument(t).table(t, "kind | first | second | folder") {
		first, second, want := code(row.cells[1]), code(row.cells[2]), code(row.cells[3])
		dir, _ := exampleStore(t)
		s, err := Open(dir)
		check(t, err)
		defer s.Close()
		in := mlruns.Inputs{Models: []mlruns.ModelInput{{ModelID: first}}}
		folder := "1/" + docRun + "/inputs/" + want
		switch row.cells[0] {
		case "data set":
			in = mlruns.Inputs{Datasets: []mlruns.DatasetInput{{Dataset: mlruns.Dataset{Name: first, Digest: second}}}}
			folder = "1/datasets/" + want
		case "input":
			if second != docRun {
				t.Errorf("layout.md:%d: got the run %q, want %q", row.line, second, docRun)
			}
		default:
			t.Errorf("layout.md:%d: unknown kind %q", row.line, row.cells[0])
		}
		check(t, s.LogInputs(context.Background(), docRun, in))
		if ok, err := s.tree.Exists(folder + "/meta.yaml"); !ok || err != nil {
			t.Errorf("layout.md:%d: %s is not there: %v", row.line, folder, err)
		}
	}
}

func TestLayoutProblems(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "../problem.go", nil, 0)
	check(t, err)
	var want []string
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if id, ok := spec.Type.(*ast.Ident); ok && id.Name == "ProblemKind" {
			text, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			check(t, err)
			want = append(want, text)
		}
		return true
	})
	var got []string
	for _, row := range readLayoutDocument(t).table(t, "kind | what | repair") {
		got = append(got, code(row.cells[0]))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("kinds of problems (-problem.go +layout.md):\n%s", diff)
	}
}

func TestLayoutPauses(t *testing.T) {
	pauses := map[string]time.Duration{
		"a `meta.yaml` that cannot be used, first time":                  records.MetaRetries[0],
		"a `meta.yaml` that cannot be used, second time":                 records.MetaRetries[1],
		"an empty param or tag":                                          records.EmptyRetry,
		"a metric file that is empty, or whose last line has no newline": records.TornRetry,
		"a torn line, before an appender blanks it out":                  dir.TornPatience,
	}
	rows := readLayoutDocument(t).table(t, "what is met | pause before looking again")
	for _, row := range rows {
		if got, want := pauses[row.cells[0]].String(), row.cells[1]; got != want {
			t.Errorf("layout.md:%d: the code waits %s, the table says %s", row.line, got, want)
		}
	}
	if len(rows) != len(pauses) {
		t.Errorf("got %d rows, want %d", len(rows), len(pauses))
	}
}
