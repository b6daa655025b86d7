package wire

import (
	"fmt"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/internal/failure"
)

// What a server answers, in the vocabulary: the inverse of the functions NewRun and so on. What an
// older server leaves out has its zero value; maps are never nil.

// Entity gives the experiment.
func (e Experiment) Entity() mlruns.Experiment {
	return mlruns.Experiment{
		ID: e.ID, Name: e.Name, ArtifactLocation: e.ArtifactLocation, Stage: stage(e.Stage), Tags: tagMap(e.Tags), Created: e.Created.time(), Updated: e.Updated.time(),
	}
}

// Entity gives the page. Its experiments are never nil.
func (p ExperimentPage) Entity() *mlruns.ExperimentPage {
	page := &mlruns.ExperimentPage{Experiments: make([]mlruns.Experiment, len(p.Experiments)), NextPageToken: p.NextPageToken, Problems: p.Problems}
	for i, e := range p.Experiments {
		page.Experiments[i] = e.Entity()
	}
	return page
}

// Entity gives the run, without problems. ErrCorrupt if its status is none.
func (r Run) Entity() (*mlruns.Run, error) {
	info, err := r.Info.Entity()
	if err != nil {
		return nil, err
	}
	run := &mlruns.Run{Info: info, Data: mlruns.RunData{Metrics: make(map[string]mlruns.Metric, len(r.Data.Metrics)), Params: tagMap(r.Data.Params), Tags: tagMap(r.Data.Tags)}}
	for _, m := range r.Data.Metrics {
		point := m.Entity()
		if old, ok := run.Data.Metrics[m.Key]; !ok || point.After(old) {
			run.Data.Metrics[m.Key] = point
		}
	}
	for _, d := range r.Inputs.Datasets {
		run.Inputs.Datasets = append(run.Inputs.Datasets, mlruns.DatasetInput{Dataset: mlruns.Dataset(d.Dataset), Tags: tagMap(d.Tags)})
	}
	for _, m := range r.Inputs.Models {
		run.Inputs.Models = append(run.Inputs.Models, mlruns.ModelInput(m))
	}
	if r.Outputs != nil {
		for _, m := range r.Outputs.Models {
			run.Outputs.Models = append(run.Outputs.Models, mlruns.ModelOutput{ModelID: m.ModelID, Step: int64(m.Step)})
		}
	}
	return run, nil
}

// Entity gives what the shape tells of a run. ErrCorrupt if its status is none.
func (i RunInfo) Entity() (mlruns.RunInfo, error) {
	info := mlruns.RunInfo{
		ID: i.ID, Name: i.Name, ExperimentID: i.ExperimentID, User: i.User, Start: i.Start.time(), End: i.End.time(), Deleted: i.Deleted.time(), ArtifactURI: i.ArtifactURI,
		Stage: stage(i.Stage),
	}
	if info.ID == "" {
		info.ID = i.UUID
	}
	var err error
	if info.Status, err = mlruns.ParseStatus(i.Status); err != nil {
		return info, &failure.Reason{Kind: failure.ErrCorrupt, Text: fmt.Sprintf("the answer about run %s has the status %q, which is none", info.ID, i.Status)}
	}
	return info, nil
}

// Entity gives the page. Its runs are never nil.
func (p RunPage) Entity() (*mlruns.RunPage, error) {
	page := &mlruns.RunPage{Runs: make([]*mlruns.Run, len(p.Runs)), NextPageToken: p.NextPageToken, Problems: p.Problems}
	for i, r := range p.Runs {
		var err error
		if page.Runs[i], err = r.Entity(); err != nil {
			return nil, err
		}
	}
	return page, nil
}

// Entity gives the point as one of a run: without the run, and without the logged model that it may
// be of as well.
func (m Metric) Entity() mlruns.Metric {
	return mlruns.Metric{
		Key: m.Key, Value: float64(m.Value), Time: time.UnixMilli(int64(m.Timestamp)).UTC(), Step: int64(m.Step), DatasetName: m.DatasetName, DatasetDigest: m.DatasetDigest,
	}
}

// Entity gives the model, without problems. ErrCorrupt if its status is none.
func (m Model) Entity() (*mlruns.LoggedModel, error) {
	model := &mlruns.LoggedModel{
		ID: m.Info.ID, ExperimentID: m.Info.ExperimentID, Name: m.Info.Name, Type: m.Info.Type, SourceRunID: m.Info.SourceRunID, StatusMessage: m.Info.StatusMessage,
		Created: m.Info.Created.time(), Updated: m.Info.Updated.time(), ArtifactLocation: m.Info.ArtifactURI, Stage: stage(m.Info.Stage),
		Params: tagMap(m.Data.Params), Tags: tagMap(m.Info.Tags),
	}
	for _, point := range m.Data.Metrics {
		p := point.Entity()
		p.RunID, p.ModelID = point.RunID, point.ModelID
		model.Metrics = append(model.Metrics, p)
	}
	switch m.Info.Status {
	case "", modelUnspecified:
	case modelStatuses[0]:
		model.Status = mlruns.ModelPending
	case modelStatuses[1]:
		model.Status = mlruns.ModelReady
	case modelStatuses[2]:
		model.Status = mlruns.ModelFailed
	default:
		return nil, &failure.Reason{Kind: failure.ErrCorrupt, Text: fmt.Sprintf("the answer about model %s has the status %q, which is none", model.ID, m.Info.Status)}
	}
	return model, nil
}

// Entity gives the page. Its models are never nil.
func (p ModelPage) Entity() (*mlruns.ModelPage, error) {
	page := &mlruns.ModelPage{Models: make([]*mlruns.LoggedModel, len(p.Models)), NextPageToken: p.NextPageToken, Problems: p.Problems}
	for i, m := range p.Models {
		var err error
		if page.Models[i], err = m.Entity(); err != nil {
			return nil, err
		}
	}
	return page, nil
}

func stage(s mlruns.LifecycleStage) mlruns.LifecycleStage {
	if s == "" {
		return mlruns.StageActive
	}
	return s
}

// tagMap is the inverse of tags: the last of a key counts.
func tagMap(list []Tag) map[string]string {
	m := make(map[string]string, len(list))
	for _, t := range list {
		m[t.Key] = t.Value
	}
	return m
}

// time is the inverse of millis. Some servers send 0 for what there is not.
func (n *Int) time() time.Time {
	if n == nil || *n == 0 {
		return time.Time{}
	}
	return time.UnixMilli(int64(*n)).UTC()
}
