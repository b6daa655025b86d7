package golden

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/filestore/internal/filestoretest"
)

// TestGoldenAnswers compares every answer of every listing, get and unfiltered search with that of
// the MLflow version which wrote the store, artifacts included, and makes sure that reading leaves
// no trace.
func TestGoldenAnswers(t *testing.T) {
	eachGolden(t, func(t *testing.T, g *golden) {
		dir := g.store.Write(t)
		store := filestoretest.Open(t, dir)
		ask(t, store, g.version, g.expected)
		for reader, answers := range g.readers {
			ask(t, store, g.version+" read by "+reader, answers)
		}
		readArtifacts(t, g, store)
		if diff := filestoretest.Changes(g.store, filestoretest.ReadTree(t, dir)); diff != nil {
			t.Errorf("reading changed the store: %v", diff)
		}
	})
}

// answers asks a store what MLflow was asked.
type answers struct {
	differences
	*expected
	store    *filestore.Store
	scenario string
}

// ask compares all answers. The scenario is the version that wrote the store, and the one that read
// it if it is another.
func ask(t *testing.T, store *filestore.Store, scenario string, want *expected) {
	t.Helper()
	a := &answers{store: store, scenario: scenario, expected: want, differences: differences{known: answerDeviations}}
	a.askExperiments(t)
	a.askRuns(t)
	a.askRunSearches(t)
	a.askExperimentSearches(t)
	a.judge(t, scenario)
}

func (a *answers) askExperiments(t *testing.T) {
	ctx := context.Background()
	for view, want := range a.Experiments {
		if want.err != nil {
			t.Fatalf("experiments %s: MLflow failed: %v", view, want.err)
		}
		var got, wantIDs []string
		byID := map[string]mlruns.Experiment{}
		for e, err := range a.store.Experiments(ctx, mlruns.ExperimentQuery{View: views[view]}) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, e.ID)
			byID[e.ID] = e
		}
		for _, w := range want.value {
			wantIDs = append(wantIDs, w.ID)
			if e, ok := byID[w.ID]; ok {
				a.compareMaps("experiments "+view, w.ID, w.fields(), experimentFields(e))
			}
		}
		if a.scenario == "1.8" { // it listed in the order of the directory
			slices.Sort(wantIDs)
			slices.Sort(got)
		}
		a.compare("experiments", view, strings.Join(wantIDs, " "), strings.Join(got, " "))
	}
	for id, want := range a.Get {
		e, err := a.store.Experiment(ctx, id)
		if err != nil {
			t.Errorf("experiment %s: %v", id, err)
			continue
		}
		a.compareMaps("experiment", id, want.value.fields(), experimentFields(*e))
	}
	for name, want := range a.GetByName {
		wantID := "<none>"
		if want.value != nil {
			wantID = *want.value
		}
		if want.err != nil {
			wantID = want.err.String()
		}
		gotID := "<none>"
		if e, err := a.store.ExperimentByName(ctx, name); err == nil {
			gotID = e.ID
		} else if mlruns.CodeOf(err) != mlruns.CodeNotFound {
			t.Errorf("experiment %q: %v", name, err)
		}
		a.compare("experiment by name", name, wantID, gotID)
	}
}

func (e expectedExperiment) fields() map[string]string {
	var name string
	if json.Unmarshal(e.Name, &name) != nil {
		name = string(e.Name)
	}
	f := map[string]string{"id": e.ID, "name": name, "location": e.Location, "stage": e.Stage, "created": millis(e.Created), "updated": millis(e.Updated)}
	for k, v := range e.Tags {
		f["tag "+k] = v
	}
	return f
}

func experimentFields(e mlruns.Experiment) map[string]string {
	f := map[string]string{"id": e.ID, "name": e.Name, "location": e.ArtifactLocation, "stage": string(e.Stage), "created": textOfTime(e.Created), "updated": textOfTime(e.Updated)}
	for k, v := range e.Tags {
		f["tag "+k] = v
	}
	return f
}

