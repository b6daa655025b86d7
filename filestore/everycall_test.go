package filestore_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/afero"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/filestore/internal/filestoretest"
)

// call is one method of a store, with arguments that are right where the ids are.
type call struct {
	name  string
	write bool
	// about neither a run nor an experiment
	do           func(ctx context.Context, s mlruns.Store) error
	onRun        func(ctx context.Context, s mlruns.Store, id string) error // about the run id
	onExperiment func(ctx context.Context, s mlruns.Store, id string) error
	// deleted says that it is allowed on a deleted run.
	deleted bool
}

func (c call) make(ctx context.Context, s mlruns.Store) error {
	switch {
	case c.onRun != nil:
		return c.onRun(ctx, s, "fresh")
	case c.onExperiment != nil:
		return c.onExperiment(ctx, s, "e1")
	}
	return c.do(ctx, s)
}

func artifacts(s mlruns.Store) mlruns.ArtifactStore { return s.(mlruns.ArtifactStore) }

// everyCall has all methods of the interfaces of a store but URI and Close, which TestEveryCall
// checks.
var everyCall = []call{
	{name: "CreateExperiment", write: true, do: func(ctx context.Context, s mlruns.Store) error {
		return filestoretest.ErrOf(s.CreateExperiment(ctx, mlruns.ExperimentSpec{Name: "new"}))
	}},
	{name: "Experiment", onExperiment: func(ctx context.Context, s mlruns.Store, id string) error {
		return filestoretest.ErrOf(s.Experiment(ctx, id))
	}},
	{name: "ExperimentByName", do: func(ctx context.Context, s mlruns.Store) error {
		return filestoretest.ErrOf(s.ExperimentByName(ctx, "one"))
	}},
	{name: "Experiments", do: func(ctx context.Context, s mlruns.Store) error {
		return filestoretest.ErrOfAll(s.Experiments(ctx, mlruns.ExperimentQuery{}))
	}},
	{name: "SearchExperiments", do: func(ctx context.Context, s mlruns.Store) error {
		return filestoretest.ErrOf(s.SearchExperiments(ctx, mlruns.ExperimentQuery{}))
	}},
	{name: "RenameExperiment", write: true, onExperiment: func(ctx context.Context, s mlruns.Store, id string) error {
		return s.RenameExperiment(ctx, id, "new")
	}},
	{name: "DeleteExperiment", write: true, onExperiment: func(ctx context.Context, s mlruns.Store, id string) error { return s.DeleteExperiment(ctx, id) }},
	{name: "RestoreExperiment", write: true, onExperiment: func(ctx context.Context, s mlruns.Store, id string) error { return s.RestoreExperiment(ctx, id) }},
	{name: "SetExperimentTag", write: true, onExperiment: func(ctx context.Context, s mlruns.Store, id string) error {
		return s.SetExperimentTag(ctx, id, "k", "v")
	}},
	{name: "DeleteExperimentTag", write: true, onExperiment: func(ctx context.Context, s mlruns.Store, id string) error {
		return s.DeleteExperimentTag(ctx, id, "k")
	}},
	{name: "CreateRun", write: true, do: func(ctx context.Context, s mlruns.Store) error {
		return filestoretest.ErrOf(s.CreateRun(ctx, mlruns.RunSpec{}))
	}},
	{name: "Run", deleted: true, onRun: func(ctx context.Context, s mlruns.Store, id string) error { return filestoretest.ErrOf(s.Run(ctx, id)) }},
	{name: "RunInfos", onExperiment: func(ctx context.Context, s mlruns.Store, id string) error {
		return filestoretest.ErrOfAll(s.RunInfos(ctx, id, mlruns.ViewAll))
	}},
	{name: "UpdateRun", write: true, onRun: func(ctx context.Context, s mlruns.Store, id string) error {
		return s.UpdateRun(ctx, id, mlruns.RunUpdate{Name: "n"})
	}},
	{name: "EndRun", write: true, onRun: func(ctx context.Context, s mlruns.Store, id string) error { return s.EndRun(ctx, id, 0, time.Time{}) }},
	{name: "DeleteRun", write: true, deleted: true, onRun: func(ctx context.Context, s mlruns.Store, id string) error { return s.DeleteRun(ctx, id) }},
	{name: "RestoreRun", write: true, deleted: true, onRun: func(ctx context.Context, s mlruns.Store, id string) error { return s.RestoreRun(ctx, id) }},
	{name: "LogMetric", write: true, onRun: func(ctx context.Context, s mlruns.Store, id string) error {
		return s.LogMetric(ctx, id, mlruns.Metric{Key: "m"})
	}},
	{name: "LogParam", write: true, onRun: func(ctx context.Context, s mlruns.Store, id string) error { return s.LogParam(ctx, id, "p", "v") }},
	{name: "SetTag", write: true, onRun: func(ctx context.Context, s mlruns.Store, id string) error { return s.SetTag(ctx, id, "t", "v") }},
	{name: "DeleteTag", write: true, onRun: func(ctx context.Context, s mlruns.Store, id string) error {
		return s.DeleteTag(ctx, id, mlruns.TagRunName)
	}},
	{name: "LogBatch", write: true, onRun: func(ctx context.Context, s mlruns.Store, id string) error {
		return s.LogBatch(ctx, id, mlruns.Batch{Metrics: []mlruns.Metric{{Key: "m"}}, Params: []mlruns.Param{{Key: "p"}}, Tags: []mlruns.Tag{{Key: "t"}}})
	}},
	{name: "LogInputs", write: true, onRun: func(ctx context.Context, s mlruns.Store, id string) error {
		return s.LogInputs(ctx, id, mlruns.Inputs{Datasets: []mlruns.DatasetInput{{Dataset: mlruns.Dataset{Name: "d", Digest: "1"}}}, Models: []mlruns.ModelInput{{ModelID: "m"}}})
	}},
	{name: "LogOutputs", write: true, onRun: func(ctx context.Context, s mlruns.Store, id string) error {
		return s.LogOutputs(ctx, id, mlruns.Outputs{Models: []mlruns.ModelOutput{{ModelID: "m"}}})
	}},
	{name: "RecordLoggedModel", write: true, onRun: func(ctx context.Context, s mlruns.Store, id string) error {
		return s.RecordLoggedModel(ctx, id, mlruns.ModelRecord{Flavors: map[string]json.RawMessage{"f": json.RawMessage("{}")}})
	}},
	{name: "MetricHistory", deleted: true, onRun: func(ctx context.Context, s mlruns.Store, id string) error {
		return filestoretest.ErrOfAll(s.MetricHistory(ctx, id, "m", mlruns.HistoryQuery{}))
	}},
	{name: "SearchRuns", do: func(ctx context.Context, s mlruns.Store) error {
		return filestoretest.ErrOf(s.SearchRuns(ctx, mlruns.RunQuery{}))
	}},
	{name: "Runs", do: func(ctx context.Context, s mlruns.Store) error {
		return filestoretest.ErrOfAll(s.Runs(ctx, mlruns.RunQuery{}))
	}},
	{name: "Verify", do: func(ctx context.Context, s mlruns.Store) error {
		return filestoretest.ErrOfAll(s.(mlruns.Verifier).Verify(ctx, mlruns.VerifyQuery{}))
	}},
	{name: "LogArtifact", write: true, deleted: true, onRun: func(ctx context.Context, s mlruns.Store, id string) error {
		return artifacts(s).LogArtifact(ctx, id, "everycall_test.go", "")
	}},
	{name: "LogArtifacts", write: true, deleted: true, onRun: func(ctx context.Context, s mlruns.Store, id string) error {
		return artifacts(s).LogArtifacts(ctx, id, "layout", "")
	}},
	{name: "WriteArtifact", write: true, deleted: true, onRun: func(ctx context.Context, s mlruns.Store, id string) error {
		return artifacts(s).WriteArtifact(ctx, id, "a/b", strings.NewReader("x"))
	}},
	{name: "Artifacts", deleted: true, onRun: func(ctx context.Context, s mlruns.Store, id string) error {
		return filestoretest.ErrOf(artifacts(s).Artifacts(ctx, id, ""))
	}},
	{name: "OpenArtifact", deleted: true, onRun: func(ctx context.Context, s mlruns.Store, id string) error {
		f, err := artifacts(s).OpenArtifact(ctx, id, "kept")
		if err != nil {
			return err
		}
		return f.Close()
	}},
	{name: "DownloadArtifacts", deleted: true, onRun: func(ctx context.Context, s mlruns.Store, id string) error {
		return filestoretest.ErrOf(artifacts(s).DownloadArtifacts(ctx, id, "", filepath.Join(filepath.Dir(strings.TrimPrefix(s.URI(), "file://")), "downloads")))
	}},
	{name: "DeleteArtifacts", write: true, deleted: true, onRun: func(ctx context.Context, s mlruns.Store, id string) error {
		return artifacts(s).DeleteArtifacts(ctx, id, "nothing")
	}},
	{name: "ArtifactRoot", deleted: true, onRun: func(ctx context.Context, s mlruns.Store, id string) error {
		return filestoretest.ErrOf(artifacts(s).ArtifactRoot(ctx, id))
	}},
	{name: "ImportExperiment", write: true, do: func(ctx context.Context, s mlruns.Store) error {
		return filestoretest.ErrOf(s.(mlruns.Importer).ImportExperiment(ctx, mlruns.Experiment{Name: "imported", Stage: mlruns.StageActive}))
	}},
	{name: "ImportRun", write: true, onExperiment: func(ctx context.Context, s mlruns.Store, id string) error {
		return s.(mlruns.Importer).ImportRun(ctx, mlruns.Run{Info: mlruns.RunInfo{ID: "imported", ExperimentID: id, Status: mlruns.StatusFinished, Stage: mlruns.StageActive}},
			func(func(mlruns.Metric, error) bool) {})
	}},
	{name: "ImportLoggedModel", write: true, onExperiment: func(ctx context.Context, s mlruns.Store, id string) error {
		return s.(mlruns.Importer).ImportLoggedModel(ctx, mlruns.LoggedModel{ID: "m-imported", ExperimentID: id, Name: "n", Status: mlruns.ModelReady, Stage: mlruns.StageActive},
			func(func(mlruns.Metric, error) bool) {})
	}},
	{name: "AddToLoggedModel", write: true, do: func(ctx context.Context, s mlruns.Store) error {
		if err := s.(mlruns.Importer).ImportLoggedModel(ctx, mlruns.LoggedModel{ID: "m-added", ExperimentID: "e1", Name: "n", Status: mlruns.ModelReady, Stage: mlruns.StageActive},
			func(func(mlruns.Metric, error) bool) {}); err != nil {
			return err
		}
		return s.(mlruns.Importer).AddToLoggedModel(ctx, mlruns.LoggedModel{ID: "m-added", Tags: map[string]string{"added": "1"}}, nil)
	}},
	{name: "ImportTrace", write: true, onExperiment: func(ctx context.Context, s mlruns.Store, id string) error {
		_, err := s.(mlruns.TraceImporter).ImportTrace(ctx, mlruns.Trace{ID: "tr-imported", ExperimentID: id})
		return err
	}},
	{name: "AddToTrace", write: true, do: func(ctx context.Context, s mlruns.Store) error {
		if _, err := s.(mlruns.TraceImporter).ImportTrace(ctx, mlruns.Trace{ID: "tr-added", ExperimentID: "e1"}); err != nil {
			return err
		}
		return s.(mlruns.TraceImporter).AddToTrace(ctx, mlruns.Trace{ID: "tr-added", Tags: map[string]string{"added": "1"}})
	}},
	{name: "SortHistory", write: true, deleted: true, onRun: func(ctx context.Context, s mlruns.Store, id string) error {
		_, err := s.(mlruns.Importer).SortHistory(ctx, id, "loss", 0)
		return err
	}},
	{name: "SortModelHistory", write: true, do: func(ctx context.Context, s mlruns.Store) error {
		if err := s.(mlruns.Importer).ImportLoggedModel(ctx, mlruns.LoggedModel{ID: "m-sorted", ExperimentID: "e1", Name: "n", Status: mlruns.ModelReady, Stage: mlruns.StageActive},
			func(func(mlruns.Metric, error) bool) {}); err != nil {
			return err
		}
		_, err := s.(mlruns.Importer).SortModelHistory(ctx, "m-sorted", "loss", 0)
		return err
	}},
	{name: "AddToRun", write: true, deleted: true, onRun: func(ctx context.Context, s mlruns.Store, id string) error {
		return s.(mlruns.Importer).AddToRun(ctx, mlruns.Run{Info: mlruns.RunInfo{ID: id}, Data: mlruns.RunData{Tags: map[string]string{"added": "1"}}}, nil)
	}},
}

