package storetest

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/mlruns/mlruns"
)

var runScenarios = []scenario{
	{name: "create with nothing", run: func(f *fixture) {
		before := time.Now()
		run := need(f.client.CreateRun(f.ctx, mlruns.RunSpec{}))(f)
		if !regexp.MustCompile(`^[0-9a-f]{32}$`).MatchString(run.Info.ID) {
			f.Errorf("id %q, want 32 hexadecimal digits", run.Info.ID)
		}
		if name := run.Info.Name; len(name) > 20 || !regexp.MustCompile(`^[a-z]+-[a-z]+-[0-9]+$`).MatchString(name) {
			f.Errorf("generated name %q, want adjective-noun-number of at most 20 characters", name)
		}
		f.between("start", run.Info.Start, before)
		if !strings.HasSuffix(run.Info.ArtifactURI, "/0/"+run.Info.ID+"/artifacts") {
			f.Errorf("artifact URI %q", run.Info.ArtifactURI)
		}
		want := mlruns.Run{
			Info: mlruns.RunInfo{ID: run.Info.ID, Name: run.Info.Name, ExperimentID: "0", User: "unknown", Status: mlruns.StatusRunning, Start: run.Info.Start,
				ArtifactURI: run.Info.ArtifactURI, Stage: mlruns.StageActive},
			Data: mlruns.RunData{Tags: map[string]string{mlruns.TagRunName: run.Info.Name}},
		}
		equal(f, "created", *run, want)
		read := f.read(run.Info.ID)
		equal(f, "read", *read, want)
		for _, r := range []*mlruns.Run{run, read} {
			if r.Data.Metrics == nil || r.Data.Params == nil || r.Data.Tags == nil {
				f.Errorf("data %#v: a map is nil", r.Data)
			}
		}
	}},
	{name: "create with all", run: func(f *fixture) {
		experiment := f.newExperiment("one")
		tags := map[string]string{"k": "v", "nested/key": "a\nb", "empty": "", mlruns.TagUser: "bob"}
		start := time.Date(2021, 2, 3, 4, 5, 6, 7_654_321, time.FixedZone("", 3600))
		run := need(f.client.CreateRun(f.ctx, mlruns.RunSpec{ID: "my-Run_1", ExperimentID: experiment, Name: "a name: # 'x'", User: "alice", Start: start, Tags: tags}))(f)
		equal(f, "the caller's tags", len(tags), 4)
		equal(f, "info", run.Info, mlruns.RunInfo{ID: "my-Run_1", Name: "a name: # 'x'", ExperimentID: experiment, User: "alice", Status: mlruns.StatusRunning,
			Start: start.Truncate(time.Millisecond).UTC(), ArtifactURI: run.Info.ArtifactURI, Stage: mlruns.StageActive})
		tags[mlruns.TagRunName] = "a name: # 'x'"
		equal(f, "tags", run.Data.Tags, tags)
		equal(f, "read", f.read("my-Run_1"), run)
	}},
	{name: "names", run: func(f *fixture) {
		named := func(name, tag string) (*mlruns.Run, error) {
			return f.client.CreateRun(f.ctx, mlruns.RunSpec{Name: name, Tags: map[string]string{mlruns.TagRunName: tag}})
		}
		for _, c := range [][2]string{{"", "tagged"}, {"named", ""}, {"same", "same"}} {
			run := f.read(need(named(c[0], c[1]))(f).Info.ID)
			want := c[0] + c[1]
			if c[0] == c[1] {
				want = c[0]
			}
			equal(f, "name", run.Info.Name, want)
			equal(f, "tag", run.Data.Tags[mlruns.TagRunName], want)
		}
		_, err := named("one", "two")
		f.refused(err, mlruns.ErrInvalid, mlruns.CodeInvalidParameter, "Both 'run_name' argument and 'mlflow.runName' tag are specified, but with different values (run_name='one', mlflow.runName='two').")
		for _, name := range []string{"it's", "new\nline", "null", "1e3", "~", " ", "é😀", "\u0085", strings.Repeat("n", 10000)} {
			equal(f, "name", f.read(need(named(name, ""))(f).Info.ID).Info.Name, name)
		}
	}},
	{name: "user", run: func(f *fixture) {
		for _, c := range []struct{ user, tag, want string }{{"a", "", "a"}, {"", "b", "b"}, {"a", "b", "a"}, {"", "", "unknown"}, {"1.0", "", "1.0"}} {
			spec := mlruns.RunSpec{User: c.user}
			if c.tag != "" {
				spec.Tags = map[string]string{mlruns.TagUser: c.tag}
			}
			equal(f, "user", f.read(need(f.client.CreateRun(f.ctx, spec))(f).Info.ID).Info.User, c.want)
		}
	}},
	{name: "chosen ids", run: func(f *fixture) {
		other := f.newExperiment("other")
		for _, id := range []string{"a", "1e3", "0", "null", "A_b-1", "aé", strings.Repeat("x", 255)} {
			need(f.client.CreateRun(f.ctx, mlruns.RunSpec{ID: id}))(f)
			equal(f, "id", f.read(id).Info.ID, id)
			for _, experiment := range []string{"", other} {
				_, err := f.client.CreateRun(f.ctx, mlruns.RunSpec{ID: id, ExperimentID: experiment})
				f.refused(err, mlruns.ErrExists, mlruns.CodeExists, "Run with ID "+id+" already exists.")
			}
		}
		f.must(f.client.DeleteRun(f.ctx, "a"))
		_, err := f.client.CreateRun(f.ctx, mlruns.RunSpec{ID: "a", ExperimentID: other})
		f.refused(err, mlruns.ErrExists, mlruns.CodeExists, "Run with ID a already exists.")
	}},
	{name: "not found", run: func(f *fixture) {
		_, err := f.client.Run(f.ctx, "nobody")
		f.refused(err, mlruns.ErrNotFound, mlruns.CodeNotFound, "Run 'nobody' not found")
		_, err = f.client.CreateRun(f.ctx, mlruns.RunSpec{ExperimentID: "17"})
		f.refused(err, mlruns.ErrNotFound, mlruns.CodeNotFound, "Could not find experiment with ID 17")
		f.refused(lastError(f, f.client.MetricHistory(f.ctx, "nobody", "m", mlruns.HistoryQuery{})), mlruns.ErrNotFound, mlruns.CodeNotFound, "Run 'nobody' not found")
		for name, write := range writes {
			f.Log(name)
			f.refused(write(f, "nobody"), mlruns.ErrNotFound, mlruns.CodeNotFound, "Run 'nobody' not found")
		}
	}},
	{name: "infos", run: func(f *fixture) {
		experiment := f.newExperiment("one")
		want := map[string]mlruns.RunInfo{}
		for _, id := range []string{"c", "a", "d", "b"} {
			want[id] = need(f.client.CreateRun(f.ctx, mlruns.RunSpec{ID: id, ExperimentID: experiment}))(f).Info
		}
		f.newRun()
		f.must(f.client.DeleteRun(f.ctx, "b"))
		want["b"] = f.read("b").Info
		for _, c := range []struct {
			view mlruns.View
			ids  string
		}{{mlruns.ViewActive, "acd"}, {mlruns.ViewDeleted, "b"}, {mlruns.ViewAll, "abcd"}} {
			infos := collect(f, f.client.RunInfos(f.ctx, experiment, c.view))
			got := ""
			for _, info := range infos {
				got += info.ID
				equal(f, "info", info, want[info.ID])
			}
			equal(f, "ids, by folder name", got, c.ids)
		}
		equal(f, "infos of an unknown experiment", collect(f, f.client.RunInfos(f.ctx, "17", mlruns.ViewAll)), nil)
		f.must(f.client.DeleteExperiment(f.ctx, experiment))
		equal(f, "number of infos of a deleted experiment", len(collect(f, f.client.RunInfos(f.ctx, experiment, mlruns.ViewDeleted))), 4)
		for range f.client.RunInfos(f.ctx, experiment, mlruns.ViewAll) {
			break
		}
	}},
}

