//go:build unix

package main

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
)

// shownStore is a store that the verbs are run on, and an experiment and a run of it.
type shownStore struct {
	name, dir       string
	experiment, run string
	metric          string
	model, trace    string
}

// shownStores makes the stores that the verbs are run on.
func shownStores(t *testing.T) []shownStore {
	t.Helper()
	dir := t.TempDir()
	hostileDir := filepath.Join(dir, "hostile")
	experiment, run, err := makeHostile(hostileDir)
	if err != nil {
		t.Fatal(err)
	}
	stores := []shownStore{{name: "hostile", dir: hostileDir, experiment: experiment, run: run, metric: "bad"}}
	for _, part := range [][2]string{{"1.8", "damaged/mlruns"}, {"2.9", "damaged/mlruns"}, {"3.11", "damaged/mlruns"}, {"3.11", "mlruns"}} {
		if err := unpackGolden(part[0], part[1], dir); err != nil {
			t.Fatal(err)
		}
		name := part[0] + "/" + part[1]
		stores = append(stores, someRun(t, name, filepath.Join(dir, name)))
	}
	for name, make := range map[string]func(dir string) error{"one id twice": makeTwins, "many metrics": func(dir string) error {
		return makeWide(dir, 200, "0123456789abcdef0123456789abcdef", "f123456789abcdef0123456789abcdef")
	}, "nothing": makeEmpty, "long texts": makeLong} {
		path := filepath.Join(dir, name)
		if err := make(path); err != nil {
			t.Fatal(err)
		}
		stores = append(stores, someRun(t, name, path))
	}
	three := filepath.Join(dir, "models and traces")
	s := shownStore{name: "models and traces", dir: three, experiment: mlruns.DefaultExperimentID, run: "none", metric: "none"}
	if s.model, s.trace, err = makeModels(three); err != nil {
		t.Fatal(err)
	}
	for i := range stores {
		stores[i].model, stores[i].trace = "none", "none"
	}
	stores = append(stores, s)
	// What is damaged and fresh would be looked at again, as it may be in the middle of being
	// written.
	age := func(name string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		hourAgo := time.Now().Add(-time.Hour)
		return os.Chtimes(name, hourAgo, hourAgo)
	}
	if err := filepath.WalkDir(dir, age); err != nil {
		t.Fatal(err)
	}
	return stores
}

// makeModel makes a logged model in a store.
func makeModel(dir string) (id string, err error) {
	store, err := filestore.Open(dir)
	if err != nil {
		return "", err
	}
	defer store.Close()
	m, err := store.CreateLoggedModel(context.Background(), mlruns.ModelSpec{
		Name: "a long name of a model, wider than a narrow window", Type: "agent", Params: map[string]string{"lr": "0.1"}, Tags: map[string]string{"t": "\x1b[31mred\nline"},
	})
	if err != nil {
		return "", err
	}
	return m.ID, nil
}

// makeModels makes a store with models and traces.
func makeModels(dir string) (model, trace string, err error) {
	for range 3 {
		if model, err = makeModel(dir); err != nil {
			return "", "", err
		}
	}
	store, err := filestore.Open(dir)
	if err != nil {
		return "", "", err
	}
	defer store.Close()
	ctx := context.Background()
	run, err := store.CreateRun(ctx, mlruns.RunSpec{})
	if err != nil {
		return "", "", err
	}
	err = store.LogMetric(ctx, run.Info.ID, mlruns.Metric{Key: "acc", Value: 0.5, ModelID: model, DatasetName: "iris", DatasetDigest: "d1"})
	for _, id := range []string{"tr-1", "tr-2"} {
		_, startErr := store.StartTrace(ctx, mlruns.Trace{ID: id, State: mlruns.TraceError, RequestPreview: strings.Repeat("what? \x1b[31m", 90), Tags: map[string]string{"k": "v"}})
		err = errors.Join(err, startErr)
	}
	return model, "tr-2", err
}

// someRun finds a run of a store that has a metric, if there is one.
func someRun(t *testing.T, name, dir string) shownStore {
	t.Helper()
	s := shownStore{name: name, dir: dir, experiment: mlruns.DefaultExperimentID, run: "none", metric: "none"}
	store, err := filestore.Open(dir, filestore.WithReadOnly(), filestore.WithMustExist())
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	for r, err := range store.Runs(t.Context(), mlruns.RunQuery{OnProblem: func(mlruns.Problem) {}}) {
		if err != nil {
			t.Fatal(err)
		}
		s.experiment, s.run = r.Info.ExperimentID, r.Info.ID
		for key := range r.Data.Metrics {
			s.metric = key
			return s
		}
	}
	return s
}