// TestEveryCall checks that the table above is whole.
func TestEveryCall(t *testing.T) {
	listed := map[string]bool{"URI": true, "Close": true}
	for _, c := range everyCall {
		listed[c.name] = true
	}
	for _, i := range []reflect.Type{reflect.TypeFor[mlruns.Store](), reflect.TypeFor[mlruns.ArtifactStore](), reflect.TypeFor[mlruns.Verifier](), reflect.TypeFor[mlruns.Importer]()} {
		for n := range i.NumMethod() {
			if name := i.Method(n).Name; !listed[name] {
				t.Errorf("%v.%s is not in everyCall", i, name)
			}
		}
	}
}

// preparedDir is a store as prepareForRefusals makes it, with an artifact of the run "fresh".
func preparedDir(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "mlruns")
	s := filestoretest.Open(t, dir)
	prepareForRefusals(t, s)
	if err := s.WriteArtifact(t.Context(), "fresh", "kept", bytes.NewReader([]byte("kept"))); err != nil {
		t.Fatal(err)
	}
	if err := s.WriteArtifact(t.Context(), "deleted", "kept", bytes.NewReader([]byte("kept"))); err != nil {
		t.Fatal(err)
	}
	return dir
}

// unchanged makes calls to a store and looks that none changes a byte, locks included.
func unchanged(t *testing.T, dir string, calls func()) {
	t.Helper()
	before := filestoretest.Listing(t, dir, true)
	calls()
	if diff := cmp.Diff(before, filestoretest.Listing(t, dir, true)); diff != "" {
		t.Errorf("the store has changed (-before +after):\n%s", diff)
	}
}