// writes has every operation that an active run allows and a deleted one does not.
var writes = map[string]func(f *fixture, run string) error{
	"LogMetric": func(f *fixture, run string) error { return f.client.LogMetric(f.ctx, run, mlruns.Metric{Key: "m"}) },
	"LogParam":  func(f *fixture, run string) error { return f.client.LogParam(f.ctx, run, "p", "v") },
	"SetTag":    func(f *fixture, run string) error { return f.client.SetTag(f.ctx, run, "t", "v") },
	"DeleteTag": func(f *fixture, run string) error { return f.client.DeleteTag(f.ctx, run, mlruns.TagRunName) },
	"LogBatch": func(f *fixture, run string) error {
		return f.client.LogBatch(f.ctx, run, mlruns.Batch{Tags: []mlruns.Tag{{Key: "t"}}})
	},
	"LogBatch of nothing": func(f *fixture, run string) error { return f.client.LogBatch(f.ctx, run, mlruns.Batch{}) },
	"LogInputs": func(f *fixture, run string) error {
		return f.client.LogInputs(f.ctx, run, mlruns.Inputs{Models: []mlruns.ModelInput{{ModelID: "m-1"}}})
	},
	"LogOutputs": func(f *fixture, run string) error {
		return f.client.LogOutputs(f.ctx, run, mlruns.Outputs{Models: []mlruns.ModelOutput{{ModelID: "m-1"}}})
	},
	"RecordLoggedModel": func(f *fixture, run string) error {
		return f.client.RecordLoggedModel(f.ctx, run, mlruns.ModelRecord{ArtifactPath: "model"})
	},
	"UpdateRun": func(f *fixture, run string) error { return f.client.UpdateRun(f.ctx, run, mlruns.RunUpdate{Name: "n"}) },
	"EndRun":    func(f *fixture, run string) error { return f.client.EndRun(f.ctx, run, 0, time.Time{}) },
}

