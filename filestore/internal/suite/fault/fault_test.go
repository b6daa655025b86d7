package fault

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/filestoretest"
)

// faultedOperation is a write. prepare is what comes before, and warm what the same store does
// before, so that it keeps handles. again says what a retry of one that succeeded gives, nil if it
// may be repeated; steps that it changes the store more than once, so that a failure may leave a
// part of it done; allow what Verify may say of that; tidies that it has more to do after its
// commit point, so that it may fail though its effect stands.
type faultedOperation struct {
	name    string
	prepare func(*filestoretest.Faulty) error
	warm    func(*filestoretest.Faulty) error
	do      func(*filestoretest.Faulty) error
	again   error
	steps   bool
	allow   mlruns.ProblemKind
	tidies  bool
}

// ready does in one store what comes before.
func (op faultedOperation) ready(f *filestoretest.Faulty) {
	f.Helper()
	for _, do := range []func(*filestoretest.Faulty) error{op.prepare, op.warm} {
		if do != nil {
			f.Must(do(f))
		}
	}
}

var faultedOperations = []faultedOperation{
	{name: "CreateExperiment", again: mlruns.ErrExists, do: func(f *filestoretest.Faulty) error {
		return filestoretest.ErrOf(f.Store.CreateExperiment(f.Ctx, mlruns.ExperimentSpec{ID: "e2", Name: "two", Tags: map[string]string{"a": "1", "b/c": "2"}}))
	}},
	{name: "RenameExperiment", again: mlruns.ErrExists, do: func(f *filestoretest.Faulty) error { return f.Store.RenameExperiment(f.Ctx, "e1", "other") }},
	{name: "DeleteExperiment", again: mlruns.ErrNotFound, steps: true, allow: mlruns.ProblemStage, do: func(f *filestoretest.Faulty) error { return f.Store.DeleteExperiment(f.Ctx, "e1") }},
	{name: "RestoreExperiment", again: mlruns.ErrNotFound, steps: true, allow: mlruns.ProblemStage,
		prepare: func(f *filestoretest.Faulty) error { return f.Store.DeleteExperiment(f.Ctx, "e1") },
		do:      func(f *filestoretest.Faulty) error { return f.Store.RestoreExperiment(f.Ctx, "e1") }},
	{name: "SetExperimentTag", do: func(f *filestoretest.Faulty) error { return f.Store.SetExperimentTag(f.Ctx, "e1", "old", "2") }},
	{name: "SetExperimentTag nested", do: func(f *filestoretest.Faulty) error { return f.Store.SetExperimentTag(f.Ctx, "e1", "a/b/c", "2") }},
	{name: "DeleteExperimentTag", again: mlruns.ErrNotFound, do: func(f *filestoretest.Faulty) error { return f.Store.DeleteExperimentTag(f.Ctx, "e1", "old") }},
	{name: "CreateRun", again: mlruns.ErrExists, do: func(f *filestoretest.Faulty) error {
		return filestoretest.ErrOf(f.Store.CreateRun(f.Ctx, mlruns.RunSpec{ID: "r2", ExperimentID: "e1", Name: "n", Tags: map[string]string{"a": "1", "b/c": "2"}}))
	}},
	{name: "UpdateRun", do: func(f *filestoretest.Faulty) error {
		return f.Store.UpdateRun(f.Ctx, "run", mlruns.RunUpdate{Status: mlruns.StatusFailed, End: time.UnixMilli(9)})
	}},
	{name: "UpdateRun name", steps: true, do: func(f *filestoretest.Faulty) error {
		return f.Store.UpdateRun(f.Ctx, "run", mlruns.RunUpdate{Name: "new"})
	}},
	{name: "EndRun", do: func(f *filestoretest.Faulty) error { return f.Store.EndRun(f.Ctx, "run", 0, time.UnixMilli(9)) }},
	{name: "DeleteRun", do: func(f *filestoretest.Faulty) error { return f.Store.DeleteRun(f.Ctx, "run") }},
	{name: "RestoreRun", prepare: func(f *filestoretest.Faulty) error { return f.Store.DeleteRun(f.Ctx, "run") },
		do: func(f *filestoretest.Faulty) error { return f.Store.RestoreRun(f.Ctx, "run") }},
	{name: "LogMetric", do: func(f *filestoretest.Faulty) error {
		return f.Store.LogMetric(f.Ctx, "run", mlruns.Metric{Key: "old", Value: 2, Time: time.UnixMilli(2)})
	}},
	{name: "LogMetric new", do: func(f *filestoretest.Faulty) error {
		return f.Store.LogMetric(f.Ctx, "run", mlruns.Metric{Key: "a/b", Value: 2, Time: time.UnixMilli(2)})
	}},
	{name: "LogMetric again", warm: logOld(1), do: logOld(2)},
	{name: "LogMetric again and settled", warm: func(f *filestoretest.Faulty) error { return errors.Join(logOld(1)(f), settle(f), logOld(2)(f)) }, do: logOld(3)},
	{name: "LogBatch again", warm: logOld(1), steps: true, do: func(f *filestoretest.Faulty) error {
		return f.Store.LogBatch(f.Ctx, "run", mlruns.Batch{Params: []mlruns.Param{{Key: "p", Value: "1"}}, Tags: []mlruns.Tag{{Key: "t", Value: "1"}}})
	}},
	{name: "LogParam", do: func(f *filestoretest.Faulty) error { return f.Store.LogParam(f.Ctx, "run", "a/b", "1") }},
	{name: "LogParam again", do: func(f *filestoretest.Faulty) error { return f.Store.LogParam(f.Ctx, "run", "old", "1") }},
	{name: "SetTag", do: func(f *filestoretest.Faulty) error { return f.Store.SetTag(f.Ctx, "run", "old", "2") }},
	{name: "SetTag name", steps: true, do: func(f *filestoretest.Faulty) error { return f.Store.SetTag(f.Ctx, "run", mlruns.TagRunName, "new") }},
	{name: "DeleteTag", again: mlruns.ErrNotFound, do: func(f *filestoretest.Faulty) error { return f.Store.DeleteTag(f.Ctx, "run", "old") }},
	{name: "LogBatch", steps: true, do: func(f *filestoretest.Faulty) error {
		return f.Store.LogBatch(f.Ctx, "run", mlruns.Batch{Params: []mlruns.Param{{Key: "p", Value: "1"}, {Key: "q", Value: "1"}},
			Tags: []mlruns.Tag{{Key: "t", Value: "1"}, {Key: mlruns.TagRunName, Value: "new"}}})
	}},
	{name: "LogInputs", steps: true, do: func(f *filestoretest.Faulty) error {
		return f.Store.LogInputs(f.Ctx, "run", mlruns.Inputs{Datasets: []mlruns.DatasetInput{{Dataset: mlruns.Dataset{Name: "d", Digest: "1"}}},
			Models: []mlruns.ModelInput{{ModelID: "m-1"}}})
	}},
	{name: "LogOutputs", do: func(f *filestoretest.Faulty) error {
		return f.Store.LogOutputs(f.Ctx, "run", mlruns.Outputs{Models: []mlruns.ModelOutput{{ModelID: "m-1"}}})
	}},
	{name: "RecordLoggedModel", do: func(f *filestoretest.Faulty) error {
		return f.Store.RecordLoggedModel(f.Ctx, "run", mlruns.ModelRecord{ArtifactPath: "m", Created: time.UnixMilli(1), Flavors: map[string]json.RawMessage{"f": json.RawMessage("{}")}})
	}},
	{name: "WriteArtifact", do: func(f *filestoretest.Faulty) error {
		return f.Store.WriteArtifact(f.Ctx, "run", "a/b", strings.NewReader("new"))
	}},
	{name: "WriteArtifact over one", prepare: filestoretest.WriteOldArtifact, do: func(f *filestoretest.Faulty) error {
		return f.Store.WriteArtifact(f.Ctx, "run", "old/file", strings.NewReader("new"))
	}},
	{name: "LogArtifact", do: func(f *filestoretest.Faulty) error {
		return f.Store.LogArtifact(f.Ctx, "run", filestoretest.InModule("filestore", "doc.go"), "a/b")
	}},
	{name: "LogArtifact a folder", steps: true, do: func(f *filestoretest.Faulty) error {
		return f.Store.LogArtifact(f.Ctx, "run", filestoretest.InModule("filestore", "layout"), "a")
	}},
	{name: "LogArtifacts", steps: true, do: func(f *filestoretest.Faulty) error {
		return f.Store.LogArtifacts(f.Ctx, "run", filestoretest.InModule("filestore", "layout"), "a")
	}},
	{name: "DeleteArtifacts", prepare: filestoretest.WriteOldArtifact, do: func(f *filestoretest.Faulty) error { return f.Store.DeleteArtifacts(f.Ctx, "run", "old/file") }},
	{name: "DeleteArtifacts all", steps: true, prepare: filestoretest.WriteOldArtifact, do: func(f *filestoretest.Faulty) error { return f.Store.DeleteArtifacts(f.Ctx, "run", "") }},
	{name: "GC of a run", tidies: true, prepare: func(f *filestoretest.Faulty) error { return f.Store.DeleteRun(f.Ctx, "run") }, do: (*filestoretest.Faulty).GC},
	{name: "GC of an experiment", tidies: true, prepare: func(f *filestoretest.Faulty) error { return f.Store.DeleteExperiment(f.Ctx, "e1") }, do: (*filestoretest.Faulty).GC},
	{name: "CreateLoggedModel", again: mlruns.ErrExists, do: makeModel},
	{name: "FinalizeLoggedModel", prepare: makeModel, do: func(f *filestoretest.Faulty) error {
		return filestoretest.ErrOf(f.Store.FinalizeLoggedModel(f.Ctx, "m-1", mlruns.ModelReady))
	}},
	{name: "DeleteLoggedModel", prepare: makeModel, again: mlruns.ErrNotFound, do: func(f *filestoretest.Faulty) error { return f.Store.DeleteLoggedModel(f.Ctx, "m-1") }},
	{name: "SetLoggedModelTags", prepare: makeModel, steps: true, do: func(f *filestoretest.Faulty) error {
		return f.Store.SetLoggedModelTags(f.Ctx, "m-1", map[string]string{"old": "2", "a/b": "1"})
	}},
	{name: "DeleteLoggedModelTag", prepare: makeModel, again: mlruns.ErrNotFound, do: func(f *filestoretest.Faulty) error { return f.Store.DeleteLoggedModelTag(f.Ctx, "m-1", "old") }},
	{name: "LogLoggedModelParams", prepare: makeModel, do: func(f *filestoretest.Faulty) error {
		return f.Store.LogLoggedModelParams(f.Ctx, "m-1", map[string]string{"old": "2"})
	}},
	{name: "WriteModelArtifact", prepare: makeModel, do: func(f *filestoretest.Faulty) error {
		return f.Store.WriteModelArtifact(f.Ctx, "m-1", "a/b", strings.NewReader("new"))
	}},
	{name: "LogModelArtifacts", prepare: makeModel, steps: true, do: func(f *filestoretest.Faulty) error {
		return f.Store.LogModelArtifacts(f.Ctx, "m-1", filestoretest.InModule("filestore", "layout"), "a")
	}},
	{name: "DeleteModelArtifacts", prepare: func(f *filestoretest.Faulty) error {
		return errors.Join(makeModel(f), f.Store.WriteModelArtifact(f.Ctx, "m-1", "a/b", strings.NewReader("old")))
	}, do: func(f *filestoretest.Faulty) error { return f.Store.DeleteModelArtifacts(f.Ctx, "m-1", "a/b") }},
	{name: "GC of an experiment with models and traces", tidies: true, prepare: func(f *filestoretest.Faulty) error {
		return errors.Join(makeModel(f), makeTrace(f), f.Store.DeleteExperiment(f.Ctx, "e1"))
	}, do: (*filestoretest.Faulty).GC},
	{name: "GC of a model", tidies: true, prepare: func(f *filestoretest.Faulty) error {
		return errors.Join(makeModel(f), f.Store.DeleteLoggedModel(f.Ctx, "m-1"))
	}, do: (*filestoretest.Faulty).GC},
	{name: "StartTrace", again: mlruns.ErrExists, do: makeTrace},
	{name: "SetTraceTag", prepare: makeTrace, do: func(f *filestoretest.Faulty) error { return f.Store.SetTraceTag(f.Ctx, "tr-1", "old", "2") }},
	{name: "DeleteTraceTag", prepare: makeTrace, again: mlruns.ErrNotFound, do: func(f *filestoretest.Faulty) error { return f.Store.DeleteTraceTag(f.Ctx, "tr-1", "old") }},
	{name: "DeleteTraces", prepare: makeTrace, do: deleteTraces(mlruns.TraceDeletion{IDs: []string{"tr-1"}})},
	{name: "DeleteTraces by time", steps: true, prepare: func(f *filestoretest.Faulty) error {
		return errors.Join(makeTrace(f), filestoretest.ErrOf(f.Store.StartTrace(f.Ctx, mlruns.Trace{ID: "tr-2", ExperimentID: "e1", Start: time.UnixMilli(2)})),
			filestoretest.ErrOf(f.Store.StartTrace(f.Ctx, mlruns.Trace{ID: "tr-3", ExperimentID: "e1", Start: time.UnixMilli(9)})))
	}, do: deleteTraces(mlruns.TraceDeletion{Until: time.UnixMilli(2)})},
	{name: "EndTrace", prepare: makeTrace, steps: true, do: func(f *filestoretest.Faulty) error {
		return filestoretest.ErrOf(f.Store.EndTrace(f.Ctx, "tr-1", mlruns.TraceEnd{State: mlruns.TraceError, End: time.UnixMilli(9), Metadata: map[string]string{"k": "w", "l": "1"}, Tags: map[string]string{"old": "2"}}))
	}},
	{name: "WriteTraceArtifact", prepare: makeTrace, do: func(f *filestoretest.Faulty) error {
		return f.Store.WriteTraceArtifact(f.Ctx, "tr-1", "traces.json", strings.NewReader(`{"spans": []}`))
	}},
	{name: "CreateAssessment", prepare: makeTrace, again: mlruns.ErrExists, do: assess("a-1", "")},
	{name: "CreateAssessment of another's place", prepare: makeAssessed, again: mlruns.ErrExists, steps: true, do: assess("a-2", "a-1")},
	{name: "UpdateAssessment", prepare: makeAssessed, do: func(f *filestoretest.Faulty) error {
		return filestoretest.ErrOf(f.Store.UpdateAssessment(f.Ctx, "tr-1", "a-1", json.RawMessage(`{"rationale": "because"}`)))
	}},
	{name: "DeleteAssessment", steps: true, prepare: func(f *filestoretest.Faulty) error { return errors.Join(makeAssessed(f), assess("a-2", "a-1")(f)) },
		do: func(f *filestoretest.Faulty) error { return f.Store.DeleteAssessment(f.Ctx, "tr-1", "a-2") }},
	{name: "DeleteAssessment the last", prepare: makeAssessed, do: func(f *filestoretest.Faulty) error { return f.Store.DeleteAssessment(f.Ctx, "tr-1", "a-1") }},
	{name: "Relocate", steps: true, prepare: (*filestoretest.Faulty).RecordElsewhere, do: (*filestoretest.Faulty).Relocate},
	{name: "Relocate models and traces", steps: true, prepare: func(f *filestoretest.Faulty) error {
		return errors.Join(makeModel(f), makeTrace(f), f.RecordElsewhere())
	}, do: (*filestoretest.Faulty).Relocate},
}

