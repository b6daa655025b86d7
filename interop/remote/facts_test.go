//go:build interop

package remote

import (
	"context"
	"crypto/md5"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/internal/pyfmt"
	"github.com/mlruns/mlruns/transfer"
)

// place is where a fact stands: the field "params.lr" of the run of an id, for instance. A run and
// a model have the ids that they had first, an experiment has its name.
type place struct{ kind, id, field string }

func (p place) String() string { return p.kind + " " + p.id + ", " + p.field }

// facts is all that a store says, one by one.
type facts map[place]string

// reader reads a folder.
type reader struct {
	*filestore.Store
	t     *testing.T
	found facts
	// first gives the first id of a run or a model by the one that it has here.
	first map[string]string
}

func factsOf(t *testing.T, s *filestore.Store) facts {
	t.Helper()
	r := &reader{s, t, facts{}, map[string]string{}}
	ctx := t.Context()
	var all []mlruns.Experiment
	var runs []*mlruns.Run
	var models []*mlruns.LoggedModel
	for e, err := range s.Experiments(ctx, mlruns.ExperimentQuery{View: mlruns.ViewAll, OnProblem: ignore}) {
		r.must(err)
		all = append(all, e)
		for run, err := range s.Runs(ctx, mlruns.RunQuery{Experiments: []string{e.ID}, View: mlruns.ViewAll, OnProblem: ignore}) {
			r.must(err)
			runs = append(runs, run)
			r.first[run.Info.ID] = firstID(run.Info.ID, run.Data.Tags[transfer.TagSourceRun])
		}
		for m, err := range s.LoggedModels(ctx, mlruns.ModelQuery{Experiments: []string{e.ID}, View: mlruns.ViewAll, OnProblem: ignore}) {
			r.must(err)
			models = append(models, m)
			r.first[m.ID] = firstID(m.ID, m.Tags[transfer.TagSourceModel])
		}
	}
	names := map[string]string{}
	for _, e := range all {
		names[e.ID] = e.Name
		r.experiment(e)
	}
	for _, run := range runs {
		r.run(ctx, run, names)
	}
	for _, m := range models {
		r.model(ctx, m, names)
	}
	for _, e := range all {
		for trace, err := range s.Traces(ctx, mlruns.TraceQuery{Experiments: []string{e.ID}, OnProblem: ignore}) {
			r.must(err)
			r.trace(ctx, trace, e.Name)
		}
	}
	return r.found
}

func ignore(mlruns.Problem) {}

func firstID(id, tag string) string {
	if tag != "" {
		return tag
	}
	return id
}

func (r *reader) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

// of gives the first id of what is named by the one that it has here.
func (r *reader) of(id string) string {
	if first, ok := r.first[id]; ok {
		return first
	}
	return id
}

// thing is what facts are about: an experiment, a run, a model or a trace.
type thing struct {
	facts
	kind, id string
}

func (f facts) about(kind, id string) thing { return thing{f, kind, id} }

func (x thing) say(field, text string) {
	if text != "" {
		x.facts[place{x.kind, x.id, field}] = text
	}
}

func (x thing) texts(field string, values map[string]string) {
	for key, value := range values {
		x.facts[place{x.kind, x.id, field + "." + key}] = value // an empty one is there too
	}
}

func timeOf(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.UTC().Format("2006-01-02 15:04:05.000")
}

func (r *reader) experiment(e mlruns.Experiment) {
	x := r.found.about("experiment", e.Name)
	x.say("id", e.ID)
	x.say("stage", string(e.Stage))
	x.say("location", e.ArtifactLocation)
	x.say("created", timeOf(e.Created))
	x.say("updated", timeOf(e.Updated))
	x.texts("tags", e.Tags)
}

func (r *reader) run(ctx context.Context, run *mlruns.Run, experiments map[string]string) {
	i, x := run.Info, r.found.about("run", r.of(run.Info.ID))
	x.say("id", i.ID)
	x.say("name", i.Name)
	x.say("experiment", experiments[i.ExperimentID])
	x.say("user", i.User)
	x.say("status", i.Status.String())
	x.say("start", timeOf(i.Start))
	x.say("end", timeOf(i.End))
	x.say("deleted", timeOf(i.Deleted))
	x.say("stage", string(i.Stage))
	x.say("location", i.ArtifactURI)
	x.texts("params", run.Data.Params)
	x.texts("tags", run.Data.Tags)
	if parent, ok := run.Data.Tags[mlruns.TagParentRunID]; ok {
		x.say("tags."+mlruns.TagParentRunID, r.of(parent))
	}
	for key, m := range run.Data.Metrics {
		x.say("latest."+key, r.point(m))
		var history []string
		for m, err := range r.MetricHistory(ctx, i.ID, key, mlruns.HistoryQuery{OnProblem: ignore}) {
			r.must(err)
			history = append(history, r.point(m))
		}
		x.say("history."+key, strings.Join(history, "\n"))
	}
	for _, d := range run.Inputs.Datasets {
		x.say("dataset."+d.Dataset.Name+"@"+d.Dataset.Digest, fmt.Sprintf("%+v %v", d.Dataset, d.Tags))
	}
	for _, m := range run.Inputs.Models {
		x.say("input."+r.of(m.ModelID), "used")
	}
	for _, m := range run.Outputs.Models {
		x.say("output."+r.of(m.ModelID), fmt.Sprintf("step %d", m.Step))
	}
	if _, err := r.ArtifactRoot(ctx, i.ID); err == nil {
		r.files(x, "", func(folder string) ([]mlruns.FileInfo, error) { return r.Artifacts(ctx, i.ID, folder) },
			func(name string) (io.ReadCloser, error) { return r.OpenArtifact(ctx, i.ID, name) })
	}
}