// unpackGolden makes a part of a golden store in dir.
func unpackGolden(version, part, dir string) (err error) {
	f, err := os.Open(filepath.Join("..", "..", "testdata", "golden", "mlflow-"+version+".tar.gz"))
	if err != nil {
		return err
	}
	defer f.Close()
	unzipped, err := gzip.NewReader(f)
	if err != nil {
		return err
	}
	for r := tar.NewReader(unzipped); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if !strings.HasPrefix(h.Name, version+"/"+part+"/") {
			continue
		}
		name := filepath.Join(dir, h.Name)
		if h.Typeflag == tar.TypeDir {
			err = os.MkdirAll(name, 0o777)
		} else {
			var text []byte
			if text, err = io.ReadAll(r); err == nil {
				err = errors.Join(os.MkdirAll(filepath.Dir(name), 0o777), os.WriteFile(name, text, 0o666))
			}
		}
		if err != nil {
			return err
		}
	}
}

// makeTwins copies a run into another experiment, as people do by hand.
func makeTwins(dir string) error {
	for _, experiment := range []string{"1", "2"} {
		if err := makeRunFolder(filepath.Join(dir, experiment), experiment, "0123456789abcdef0123456789abcdef", nil); err != nil {
			return err
		}
	}
	return os.Mkdir(filepath.Join(dir, ".trash"), 0o777)
}

// makeWide makes runs of many metrics, a third of them the same in all, and 50 damaged ones.
func makeWide(dir string, many int, runs ...string) error {
	for n, run := range runs {
		metrics := map[string]string{}
		for i := range many {
			metrics[fmt.Sprintf("metric%d", i)] = fmt.Sprintf("1700000000000 %d 0\n", i+n*(i%3))
			if i < 50 {
				metrics[fmt.Sprintf("damaged%d", i)] = "no point\n"
			}
		}
		if err := makeRunFolder(filepath.Join(dir, "1"), "1", run, metrics); err != nil {
			return err
		}
	}
	return os.Mkdir(filepath.Join(dir, ".trash"), 0o777)
}

func makeEmpty(dir string) error {
	store, err := filestore.Open(dir)
	if err != nil {
		return err
	}
	return store.Close()
}

// makeLong makes names, values, tags and artifacts that are wider than any terminal, some of wide
// runes.
func makeLong(dir string) (err error) {
	ctx := context.Background()
	store, err := filestore.Open(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	e, err := store.CreateExperiment(ctx, mlruns.ExperimentSpec{Name: strings.Repeat("実験", 40), Tags: map[string]string{strings.Repeat("k", 200): strings.Repeat("値", 200)}})
	if err != nil {
		return err
	}
	for i := range 3 {
		run, err := store.CreateRun(ctx, mlruns.RunSpec{ExperimentID: e.ID, Name: fmt.Sprint(i, strings.Repeat(" ラン", 40))})
		if err != nil {
			return err
		}
		name := strings.Repeat("long", 50)
		err = errors.Join(store.LogParam(ctx, run.Info.ID, "p", fmt.Sprint(i, strings.Repeat("値", 300))), store.LogParam(ctx, run.Info.ID, name, "v"),
			store.LogMetric(ctx, run.Info.ID, mlruns.Metric{Key: name, Value: -1.7976931348623157e308, Step: -9223372036854775808}),
			store.WriteArtifact(ctx, run.Info.ID, name+"/"+name+".txt", strings.NewReader("x")))
		if err != nil {
			return err
		}
	}
	return nil
}

// makeRunFolder makes a run, and the experiment that it is in, with the metrics' files as they are
// given.
func makeRunFolder(experimentDir, experiment, run string, metrics map[string]string) error {
	dir := filepath.Join(experimentDir, run)
	var errs []error
	for _, folder := range []string{"metrics", "params", "tags", "artifacts"} {
		errs = append(errs, os.MkdirAll(filepath.Join(dir, folder), 0o777))
	}
	errs = append(errs, writeFile(filepath.Join(experimentDir, "meta.yaml"), fmt.Sprintf(
		"artifact_location: /gone/%s\ncreation_time: 1700000000000\nexperiment_id: '%s'\nlast_update_time: 1700000000000\nlifecycle_stage: active\nname: name %s\n",
		experiment, experiment, experiment)))
	errs = append(errs, writeFile(filepath.Join(dir, "meta.yaml"), fmt.Sprintf(`artifact_uri: /gone/%[1]s/%[2]s/artifacts
end_time: 1700000001000
entry_point_name: ''
experiment_id: '%[1]s'
lifecycle_stage: active
run_id: %[2]s
run_name: run
run_uuid: %[2]s
source_name: ''
source_type: 4
source_version: ''
start_time: 1700000000000
status: 3
tags: []
user_id: me
`, experiment, run)))
	for key, points := range metrics {
		errs = append(errs, writeFile(filepath.Join(dir, "metrics", key), points))
	}
	return errors.Join(errs...)
}
