package filestore

import (
	"context"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/codec"
)

// TestLayoutExamples tries every fenced example; one that nothing tries is an error.
func TestLayoutExamples(t *testing.T) {
	dir, uri := exampleStore(t)
	for _, f := range readLayoutDocument(t).fences {
		where := "layout.md:" + strconv.Itoa(f.line)
		t.Run(where, func(t *testing.T) {
			if f.file() != "" {
				got, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(f.file())))
				check(t, err)
				if diff := cmp.Diff(f.body, strings.ReplaceAll(string(got), uri, docRoot)); diff != "" {
					t.Errorf("the file differs from the example (-example +file):\n%s", diff)
				}
			}
			switch f.kind() {
			case "tree":
				checkTree(t, f.body, dir)
			case "yaml experiment-meta":
				checkExperimentMeta(t, f.body)
			case "yaml run-meta":
				checkRunMeta(t, f.body)
			case "yaml dataset-meta", "yaml input-meta":
				checkRoundTrip(t, f.body)
				if f.file() == "" {
					t.Error("the example names no file to compare it with")
				}
			case "yaml output-meta":
				checkOutputMeta(t, f.body)
			case "yaml model-meta", "yaml trace-info", "yaml assessment": // of what is carried
				checkRoundTrip(t, f.body)
			case "metric":
				if points, problems := readHistory(t, f.body); len(points) != strings.Count(f.body, "\n") || len(problems) > 0 {
					t.Errorf("got %d points and the problems %v", len(points), problems)
				}
			case "metric malformed":
				if points, problems := readHistory(t, f.body); len(problems) != strings.Count(f.body, "\n") || len(points) > 0 {
					t.Errorf("got the points %v and %d problems", points, len(problems))
				}
			case "ebnf":
			default:
				t.Errorf("no test for an example %q", f.info)
			}
		})
	}
}

func checkTree(t *testing.T, tree, dir string) {
	t.Helper()
	var want []string
	var folders []string // the open folders, outermost first
	for line := range strings.Lines(tree) {
		line, _, _ = strings.Cut(line, "#")
		line = strings.TrimRight(line, " \n")
		name := strings.TrimLeft(line, " ")
		folders = folders[:(len(line)-len(name))/2]
		if len(folders) > 0 {
			want = append(want, path.Join(append(slices.Clone(folders[1:]), name)...)+strings.Repeat("/", strings.Count(name, "/")))
		}
		folders = append(folders, strings.TrimSuffix(name, "/"))
	}
	var got []string
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, d fs.DirEntry, err error) error {
		if d.IsDir() {
			name += "/"
		}
		if name != "./" {
			got = append(got, name)
		}
		return err
	})
	check(t, err)
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the store differs from the tree (-tree +store):\n%s", diff)
	}
}

// checkRoundTrip reads a meta.yaml and writes it again: that must not change a byte, since all
// examples are in the writers' form.
func checkRoundTrip(t *testing.T, text string) codec.Document {
	t.Helper()
	doc, err := codec.ParseDocument([]byte(text))
	check(t, err)
	got, err := doc.Encode()
	check(t, err)
	if diff := cmp.Diff(text, string(got)); diff != "" {
		t.Errorf("written again it differs (-example +written):\n%s", diff)
	}
	return doc
}

// withCRLF calls do with a text and with the same as a Windows editor leaves it.
func withCRLF(text string, do func(string)) {
	do(text)
	do(strings.ReplaceAll(text, "\n", "\r\n"))
}

func writeFile(t *testing.T, dir, name, text string) {
	t.Helper()
	name = filepath.Join(dir, filepath.FromSlash(name))
	check(t, os.MkdirAll(filepath.Dir(name), 0o777))
	check(t, os.WriteFile(name, []byte(text), 0o666))
}