// onDataset tells what data set a point is of.
func onDataset(p mlruns.Metric) string {
	if p.DatasetName == "" {
		return ""
	}
	return " on " + p.DatasetName + "@" + p.DatasetDigest
}

// point is a point as a line: value, time and step, and its data set.
func (r *reader) point(m mlruns.Metric) string {
	return fmt.Sprintf("%s %d %d%s", pyfmt.AppendFloat(nil, m.Value), m.Time.UnixMilli(), m.Step, onDataset(m))
}

func (r *reader) files(x thing, folder string, list func(string) ([]mlruns.FileInfo, error), open func(string) (io.ReadCloser, error)) {
	files, err := list(folder)
	if errors.Is(err, mlruns.ErrNotFound) || errors.Is(err, mlruns.ErrOutside) {
		return
	}
	r.must(err)
	for _, file := range files {
		if file.IsDir {
			r.files(x, file.Path, list, open)
			continue
		}
		content, err := open(file.Path)
		r.must(err)
		h := md5.New() // as read.py
		n, err := io.Copy(h, content)
		content.Close()
		r.must(err)
		x.say("artifacts/"+file.Path, fmt.Sprintf("%d %x", n, h.Sum(nil)))
	}
}

func (r *reader) model(ctx context.Context, m *mlruns.LoggedModel, experiments map[string]string) {
	x := r.found.about("model", r.of(m.ID))
	x.say("id", m.ID)
	x.say("name", m.Name)
	x.say("experiment", experiments[m.ExperimentID])
	x.say("type", m.Type)
	x.say("run", r.of(m.SourceRunID))
	x.say("status", m.Status.String()+" "+m.StatusMessage)
	x.say("created", timeOf(m.Created))
	x.say("updated", timeOf(m.Updated))
	x.say("stage", string(m.Stage))
	x.say("location", m.ArtifactLocation)
	x.texts("params", m.Params)
	x.texts("tags", m.Tags)
	for _, p := range m.Metrics {
		x.say("latest."+p.Key+onDataset(p), r.point(p)+" of "+r.of(p.RunID))
	}
	histories := map[string][]string{}
	for p, err := range r.ModelPoints(ctx, m.ID) {
		if errors.Is(err, mlruns.ErrNotFound) { // it is deleted
			break
		}
		r.must(err)
		histories[p.Key] = append(histories[p.Key], r.point(p)+" of "+r.of(p.RunID))
	}
	for key, history := range histories {
		x.say("history."+key, strings.Join(history, "\n"))
	}
	if _, err := r.ModelArtifactRoot(ctx, m.ID); err == nil {
		r.files(x, "", func(folder string) ([]mlruns.FileInfo, error) { return r.ModelArtifacts(ctx, m.ID, folder) },
			func(name string) (io.ReadCloser, error) { return r.OpenModelArtifact(ctx, m.ID, name) })
	}
}

func (r *reader) trace(ctx context.Context, trace *mlruns.Trace, experiment string) {
	x := r.found.about("trace", firstID(trace.ID, trace.Tags[mlruns.TagSourceTrace]))
	x.say("id", trace.ID)
	x.say("experiment", experiment)
	x.say("client_request_id", trace.ClientRequestID)
	x.say("state", trace.State.String())
	x.say("start_time", timeOf(trace.Start))
	x.say("end_time", timeOf(trace.End))
	x.say("request_preview", trace.RequestPreview)
	x.say("response_preview", trace.ResponsePreview)
	x.say("location", trace.ArtifactLocation)
	x.texts("tags", trace.Tags)
	x.texts("metadata", trace.Metadata)
	x.say("metadata."+mlruns.TraceMetadataRun, r.of(trace.Metadata[mlruns.TraceMetadataRun]))
	x.say("metadata."+mlruns.TraceMetadataModel, r.of(trace.Metadata[mlruns.TraceMetadataModel]))
	for _, a := range trace.Assessments {
		var read struct {
			ID string `json:"assessment_id"`
		}
		r.must(json.Unmarshal(a, &read))
		x.say("assessments."+read.ID, string(a))
	}
	if spans, err := r.TraceData(ctx, trace.ID); err == nil {
		x.say("spans", string(spans))
	}
	r.files(x, "", func(folder string) ([]mlruns.FileInfo, error) { return r.TraceArtifacts(ctx, trace.ID, folder) },
		func(name string) (io.ReadCloser, error) { return r.OpenTraceArtifact(ctx, trace.ID, name) })
}
