package server

import (
	"context"
	"math"
	"strconv"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/internal/wire"
)

// The answers of GraphQL: the shapes of the other calls in camelCase, 64-bit integers as texts,
// lists that are never null.

func (s *server) graphExperiment(ctx context.Context, in *wire.Request) (object, error) {
	id := in.RequiredText("experiment_id")
	if err := in.Err(); err != nil {
		return nil, err
	}
	e, err := s.experimentObject(ctx, id)
	return object{"experiment": e}, err
}

func (s *server) experimentObject(ctx context.Context, id string) (object, error) {
	e, err := s.store.Experiment(ctx, id)
	if err != nil {
		return nil, err
	}
	shape := s.experimentShape(*e)
	return object{
		"__typename": "MlflowExperiment", "experimentId": shape.ID, "name": shape.Name, "artifactLocation": shape.ArtifactLocation, "lifecycleStage": shape.Stage,
		"creationTime": int64Text(shape.Created), "lastUpdateTime": int64Text(shape.Updated), "tags": pairObjects("MlflowExperimentTag", shape.Tags),
	}, nil
}

func (s *server) graphRun(ctx context.Context, in *wire.Request) (object, error) {
	id := in.RunID()
	if err := in.Err(); err != nil {
		return nil, err
	}
	run, err := s.store.Run(ctx, id)
	if err != nil {
		return nil, err
	}
	return object{"run": s.runObject(ctx, run)}, nil
}

func (s *server) graphRuns(ctx context.Context, in *wire.Request) (object, error) {
	q := in.RunQuery()
	if err := in.Err(); err != nil || len(q.Experiments) == 0 {
		return object{"runs": []object{}}, err
	}
	page, err := inTurn(ctx, s.searches, func() (*mlruns.RunPage, error) { return s.store.SearchRuns(ctx, q) })
	if err != nil {
		return nil, err
	}
	runs := make([]object, 0, len(page.Runs))
	for _, run := range page.Runs {
		runs = append(runs, s.runObject(ctx, run))
	}
	answer := object{"runs": runs}
	if page.NextPageToken != "" {
		answer["nextPageToken"] = page.NextPageToken
	}
	return answer, nil
}

// graphModelVersions finds nothing: there is no registry.
func (s *server) graphModelVersions(context.Context, *wire.Request) (object, error) {
	return object{"modelVersions": []object{}}, nil
}

func (s *server) graphHistories(ctx context.Context, in *wire.Request) (object, error) {
	answer, err := s.getSampledHistories(&call{Request: in, ctx: ctx})
	if err != nil {
		return nil, err
	}
	list, ok := answer.(metricList)
	if !ok {
		return object{"metrics": []object{}}, nil
	}
	return object{"metrics": metricObjects("MlflowMetricWithRunId", list.Metrics)}, nil
}

func (s *server) graphDatasets(ctx context.Context, in *wire.Request) (object, error) {
	answer, err := s.searchDatasets(&call{Request: in, ctx: ctx})
	if err != nil {
		return nil, err
	}
	list := []object{}
	if found, ok := answer.(datasetSummaries); ok {
		for _, d := range found.Summaries {
			list = append(list, object{"__typename": "MlflowDatasetSummary", "experimentId": d.Experiment, "name": d.Name, "digest": d.Digest, "context": d.Context})
		}
	}
	return object{"datasetSummaries": list}, nil
}

func (s *server) graphArtifacts(ctx context.Context, in *wire.Request) (object, error) {
	answer, err := s.listArtifacts(&call{Request: in, ctx: ctx})
	if err != nil {
		return nil, err
	}
	list := []object{}
	found, _ := answer.(wire.ArtifactList)
	for _, f := range found.Files {
		size := "0" // of a folder too
		if f.Size != nil {
			size = strconv.FormatInt(int64(*f.Size), 10)
		}
		list = append(list, object{"__typename": "MlflowFileInfo", "path": f.Path, "isDir": f.IsDir, "fileSize": size})
	}
	return object{"rootUri": found.Root, "files": list}, nil
}

// graphTest gives back what it is given, for whoever tries whether this is GraphQL.
func (s *server) graphTest(_ context.Context, in *wire.Request) (object, error) {
	return object{"output": in.Text("input_string")}, nil
}

func (s *server) runObject(ctx context.Context, run *mlruns.Run) object {
	shape := s.runShape(run)
	inputs := make([]object, 0, len(shape.Inputs.Datasets))
	for _, d := range shape.Inputs.Datasets {
		inputs = append(inputs, object{"__typename": "MlflowDatasetInput", "tags": pairObjects("MlflowInputTag", d.Tags), "dataset": object{
			"__typename": "MlflowDataset", "name": d.Dataset.Name, "digest": d.Dataset.Digest, "sourceType": d.Dataset.SourceType, "source": d.Dataset.Source,
			"schema": d.Dataset.Schema, "profile": d.Dataset.Profile,
		}})
	}
	modelInputs, modelOutputs := []object{}, []object{}
	for _, m := range shape.Inputs.Models {
		modelInputs = append(modelInputs, object{"__typename": "MlflowModelInput", "modelId": m.ModelID})
	}
	if shape.Outputs != nil {
		for _, m := range shape.Outputs.Models {
			modelOutputs = append(modelOutputs, object{"__typename": "MlflowModelOutput", "modelId": m.ModelID, "step": strconv.FormatInt(int64(m.Step), 10)})
		}
	}
	i := shape.Info
	return object{
		"__typename": "MlflowRunExtension",
		"info": object{
			"__typename": "MlflowRunInfo", "runId": i.ID, "runUuid": i.UUID, "runName": i.Name, "experimentId": i.ExperimentID, "userId": i.User, "status": i.Status,
			"startTime": int64Text(i.Start), "endTime": int64Text(i.End), "artifactUri": i.ArtifactURI, "lifecycleStage": i.Stage,
		},
		"data": object{
			"__typename": "MlflowRunData", "metrics": metricObjects("MlflowMetricExtension", shape.Data.Metrics),
			"params": pairObjects("MlflowParam", shape.Data.Params), "tags": pairObjects("MlflowRunTag", shape.Data.Tags),
		},
		"inputs":        object{"__typename": "MlflowRunInputs", "datasetInputs": inputs, "modelInputs": modelInputs},
		"outputs":       object{"__typename": "MlflowRunOutputs", "modelOutputs": modelOutputs},
		"modelVersions": []object{},
		"experiment":    func() (object, error) { return s.experimentObject(ctx, i.ExperimentID) },
	}
}

// metricObjects gives numbers as numbers. What JSON has no number for is null.
func metricObjects(typeName string, metrics []wire.Metric) []object {
	list := make([]object, 0, len(metrics))
	for _, m := range metrics {
		o := object{"__typename": typeName, "key": m.Key, "timestamp": strconv.FormatInt(int64(m.Timestamp), 10), "step": strconv.FormatInt(int64(m.Step), 10), "runId": m.RunID}
		if v := float64(m.Value); !math.IsNaN(v) && !math.IsInf(v, 0) {
			o["value"] = v
		}
		list = append(list, o)
	}
	return list
}

func pairObjects(typeName string, tags []wire.Tag) []object {
	list := make([]object, 0, len(tags))
	for _, t := range tags {
		list = append(list, object{"__typename": typeName, "key": t.Key, "value": t.Value})
	}
	return list
}

// int64Text is nil for what is absent.
func int64Text(n *wire.Int) any {
	if n == nil {
		return nil
	}
	return strconv.FormatInt(int64(*n), 10)
}