func TestClosedStore(t *testing.T) {
	dir := preparedDir(t)
	s := filestoretest.Open(t, dir)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("closing twice: %v", err)
	}
	unchanged(t, dir, func() {
		for _, c := range everyCall {
			if err := c.make(t.Context(), s); !errors.Is(err, mlruns.ErrClosed) {
				t.Errorf("%s: got %v, want %v", c.name, err, mlruns.ErrClosed)
			}
		}
	})
}

func TestReadOnlyStore(t *testing.T) {
	t.Parallel()
	dir := preparedDir(t)
	for name, fs := range map[string]afero.Fs{"confined": nil, "OsFs, which would let it write": afero.NewOsFs()} {
		t.Run(name, func(t *testing.T) {
			readOnly(t, dir, filestoretest.Open(t, dir, filestore.WithReadOnly(), filestore.WithFs(fs)))
		})
	}
}

func readOnly(t *testing.T, dir string, s mlruns.Store) {
	t.Helper()
	unchanged(t, dir, func() {
		for _, c := range everyCall {
			if !c.write && c.name == "DownloadArtifacts" {
				continue // writes beside the store
			}
			err := c.make(t.Context(), s)
			switch {
			case !c.write && err != nil:
				t.Errorf("%s: %v", c.name, err)
			case c.write && (!errors.Is(err, mlruns.ErrReadOnly) || mlruns.CodeOf(err) != mlruns.CodePermissionDenied):
				t.Errorf("%s: got %v with code %s, want %v", c.name, err, mlruns.CodeOf(err), mlruns.ErrReadOnly)
			}
		}
	})
}