var runLifecycleScenarios = []scenario{
	{name: "update", run: func(f *fixture) {
		id := f.newRun()
		info := f.read(id).Info
		f.must(f.client.UpdateRun(f.ctx, id, mlruns.RunUpdate{}))
		equal(f, "after an update of nothing", f.read(id).Info, info)
		f.must(f.client.UpdateRun(f.ctx, id, mlruns.RunUpdate{Name: "new: 'name'"}))
		info.Name = "new: 'name'"
		equal(f, "after a rename", f.read(id).Info, info)
		equal(f, "tag of the name", f.read(id).Data.Tags[mlruns.TagRunName], info.Name)
		f.must(f.client.UpdateRun(f.ctx, id, mlruns.RunUpdate{End: at(1234)}))
		info.End = at(1234)
		equal(f, "with an end", f.read(id).Info, info)
		for _, s := range []mlruns.Status{mlruns.StatusFinished, mlruns.StatusRunning, mlruns.StatusKilled, mlruns.StatusScheduled, mlruns.StatusFailed} {
			f.must(f.client.UpdateRun(f.ctx, id, mlruns.RunUpdate{Status: s}))
			info.Status = s
			equal(f, "with a status", f.read(id).Info, info)
		}
	}},
	{name: "end", run: func(f *fixture) {
		id := f.newRun()
		before := time.Now()
		f.must(f.client.EndRun(f.ctx, id, 0, time.Time{}))
		info := f.read(id).Info
		equal(f, "status", info.Status, mlruns.StatusFinished)
		f.between("end", info.End, before)
		f.must(f.client.EndRun(f.ctx, id, mlruns.StatusFailed, at(99)))
		info = f.read(id).Info
		equal(f, "status", info.Status, mlruns.StatusFailed)
		equal(f, "end", info.End, at(99))
		f.must(f.client.LogMetric(f.ctx, id, mlruns.Metric{Key: "m", Value: 1}))
		equal(f, "points of a run that has ended", len(f.history(id, "m")), 1)
	}},
	{name: "delete and restore", run: func(f *fixture) {
		id := f.newRun()
		f.must(f.client.LogParam(f.ctx, id, "p", "v"))
		was := f.read(id)
		before := time.Now()
		for range 2 {
			f.must(f.client.DeleteRun(f.ctx, id))
			run := f.read(id)
			f.between("time of deletion", run.Info.Deleted, before)
			equal(f, "stage", run.Info.Stage, mlruns.StageDeleted)
			equal(f, "data", run.Data, was.Data)
		}
		for range 2 {
			f.must(f.client.RestoreRun(f.ctx, id))
			equal(f, "restored", f.read(id), was)
		}
	}},
	{name: "deleted runs are not written", run: func(f *fixture) {
		id := f.newRun()
		f.must(f.client.LogMetric(f.ctx, id, mlruns.Metric{Key: "m", Value: 1, Time: at(1)}))
		f.must(f.client.DeleteRun(f.ctx, id))
		was := f.read(id)
		for name, write := range writes {
			f.Run(name, func(t *testing.T) {
				g := &fixture{T: t, ctx: f.ctx, client: f.client}
				g.refused(write(g, id), mlruns.ErrNotActive, mlruns.CodeInvalidParameter, "The run "+id+" must be in 'active' lifecycle_stage.")
			})
		}
		equal(f, "the run", f.read(id), was)
		equal(f, "history of a deleted run", f.history(id, "m"), []mlruns.Metric{{Key: "m", Value: 1, Time: at(1)}})
	}},
	{name: "every write is allowed on an active run", run: func(f *fixture) {
		for name, write := range writes {
			if err := write(f, f.newRun()); err != nil {
				f.Errorf("%s: %v", name, err)
			}
		}
	}},
}