func millis(ms *int64) string {
	if ms == nil {
		return "none"
	}
	return strconv.FormatInt(*ms, 10)
}

func textOfTime(t time.Time) string {
	if t.IsZero() {
		return "none"
	}
	return strconv.FormatInt(t.UnixMilli(), 10)
}

func (a *answers) askRuns(t *testing.T) {
	ctx := context.Background()
	for id, want := range a.Runs {
		label := a.label(id)
		run, err := a.store.Run(ctx, id)
		if err != nil {
			t.Errorf("run %s: %v", label, err)
			continue
		}
		if want.err != nil {
			a.compare("run", label, want.err.String(), fmt.Sprintf("a run with the problems %v", run.Problems))
			continue
		}
		a.compareRun(label, want.value, run)
		a.histories(t, label, want.value, run)
	}
	for experiment, want := range a.SearchAll {
		page, err := a.store.SearchRuns(ctx, mlruns.RunQuery{Experiments: []string{experiment}, View: mlruns.ViewAll})
		if err != nil {
			t.Errorf("search %s: %v", experiment, err)
			continue
		}
		wanted := strings.Join(want.value, " ")
		if want.err != nil {
			wanted = want.err.String()
		}
		a.compare("search all", experiment, wanted, strings.Join(filestoretest.IDsOf(page.Runs), " "))
		for _, run := range page.Runs {
			if w, ok := a.Runs[run.Info.ID]; ok && w.err == nil {
				a.compareRun(a.label(run.Info.ID), w.value, run)
			}
		}
	}
}

// compareRun compares all of a run but histories and artifacts.
func (a *answers) compareRun(label string, want expectedRun, run *mlruns.Run) {
	a.compareMaps("run info", label, want.infoFields(), infoFields(run.Info))
	a.compareMaps("run params", label, want.Params, run.Data.Params)
	a.compareMaps("run tags", label, want.Tags, run.Data.Tags)
	latest := map[string]string{}
	for _, m := range want.Latest {
		latest[m.Key] = m.text()
	}
	got := map[string]string{}
	for key, m := range run.Data.Metrics {
		got[key] = filestoretest.TextOfMetric(m)
	}
	a.compareMaps("latest metric", label, latest, got)
	a.compareMaps("inputs and outputs", label, want.ioFields(), ioFields(run))
}

func (r expectedRun) infoFields() map[string]string {
	text := func(s *string) string {
		if s == nil {
			return ""
		}
		return *s
	}
	name := text(r.Info.Name)
	if r.Info.Name == nil { // before 1.29 a run's name was its tag alone
		name = r.Tags[mlruns.TagRunName]
	}
	return map[string]string{"id": r.Info.ID, "name": name, "experiment": r.Info.ExperimentID, "user": r.Info.User, "status": r.Info.Status,
		"start": millis(r.Info.Start), "end": millis(r.Info.End), "artifact_uri": text(r.Info.ArtifactURI), "stage": r.Info.Stage}
}

func infoFields(i mlruns.RunInfo) map[string]string {
	return map[string]string{"id": i.ID, "name": i.Name, "experiment": i.ExperimentID, "user": i.User, "status": i.Status.String(),
		"start": textOfTime(i.Start), "end": textOfTime(i.End), "artifact_uri": i.ArtifactURI, "stage": string(i.Stage)}
}

func (r expectedRun) ioFields() map[string]string {
	f := map[string]string{}
	text := func(s *string) string {
		if s == nil {
			return ""
		}
		return *s
	}
	for _, in := range r.Datasets {
		tags := map[string]string{}
		for _, t := range in.Tags {
			tags[t.Key] = t.Value
		}
		d := in.Dataset
		f["dataset "+d.Name+" "+d.Digest] = fmt.Sprintf("%q %q %q %q %v", d.SourceType, d.Source, text(d.Schema), text(d.Profile), tags)
	}
	for _, m := range r.ModelInputs {
		f["model input "+m.ModelID] = ""
	}
	for _, m := range r.ModelOutputs {
		f["model output "+m.ModelID] = strconv.FormatInt(m.Step, 10)
	}
	return f
}

