package storetest

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/mlruns/mlruns"
)

var experimentScenarios = []scenario{
	{name: "default", run: func(f *fixture) {
		e := need(f.client.Experiment(f.ctx, mlruns.DefaultExperimentID))(f)
		equal(f, "name", e.Name, "Default")
		equal(f, "stage", e.Stage, mlruns.StageActive)
		if e.Tags == nil || e.Created.IsZero() || !e.Created.Equal(e.Updated) || e.ArtifactLocation == "" {
			f.Errorf("default experiment %+v: want tags, times and a location", e)
		}
		equal(f, "by name", need(f.client.ExperimentByName(f.ctx, "Default"))(f), e)
		equal(f, "all", collect(f, f.client.Experiments(f.ctx, mlruns.ExperimentQuery{View: mlruns.ViewAll})), []mlruns.Experiment{*e})
	}},
	{name: "create", run: func(f *fixture) {
		before := time.Now()
		tags := map[string]string{"team": "a", "nested/key": "line\nline", "empty": ""}
		e := need(f.client.CreateExperiment(f.ctx, mlruns.ExperimentSpec{Name: "one", ArtifactLocation: "s3://bucket/one", Tags: tags}))(f)
		if !regexp.MustCompile(`^[1-9][0-9]{17}$`).MatchString(e.ID) {
			f.Errorf("id %q, want 18 decimal digits", e.ID)
		}
		f.between("creation time", e.Created, before)
		want := mlruns.Experiment{ID: e.ID, Name: "one", ArtifactLocation: "s3://bucket/one", Stage: mlruns.StageActive, Tags: tags, Created: e.Created, Updated: e.Created}
		equal(f, "created", *e, want)
		equal(f, "by id", *need(f.client.Experiment(f.ctx, e.ID))(f), want)
		equal(f, "by name", *need(f.client.ExperimentByName(f.ctx, "one"))(f), want)
		tags["team"] = "b"
		equal(f, "tags after the caller changed its map", need(f.client.Experiment(f.ctx, e.ID))(f).Tags["team"], "a")
	}},
	{name: "location", run: func(f *fixture) {
		e := need(f.client.CreateExperiment(f.ctx, mlruns.ExperimentSpec{Name: "one", ID: "e-1"}))(f)
		if !strings.HasSuffix(e.ArtifactLocation, "/e-1") {
			f.Errorf("location %q, want it to end in the id", e.ArtifactLocation)
		}
		run := need(f.client.CreateRun(f.ctx, mlruns.RunSpec{ExperimentID: "e-1", ID: "r1"}))(f)
		equal(f, "artifact URI", run.Info.ArtifactURI, e.ArtifactLocation+"/r1/artifacts")
	}},
	{name: "chosen id", run: func(f *fixture) {
		for _, id := range []string{"1", "exp_1-b", "Ünï" /* the first must be ASCII */, strings.Repeat("x", 64)} {
			_, err := f.client.CreateExperiment(f.ctx, mlruns.ExperimentSpec{ID: id, Name: "of " + id})
			if id[0] >= 0x80 {
				f.refused(err, mlruns.ErrInvalid, mlruns.CodeInvalidParameter, "Invalid experiment ID: '"+id+"'")
				continue
			}
			f.must(err)
			equal(f, "name", need(f.client.Experiment(f.ctx, id))(f).Name, "of "+id)
		}
		_, err := f.client.CreateExperiment(f.ctx, mlruns.ExperimentSpec{ID: "1", Name: "other"})
		f.refused(err, mlruns.ErrExists, mlruns.CodeExists, "Experiment with ID 1 already exists.")
		f.must(f.client.DeleteExperiment(f.ctx, "1"))
		_, err = f.client.CreateExperiment(f.ctx, mlruns.ExperimentSpec{ID: "1", Name: "other"})
		f.refused(err, mlruns.ErrExists, mlruns.CodeExists, "Experiment with ID 1 already exists.")
	}},
	{name: "names", run: func(f *fixture) {
		for _, name := range []string{"it's", `"quoted"`, "a: b # c", "new\nline", "cr\r\nlf", " blanks ", "null", "~", "1e3", "0x1F", "yes", "2020-01-01", "- list", "{a}", "%", "é", "日本", "😀",
			"\u2028", "\x01", "..", "a/b", "C:\\d", "0", strings.Repeat("é", mlruns.MaxExperimentNameLength)} {
			e := need(f.client.CreateExperiment(f.ctx, mlruns.ExperimentSpec{Name: name}))(f)
			equal(f, "name", need(f.client.Experiment(f.ctx, e.ID))(f).Name, name)
			equal(f, "id by name", need(f.client.ExperimentByName(f.ctx, name))(f).ID, e.ID)
		}
	}},
	{name: "name taken", run: func(f *fixture) {
		id := f.newExperiment("one")
		_, err := f.client.CreateExperiment(f.ctx, mlruns.ExperimentSpec{Name: "one"})
		f.refused(err, mlruns.ErrExists, mlruns.CodeExists, "Experiment 'one' already exists.")
		f.newExperiment("One")
		f.must(f.client.DeleteExperiment(f.ctx, id))
		_, err = f.client.CreateExperiment(f.ctx, mlruns.ExperimentSpec{Name: "one"})
		const deleted = "Experiment 'one' already exists in deleted state. You can restore the experiment, or permanently delete the experiment from the .trash " +
			"folder (under tracking server's root folder) in order to use this experiment name again."
		f.refused(err, mlruns.ErrExists, mlruns.CodeExists, deleted)
		_, err = f.client.GetOrCreateExperiment(f.ctx, "one")
		f.refused(err, mlruns.ErrExists, mlruns.CodeExists, deleted)
	}},
	{name: "get or create", run: func(f *fixture) {
		e := need(f.client.GetOrCreateExperiment(f.ctx, "one"))(f)
		equal(f, "again", need(f.client.GetOrCreateExperiment(f.ctx, "one"))(f), e)
		equal(f, "default", need(f.client.GetOrCreateExperiment(f.ctx, "Default"))(f).ID, mlruns.DefaultExperimentID)
	}},
	{name: "not found", run: func(f *fixture) {
		_, err := f.client.Experiment(f.ctx, "17")
		f.refused(err, mlruns.ErrNotFound, mlruns.CodeNotFound, "Could not find experiment with ID 17")
		_, err = f.client.ExperimentByName(f.ctx, "nobody")
		f.refused(err, mlruns.ErrNotFound, mlruns.CodeNotFound, "Could not find experiment with name 'nobody'")
	}},
	{name: "rename", run: func(f *fixture) {
		id := f.newExperiment("one")
		f.newExperiment("two")
		before := time.Now()
		f.must(f.client.RenameExperiment(f.ctx, id, "three"))
		e := need(f.client.Experiment(f.ctx, id))(f)
		equal(f, "name", e.Name, "three")
		f.between("update time", e.Updated, before)
		if _, err := f.client.ExperimentByName(f.ctx, "one"); err == nil {
			f.Error("the old name is still found")
		}
		f.refused(f.client.RenameExperiment(f.ctx, id, "three"), mlruns.ErrExists, mlruns.CodeExists, "Experiment 'three' already exists.")
		f.refused(f.client.RenameExperiment(f.ctx, id, "two"), mlruns.ErrExists, mlruns.CodeExists, "Experiment 'two' already exists.")
		f.refused(f.client.RenameExperiment(f.ctx, "17", "four"), mlruns.ErrNotFound, mlruns.CodeNotFound, "Could not find experiment with ID 17")
		f.newExperiment("one")
		f.must(f.client.RenameExperiment(f.ctx, mlruns.DefaultExperimentID, "no default"))
		equal(f, "renamed default", need(f.client.ExperimentByName(f.ctx, "no default"))(f).ID, mlruns.DefaultExperimentID)
		f.must(f.client.DeleteExperiment(f.ctx, id))
		f.refused(f.client.RenameExperiment(f.ctx, id, "four"), mlruns.ErrNotActive, mlruns.CodeInternal,
			"Cannot rename experiment in non-active lifecycle stage. Current stage: deleted")
	}},
	{name: "tags", run: func(f *fixture) {
		id := f.newExperiment("one")
		updated := need(f.client.Experiment(f.ctx, id))(f).Updated
		long := strings.Repeat("v", 20000)
		for _, tag := range []mlruns.Tag{{Key: "a", Value: "1"}, {Key: "a", Value: "2\r\n"}, {Key: "b/c", Value: long}, {Key: "b/d", Value: ""}, {Key: "é", Value: "ü"}} {
			f.must(f.client.SetExperimentTag(f.ctx, id, tag.Key, tag.Value))
		}
		e := need(f.client.Experiment(f.ctx, id))(f)
		equal(f, "tags", e.Tags, map[string]string{"a": "2\r\n", "b/c": long, "b/d": "", "é": "ü"})
		equal(f, "update time", e.Updated, updated)
		f.must(f.client.DeleteExperimentTag(f.ctx, id, "b/c"))
		f.refused(f.client.DeleteExperimentTag(f.ctx, id, "b/c"), mlruns.ErrNotFound, mlruns.CodeNotFound, "No tag with name: b/c in experiment with id "+id)
		f.refused(f.client.DeleteExperimentTag(f.ctx, id, "b"), mlruns.ErrNotFound, mlruns.CodeNotFound, "No tag with name: b in experiment with id "+id)
		equal(f, "tags", need(f.client.Experiment(f.ctx, id))(f).Tags, map[string]string{"a": "2\r\n", "b/d": "", "é": "ü"})
		f.refused(f.client.SetExperimentTag(f.ctx, "17", "a", "b"), mlruns.ErrNotFound, mlruns.CodeNotFound, "Could not find experiment with ID 17")
		f.must(f.client.DeleteExperiment(f.ctx, id))
		f.refused(f.client.SetExperimentTag(f.ctx, id, "a", "b"), mlruns.ErrNotActive, mlruns.CodeInvalidParameter,
			"The experiment "+id+" must be in the 'active' lifecycle_stage to set tags")
		f.refused(f.client.DeleteExperimentTag(f.ctx, id, "a"), mlruns.ErrNotActive, mlruns.CodeInvalidParameter,
			"The experiment "+id+" must be in the 'active' lifecycle_stage to delete tags")
	}},
	{name: "listing", run: func(f *fixture) {
		for _, name := range []string{"a", "b", "c", "d", "e"} {
			f.newExperiment(name)
		}
		gone := f.newExperiment("gone")
		f.must(f.client.DeleteExperiment(f.ctx, gone))
		for _, view := range []mlruns.View{mlruns.ViewActive, mlruns.ViewDeleted, mlruns.ViewAll} {
			all := collect(f, f.client.Experiments(f.ctx, mlruns.ExperimentQuery{View: view}))
			equal(f, "number", len(all), map[mlruns.View]int{mlruns.ViewActive: 6, mlruns.ViewDeleted: 1, mlruns.ViewAll: 7}[view])
			sorted := slices.SortedFunc(slices.Values(all), func(a, b mlruns.Experiment) int {
				if c := b.Created.Compare(a.Created); c != 0 {
					return c
				}
				return strings.Compare(a.ID, b.ID)
			})
			equal(f, "order: newest first, then id", all, sorted)
			equal(f, "first two", collect(f, f.client.Experiments(f.ctx, mlruns.ExperimentQuery{View: view, MaxResults: 2})), all[:min(2, len(all))])
			var paged []mlruns.Experiment
			for q := (mlruns.ExperimentQuery{View: view, MaxResults: 2}); ; {
				page := need(f.client.SearchExperiments(f.ctx, q))(f)
				equal(f, "problems", page.Problems, nil)
				paged = append(paged, page.Experiments...)
				if q.PageToken = page.NextPageToken; q.PageToken == "" {
					break
				}
			}
			equal(f, "by pages", paged, all)
		}
		n := 0
		for range f.client.Experiments(f.ctx, mlruns.ExperimentQuery{}) {
			n++
			break
		}
		equal(f, "elements before a break", n, 1)
	}},
}

