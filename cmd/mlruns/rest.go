package main

import (
	"maps"
	"slices"
	"time"

	"github.com/mlruns/mlruns"
)

// The shapes of MLflow's REST interface. Arrays are sorted by key, times are milliseconds, what is not known is left out.

type restTag struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

type restExperiment struct {
	ID               string                `json:"experiment_id"`
	Name             string                `json:"name"`
	ArtifactLocation string                `json:"artifact_location"`
	Stage            mlruns.LifecycleStage `json:"lifecycle_stage"`
	Created          *int64                `json:"creation_time,omitempty"`
	Updated          *int64                `json:"last_update_time,omitempty"`
	Tags             []restTag             `json:"tags"`
}

type restRun struct {
	Info    restInfo     `json:"info"`
	Data    restData     `json:"data"`
	Inputs  restInputs   `json:"inputs"`
	Outputs *restOutputs `json:"outputs,omitempty"`
}

type restInfo struct {
	ID           string                `json:"run_id"`
	UUID         string                `json:"run_uuid"`
	Name         string                `json:"run_name"`
	ExperimentID string                `json:"experiment_id"`
	User         string                `json:"user_id"`
	Status       string                `json:"status"`
	Start        *int64                `json:"start_time,omitempty"`
	End          *int64                `json:"end_time,omitempty"`
	ArtifactURI  string                `json:"artifact_uri"`
	Stage        mlruns.LifecycleStage `json:"lifecycle_stage"`
}

type restData struct {
	Metrics []restMetric `json:"metrics"`
	Params  []restTag    `json:"params"`
	Tags    []restTag    `json:"tags"`
}

type restMetric struct {
	Key           string `json:"key"`
	Value         number `json:"value"`
	Timestamp     int64  `json:"timestamp"`
	Step          int64  `json:"step"`
	DatasetName   string `json:"dataset_name,omitempty"`
	DatasetDigest string `json:"dataset_digest,omitempty"`
}

type restInputs struct {
	Datasets []restDatasetInput `json:"dataset_inputs"`
	Models   []restModelInput   `json:"model_inputs,omitempty"`
}

type restDatasetInput struct {
	Tags    []restTag   `json:"tags"`
	Dataset restDataset `json:"dataset"`
}

type restDataset struct {
	Name       string `json:"name"`
	Digest     string `json:"digest"`
	SourceType string `json:"source_type"`
	Source     string `json:"source"`
	Schema     string `json:"schema,omitempty"`
	Profile    string `json:"profile,omitempty"`
}

type restModelInput struct {
	ModelID string `json:"model_id"`
}

type restOutputs struct {
	Models []restModelOutput `json:"model_outputs"`
}

type restModelOutput struct {
	ModelID string `json:"model_id"`
	Step    int64  `json:"step"`
}

func toExperiment(e mlruns.Experiment) restExperiment {
	return restExperiment{
		ID: e.ID, Name: e.Name, ArtifactLocation: e.ArtifactLocation, Stage: e.Stage,
		Created: millis(e.Created), Updated: millis(e.Updated), Tags: toTags(e.Tags),
	}
}

func toRun(r *mlruns.Run) restRun {
	out := restRun{Info: toInfo(r.Info), Inputs: toInputs(r.Inputs)}
	out.Data = restData{Metrics: make([]restMetric, 0, len(r.Data.Metrics)), Params: toTags(r.Data.Params), Tags: toTags(r.Data.Tags)}
	for _, key := range slices.Sorted(maps.Keys(r.Data.Metrics)) {
		out.Data.Metrics = append(out.Data.Metrics, toMetric(r.Data.Metrics[key]))
	}
	if len(r.Outputs.Models) > 0 {
		out.Outputs = &restOutputs{}
		for _, m := range r.Outputs.Models {
			out.Outputs.Models = append(out.Outputs.Models, restModelOutput(m))
		}
	}
	return out
}

func toInfo(i mlruns.RunInfo) restInfo {
	return restInfo{
		ID: i.ID, UUID: i.ID, Name: i.Name, ExperimentID: i.ExperimentID, User: i.User, Status: i.Status.String(),
		Start: millis(i.Start), End: millis(i.End), ArtifactURI: i.ArtifactURI, Stage: i.Stage,
	}
}

func toMetric(m mlruns.Metric) restMetric {
	return restMetric{
		Key: m.Key, Value: number(m.Value), Timestamp: m.Time.UnixMilli(), Step: m.Step,
		DatasetName: m.DatasetName, DatasetDigest: m.DatasetDigest,
	}
}

func toInputs(in mlruns.Inputs) restInputs {
	out := restInputs{Datasets: make([]restDatasetInput, 0, len(in.Datasets))}
	for _, d := range in.Datasets {
		out.Datasets = append(out.Datasets, restDatasetInput{Tags: toTags(d.Tags), Dataset: restDataset(d.Dataset)})
	}
	for _, m := range in.Models {
		out.Models = append(out.Models, restModelInput(m))
	}
	return out
}

func toTags(tags map[string]string) []restTag {
	list := make([]restTag, 0, len(tags))
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		list = append(list, restTag{key, tags[key]})
	}
	return list
}

// millis is nil for the zero time.
func millis(t time.Time) *int64 {
	if t.IsZero() {
		return nil
	}
	ms := t.UnixMilli()
	return &ms
}