func TestEndedContext(t *testing.T) {
	dir := preparedDir(t)
	s := filestoretest.Open(t, dir)
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	late, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel()
	unchanged(t, dir, func() {
		for _, c := range everyCall {
			if err := c.make(canceled, s); !errors.Is(err, context.Canceled) {
				t.Errorf("%s: got %v, want %v", c.name, err, context.Canceled)
			}
			if err := c.make(late, s); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s: got %v, want %v", c.name, err, context.DeadlineExceeded)
			}
		}
	})
}

// TestRefusesWhatIsThere is about refusals for which the store must be looked at.
func TestRefusesWhatIsThere(t *testing.T) {
	var list []badCall
	for _, c := range everyCall {
		switch {
		case c.onRun != nil:
			list = append(list, badCall{name: c.name + " unknown run", looked: true, kind: mlruns.ErrNotFound, code: mlruns.CodeNotFound, message: "Run 'nobody' not found",
				do: func(ctx context.Context, s mlruns.Store) error { return c.onRun(ctx, s, "nobody") }})
			if !c.deleted {
				list = append(list, badCall{name: c.name + " deleted run", looked: true, kind: mlruns.ErrNotActive, code: mlruns.CodeInvalidParameter,
					message: "The run deleted must be in 'active' lifecycle_stage.", do: func(ctx context.Context, s mlruns.Store) error { return c.onRun(ctx, s, "deleted") }})
			}
			list = append(list, badCall{name: c.name + " reserved name", looked: true, kind: mlruns.ErrNotFound, code: mlruns.CodeNotFound, message: "Run 'tags' not found",
				do: func(ctx context.Context, s mlruns.Store) error { return c.onRun(ctx, s, "tags") }})
		case c.onExperiment != nil && c.name != "RunInfos":
			message := "Could not find experiment with ID 17"
			if c.name == "RestoreExperiment" {
				message = "Could not find deleted experiment with ID 17"
			}
			list = append(list, badCall{name: c.name + " unknown experiment", looked: true, kind: mlruns.ErrNotFound, code: mlruns.CodeNotFound, message: message,
				do: func(ctx context.Context, s mlruns.Store) error { return c.onExperiment(ctx, s, "17") }})
		}
	}
	looked := func(r badCall) badCall { r.looked = true; return r }
	list = append(list,
		looked(invalid("changed param", "Changing param values is not allowed. Param with key='a' was already logged with value='old' for run ID='run'. Attempted logging new value 'new'.",
			func(ctx context.Context, s mlruns.Store) error { return s.LogParam(ctx, "run", "a", "new") })),
		looked(invalid("changed param in a batch", "Changing param values is not allowed. Param with key='a' was already logged with value='old' for run ID='run'. Attempted logging new value 'new'.",
			func(ctx context.Context, s mlruns.Store) error {
				return s.LogBatch(ctx, "run", mlruns.Batch{Params: []mlruns.Param{{Key: "first"}, {Key: "a", Value: "new"}}, Tags: []mlruns.Tag{{Key: "t"}}})
			})),
		looked(invalid("experiment tag below a tag", "", func(ctx context.Context, s mlruns.Store) error { return s.SetExperimentTag(ctx, "0", "a/b", "v") })),
		badCall{name: "tag that is a folder", looked: true, kind: mlruns.ErrNotFound, code: mlruns.CodeNotFound, message: "No tag with name: d in run with id run",
			do: func(ctx context.Context, s mlruns.Store) error { return s.DeleteTag(ctx, "run", "d") }},
		badCall{name: "run in a deleted experiment", looked: true, kind: mlruns.ErrNotActive, code: mlruns.CodeInvalidState,
			message: "Could not create run under non-active experiment with ID gone.",
			do: func(ctx context.Context, s mlruns.Store) error {
				return filestoretest.ErrOf(s.CreateRun(ctx, mlruns.RunSpec{ExperimentID: "gone", Tags: map[string]string{"k": "v"}}))
			}},
		badCall{name: "name of a deleted experiment", looked: true, kind: mlruns.ErrExists, code: mlruns.CodeExists,
			do: func(ctx context.Context, s mlruns.Store) error {
				return filestoretest.ErrOf(s.CreateExperiment(ctx, mlruns.ExperimentSpec{Name: "gone"}))
			}},
		badCall{name: "id of a run elsewhere", looked: true, kind: mlruns.ErrExists, code: mlruns.CodeExists, message: "Run with ID run already exists.",
			do: func(ctx context.Context, s mlruns.Store) error {
				return filestoretest.ErrOf(s.CreateRun(ctx, mlruns.RunSpec{ID: "run", ExperimentID: "e1"}))
			}})
	for _, key := range []string{"a/b", "a/b/c", "d"} {
		list = append(list,
			looked(invalid("metric "+key, "", func(ctx context.Context, s mlruns.Store) error {
				return s.LogBatch(ctx, "run", mlruns.Batch{Params: []mlruns.Param{{Key: "p"}}, Metrics: []mlruns.Metric{{Key: "m"}, {Key: key}}})
			})),
			looked(invalid("param "+key, "", func(ctx context.Context, s mlruns.Store) error {
				return s.LogBatch(ctx, "run", mlruns.Batch{Params: []mlruns.Param{{Key: "p"}, {Key: key}}})
			})),
			looked(invalid("tag "+key, "", func(ctx context.Context, s mlruns.Store) error {
				return s.LogBatch(ctx, "run", mlruns.Batch{Params: []mlruns.Param{{Key: "p"}}, Tags: []mlruns.Tag{{Key: key}}})
			})))
	}
	refuse(t, list)
}