func ioFields(run *mlruns.Run) map[string]string {
	f := map[string]string{}
	for _, in := range run.Inputs.Datasets {
		d := in.Dataset
		f["dataset "+d.Name+" "+d.Digest] = fmt.Sprintf("%q %q %q %q %v", d.SourceType, d.Source, d.Schema, d.Profile, in.Tags)
	}
	for _, m := range run.Inputs.Models {
		f["model input "+m.ModelID] = ""
	}
	for _, m := range run.Outputs.Models {
		f["model output "+m.ModelID] = strconv.FormatInt(m.Step, 10)
	}
	return f
}

// histories compares the history of every metric that either side knows.
func (a *answers) histories(t *testing.T, label string, want expectedRun, run *mlruns.Run) {
	keys := slices.Collect(maps.Keys(want.History))
	for key := range run.Data.Metrics {
		if _, ok := want.History[key]; !ok {
			keys = append(keys, key)
		}
	}
	for _, key := range keys {
		var wanted []string
		for _, m := range want.History[key].value {
			wanted = append(wanted, m.text())
		}
		a.compare("history", label+"/"+key, strings.Join(wanted, "\n"), strings.Join(filestoretest.History(t, a.store, run.Info.ID, key), "\n"))
	}
}

// askRunSearches asks the recorded searches that neither filter nor order; TestGoldenSearches asks
// the others.
func (a *answers) askRunSearches(t *testing.T) {
	t.Helper()
	asked := 0
	for _, s := range a.SearchRuns {
		if !s.plain() {
			continue
		}
		asked++
		page, err := a.store.SearchRuns(context.Background(), mlruns.RunQuery{Experiments: append([]string{}, s.ExperimentIDs...), View: views[s.View],
			MaxResults: s.MaxResults, PageToken: s.token()})
		got := refusal(err)
		if err == nil {
			got = fmt.Sprintf("%v then %q", filestoretest.IDsOf(page.Runs), page.NextPageToken)
		}
		if len(s.ExperimentIDs) == 0 && err == nil { // MLflow finds nothing, see TestGoldenSearches
			continue
		}
		a.compare("search runs", s.query(), s.result(s.RunIDs), got)
	}
	if asked < 20 {
		t.Errorf("only %d searches without filter and order: the golden answers are not read right", asked)
	}
}

func (a *answers) askExperimentSearches(t *testing.T) {
	t.Helper()
	if a.scenario != "1.8" && len(a.SearchExps) == 0 {
		t.Error("no searches of experiments: the golden answers are not read right")
	}
	for _, s := range a.SearchExps {
		if !s.plain() {
			continue
		}
		page, err := a.store.SearchExperiments(context.Background(), mlruns.ExperimentQuery{View: views[s.View], MaxResults: s.MaxResults, PageToken: s.token()})
		got := refusal(err)
		if err == nil {
			ids := make([]string, len(page.Experiments))
			for i, e := range page.Experiments {
				ids[i] = e.ID
			}
			got = fmt.Sprintf("%v then %q", ids, page.NextPageToken)
		}
		a.compare("search experiments", s.query(), s.result(s.ExperimentIDs), got)
	}
}

func (s expectedSearch) query() string {
	return fmt.Sprintf("%s max %d token %q experiments %d", s.View, s.MaxResults, s.PageToken, len(s.ExperimentIDs))
}

func (s expectedSearch) result(ids []string) string {
	if s.Error != nil {
		return strings.TrimSpace("refused " + string(s.Error.Code))
	}
	return fmt.Sprintf("%v then %q", ids, s.next())
}

// refusal is what of an error is compared: its code, not MLflow's words.
func refusal(err error) string {
	if err == nil {
		return "accepted"
	}
	return "refused " + string(mlruns.CodeOf(err))
}