func checkExperimentMeta(t *testing.T, text string) {
	t.Helper()
	doc := checkRoundTrip(t, text)
	id, _ := doc.Text(codec.KeyExperimentID)
	name, _ := doc.Text(codec.KeyName)
	location, _ := doc.Text(codec.KeyArtifactLocation)
	withCRLF(text, func(text string) {
		dir := t.TempDir()
		writeFile(t, dir, id+"/meta.yaml", text)
		s, err := Open(dir, WithReadOnly())
		check(t, err)
		defer s.Close()
		e, err := s.Experiment(context.Background(), id)
		check(t, err)
		if e.Name != name || e.ArtifactLocation != location || e.Stage != mlruns.StageActive {
			t.Errorf("got %+v from:\n%s", e, text)
		}
		for p, err := range s.Verify(context.Background(), mlruns.VerifyQuery{}) {
			t.Errorf("verify: %v %v", p, err)
		}
	})
}

func checkRunMeta(t *testing.T, text string) {
	t.Helper()
	doc := checkRoundTrip(t, text)
	experiment, _ := doc.Text(codec.KeyExperimentID)
	id, ok := doc.Text(codec.KeyRunID)
	if !ok {
		id, _ = doc.Text(codec.KeyRunUUID)
	}
	withCRLF(text, func(text string) {
		dir := t.TempDir()
		writeFile(t, dir, experiment+"/meta.yaml", "experiment_id: '"+experiment+"'\nname: e\n")
		writeFile(t, dir, experiment+"/"+id+"/meta.yaml", text)
		for _, folder := range []string{"metrics", "params", "artifacts"} {
			check(t, os.Mkdir(filepath.Join(dir, experiment, id, folder), 0o777))
		}
		s, err := Open(dir)
		check(t, err)
		defer s.Close()
		ctx := context.Background()
		run, err := s.Run(ctx, id)
		check(t, err)
		if i := run.Info; i.User != "alice" || i.Start.UnixMilli() != 1588888888000 || (i.Stage == mlruns.StageDeleted) == i.Deleted.IsZero() || !strings.HasSuffix(i.ArtifactURI, "/"+id+"/artifacts") {
			t.Errorf("got %+v from:\n%s", i, text)
		}
		for p, err := range s.Verify(ctx, mlruns.VerifyQuery{}) {
			t.Errorf("verify: %v %v", p, err)
		}
		// A rewrite makes every run one that all versions read.
		check(t, s.RestoreRun(ctx, id))
		data, err := os.ReadFile(filepath.Join(dir, experiment, id, "meta.yaml"))
		check(t, err)
		again, err := codec.ParseDocument(data)
		check(t, err)
		for key, want := range map[string]string{codec.KeyRunID: id, codec.KeyRunUUID: id, codec.KeyLifecycleStage: "active", codec.KeyRunName: run.Info.Name} {
			if got, _ := again.Text(key); got != want {
				t.Errorf("%s after a rewrite: got %q, want %q", key, got, want)
			}
		}
		if again.Find(codec.KeyDeletedTime) >= 0 {
			t.Error("deleted_time is still there after a restore")
		}
	})
}

func checkOutputMeta(t *testing.T, text string) {
	t.Helper()
	dir, _ := exampleStore(t)
	s, err := Open(dir)
	check(t, err)
	defer s.Close()
	check(t, s.UpdateRun(context.Background(), docRun, mlruns.RunUpdate{Status: mlruns.StatusRunning}))
	check(t, s.LogOutputs(context.Background(), docRun, mlruns.Outputs{Models: []mlruns.ModelOutput{{ModelID: "m-abc", Step: 3}}}))
	got, err := os.ReadFile(filepath.Join(dir, "1", docRun, "outputs", "m-abc", "meta.yaml"))
	check(t, err)
	if diff := cmp.Diff(text, string(got)); diff != "" {
		t.Errorf("the output differs from the example (-example +file):\n%s", diff)
	}
}

// readHistory gives what MetricHistory makes of a metric file.
func readHistory(t *testing.T, file string) (points []mlruns.Metric, problems []mlruns.Problem) {
	t.Helper()
	dir, _ := exampleStore(t)
	writeFile(t, dir, "1/"+docRun+"/metrics/m", file)
	s, err := Open(dir, WithReadOnly())
	check(t, err)
	defer s.Close()
	q := mlruns.HistoryQuery{OnProblem: func(p mlruns.Problem) { problems = append(problems, p) }}
	for m, err := range s.MetricHistory(context.Background(), docRun, "m", q) {
		check(t, err)
		points = append(points, m)
	}
	return points, problems
}