var experimentLifecycleScenarios = []scenario{
	{name: "delete and restore", run: func(f *fixture) {
		id := f.newExperiment("one")
		f.must(f.client.SetExperimentTag(f.ctx, id, "k", "v"))
		kept := need(f.client.CreateRun(f.ctx, mlruns.RunSpec{ExperimentID: id, ID: "kept"}))(f)
		need(f.client.CreateRun(f.ctx, mlruns.RunSpec{ExperimentID: id, ID: "deleted-before"}))(f)
		f.must(f.client.LogMetric(f.ctx, "kept", mlruns.Metric{Key: "m", Value: 1}))
		f.must(f.client.DeleteRun(f.ctx, "deleted-before"))
		was := need(f.client.Experiment(f.ctx, id))(f)

		before := time.Now()
		f.must(f.client.DeleteExperiment(f.ctx, id))
		e := need(f.client.Experiment(f.ctx, id))(f)
		equal(f, "stage", e.Stage, mlruns.StageDeleted)
		f.between("update time", e.Updated, before)
		equal(f, "tags", e.Tags, was.Tags)
		run := f.read("kept")
		equal(f, "stage of a run", run.Info.Stage, mlruns.StageDeleted)
		f.between("time of a run's deletion", run.Info.Deleted, before)
		equal(f, "deletion of the run and the experiment", run.Info.Deleted, e.Updated)
		equal(f, "metric of a run in a deleted experiment", len(f.history("kept", "m")), 1)
		equal(f, "id by name", need(f.client.ExperimentByName(f.ctx, "one"))(f).ID, id)
		f.refused(f.client.DeleteExperiment(f.ctx, id), mlruns.ErrNotFound, mlruns.CodeNotFound, "Could not find experiment with ID "+id)
		_, err := f.client.CreateRun(f.ctx, mlruns.RunSpec{ExperimentID: id})
		f.refused(err, mlruns.ErrNotActive, mlruns.CodeInvalidState, "Could not create run under non-active experiment with ID "+id+".")
		f.refused(f.client.LogParam(f.ctx, "kept", "p", "v"), mlruns.ErrNotActive, mlruns.CodeInvalidParameter, "The run kept must be in 'active' lifecycle_stage.")

		f.must(f.client.RestoreExperiment(f.ctx, id))
		e = need(f.client.Experiment(f.ctx, id))(f)
		was.Updated = e.Updated
		equal(f, "restored", e, was)
		run = f.read("kept")
		equal(f, "info of a restored run", run.Info, kept.Info)
		equal(f, "stage of a run that was deleted alone", f.read("deleted-before").Info.Stage, mlruns.StageActive)
		f.must(f.client.LogParam(f.ctx, "kept", "p", "v"))
		f.refused(f.client.RestoreExperiment(f.ctx, id), mlruns.ErrNotFound, mlruns.CodeNotFound, "Could not find deleted experiment with ID "+id)
	}},
	{name: "many times", run: func(f *fixture) {
		id := f.newExperiment("one")
		for range 3 {
			f.must(f.client.DeleteExperiment(f.ctx, id))
			f.must(f.client.RestoreExperiment(f.ctx, id))
		}
		equal(f, "stage", need(f.client.Experiment(f.ctx, id))(f).Stage, mlruns.StageActive)
	}},
	{name: "not found", run: func(f *fixture) {
		f.refused(f.client.DeleteExperiment(f.ctx, "17"), mlruns.ErrNotFound, mlruns.CodeNotFound, "Could not find experiment with ID 17")
		f.refused(f.client.RestoreExperiment(f.ctx, "17"), mlruns.ErrNotFound, mlruns.CodeNotFound, "Could not find deleted experiment with ID 17")
		f.refused(f.client.RestoreExperiment(f.ctx, "0"), mlruns.ErrNotFound, mlruns.CodeNotFound, "Could not find deleted experiment with ID 0")
		f.refused(f.client.DeleteExperiment(f.ctx, "0"), mlruns.ErrInvalid, mlruns.CodeInternal,
			"Cannot delete the default experiment '0'. This is an internally reserved experiment.")
	}},
}