func makeModel(f *filestoretest.Faulty) error {
	return filestoretest.ErrOf(f.Store.CreateLoggedModel(f.Ctx, mlruns.ModelSpec{
		ID: "m-1", ExperimentID: "e1", Name: "n", Params: map[string]string{"old": "1"}, Tags: map[string]string{"old": "1", "c/d": "2"},
	}))
}

func makeTrace(f *filestoretest.Faulty) error {
	return filestoretest.ErrOf(f.Store.StartTrace(f.Ctx, mlruns.Trace{
		ID: "tr-1", ExperimentID: "e1", Start: time.UnixMilli(1), Metadata: map[string]string{"k": "v"}, Tags: map[string]string{"old": "1"},
	}))
}

func deleteTraces(d mlruns.TraceDeletion) func(*filestoretest.Faulty) error {
	d.ExperimentID = "e1"
	return func(f *filestoretest.Faulty) error { return filestoretest.ErrOf(f.Store.DeleteTraces(f.Ctx, d)) }
}

func assess(id, overrides string) func(*filestoretest.Faulty) error {
	return func(f *filestoretest.Faulty) error {
		text := fmt.Sprintf(`{"assessment_id": %q, "assessment_name": "n", "feedback": {"value": true}, "overrides": %q}`, id, overrides)
		return filestoretest.ErrOf(f.Store.CreateAssessment(f.Ctx, "tr-1", json.RawMessage(text)))
	}
}

func makeAssessed(f *filestoretest.Faulty) error {
	return errors.Join(makeTrace(f), assess("a-1", "")(f))
}

func logOld(step int64) func(*filestoretest.Faulty) error {
	return func(f *filestoretest.Faulty) error {
		return f.Store.LogMetric(f.Ctx, "run", mlruns.Metric{Key: "old", Value: 2, Step: step, Time: time.UnixMilli(2)})
	}
}

// settle waits until a kept run is no longer so fresh that its meta.yaml is read each time.
func settle(*filestoretest.Faulty) error {
	filestoretest.Settle()
	return nil
}
