package server_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/mlruns/mlruns"
)

// getRunQuery is a query as Apollo sends those of MLflow's page.
const getRunQuery = `query GetRun($data: MlflowGetRunInput!) @component(name: "MLflow.ExperimentRunTracking") {
  mlflowGetRun(input: $data) {
    apiError { helpUrl code message __typename }
    run {
      info { runName status runId startTime endTime artifactUri __typename }
      experiment { experimentId name tags { key value __typename } __typename }
      modelVersions { status name __typename }
      data { metrics { key value step timestamp __typename } params { ...Pair } tags { key value } __typename }
      inputs { datasetInputs { dataset { name schema } tags { key } } modelInputs { modelId } }
      outputs { modelOutputs { modelId step } }
      __typename
    }
    __typename
  }
}
fragment Pair on MlflowParam { key value __typename }`

func (a *asked) graphQL(query string, variables map[string]any) map[string]any {
	a.Helper()
	body, err := json.Marshal(map[string]any{"operationName": "x", "variables": variables, "query": query})
	if err != nil {
		a.Fatal(err)
	}
	return a.answer(a.send("POST", "/graphql", string(body)), query)
}

func TestGraphQL(t *testing.T) {
	a := serve(t)
	run, err := a.store.CreateRun(t.Context(), mlruns.RunSpec{Name: "n", Start: time.UnixMilli(1_700_000_000_000), Tags: map[string]string{"mlflow.runName": "n"}})
	if err != nil {
		t.Fatal(err)
	}
	id := run.Info.ID
	if err := a.store.LogBatch(t.Context(), id, mlruns.Batch{Params: []mlruns.Param{{Key: "p", Value: "1"}}, Metrics: []mlruns.Metric{{Key: "m", Value: 0.5, Step: 1 << 60, Time: time.UnixMilli(5)}}}); err != nil {
		t.Fatal(err)
	}
	a.post("runs/log-metric", fmt.Sprintf(`{"run_id":%q,"key":"nan","value":"NaN","timestamp":6}`, id))
	got := a.graphQL(getRunQuery, map[string]any{"data": map[string]any{"runId": id}})
	want := map[string]any{
		"apiError": nil, "__typename": "MlflowGetRunResponse",
		"run": map[string]any{
			"__typename": "MlflowRunExtension",
			"info": map[string]any{"__typename": "MlflowRunInfo", "runName": "n", "status": "RUNNING", "runId": id, "startTime": "1700000000000", "endTime": nil,
				"artifactUri": "mlflow-artifacts:/0/" + id + "/artifacts"},
			"experiment":    map[string]any{"__typename": "MlflowExperiment", "experimentId": "0", "name": "Default", "tags": []any{}},
			"modelVersions": []any{},
			"data": map[string]any{
				"__typename": "MlflowRunData",
				"metrics": []any{
					map[string]any{"__typename": "MlflowMetricExtension", "key": "m", "value": 0.5, "step": "1152921504606846976", "timestamp": "5"},
					map[string]any{"__typename": "MlflowMetricExtension", "key": "nan", "value": nil, "step": "0", "timestamp": "6"},
				},
				"params": []any{map[string]any{"__typename": "MlflowParam", "key": "p", "value": "1"}}, "tags": []any{map[string]any{"key": "mlflow.runName", "value": "n"}},
			},
			"inputs": map[string]any{"datasetInputs": []any{}, "modelInputs": []any{}}, "outputs": map[string]any{"modelOutputs": []any{}},
		},
	}
	if run := at(got, "data", "mlflowGetRun"); !reflect.DeepEqual(run, want) || got["errors"] != nil {
		t.Errorf("got\n%v\nwant\n%v", run, want)
	}

	got = a.graphQL(`{ e: mlflowGetExperiment(input: {experimentId: "0"}) { experiment { n: name } } none: mlflowGetExperiment(input: {experimentId: "7"}) { apiError { code message } experiment { name } } what }`, nil)
	if at(got, "data", "e", "experiment", "n") != "Default" || at(got, "data", "none", "apiError", "code") != "RESOURCE_DOES_NOT_EXIST" || at(got, "data", "none", "experiment") != nil {
		t.Errorf("experiments: %v", got)
	}
	got = a.graphQL(`mutation S($data: X) { mlflowSearchRuns(input: $data) { apiError { message } runs { info { runId } } nextPageToken } }`, map[string]any{"data": map[string]any{"experimentIds": []string{"0"}, "filter": `params.p = "1"`, "runViewType": "ALL", "maxResults": 5}})
	if at(got, "data", "mlflowSearchRuns", "runs", 0, "info", "runId") != id {
		t.Errorf("search: %v", got)
	}
	got = a.graphQL(`query H($data: X) { mlflowGetMetricHistoryBulkInterval(input: $data) { metrics { runId key value step timestamp } } }`, map[string]any{"data": map[string]any{"runIds": []string{id}, "metricKey": "m", "maxResults": 320}})
	if at(got, "data", "mlflowGetMetricHistoryBulkInterval", "metrics", 0, "step") != "1152921504606846976" {
		t.Errorf("histories: %v", got)
	}
}

// TestOtherGraphQL has the fields that MLflow's page does not ask for, and its tests do.
func TestOtherGraphQL(t *testing.T) {
	a := serve(t)
	id := a.run()
	for _, file := range []string{"d/f", "d/e/g"} {
		if err := a.store.WriteArtifact(t.Context(), id, file, strings.NewReader("hello")); err != nil {
			t.Fatal(err)
		}
	}
	a.post("runs/log-inputs", fmt.Sprintf(`{"run_id":%q,"datasets":[{"tags":[{"key":"mlflow.data.context","value":"train"}],"dataset":{"name":"n","digest":"x","source_type":"local","source":"s"}}]}`, id))
	got := a.graphQL(`query testQuery($id: String) {
		test(inputString: "abc") { output }
		mlflowListArtifacts(input: {runId: $id, path: "d"}) { rootUri files { path isDir fileSize } }
		mlflowSearchDatasets(input: {experimentIds: ["0"]}) { datasetSummaries { name digest context } }
		mlflowSearchModelVersions(input: {filter: "x"}) { modelVersions { name } }
	}`, map[string]any{"id": id})
	want := map[string]any{
		"test":                      map[string]any{"output": "abc"},
		"mlflowListArtifacts":       map[string]any{"rootUri": "mlflow-artifacts:/0/" + id + "/artifacts", "files": []any{map[string]any{"path": "d/e", "isDir": true, "fileSize": "0"}, map[string]any{"path": "d/f", "isDir": false, "fileSize": "5"}}},
		"mlflowSearchDatasets":      map[string]any{"datasetSummaries": []any{map[string]any{"name": "n", "digest": "x", "context": "train"}}},
		"mlflowSearchModelVersions": map[string]any{"modelVersions": []any{}},
	}
	if !reflect.DeepEqual(got["data"], want) {
		t.Errorf("got\n%v\nwant\n%v", got["data"], want)
	}
}

// TestGraphQLLimits are those of MLflow's server, in its words, and answered with 200 as it does.
func TestGraphQLLimits(t *testing.T) {
	a := serve(t)
	inner := "name"
	for range 12 {
		inner = "name { " + inner + " }"
	}
	experiment := `{ mlflowGetExperiment(input: {experimentId: "0"}) `
	for query, want := range map[string]string{
		"{" + strings.Repeat(`k: test(inputString: "a") { output } `, 11) + "}":   "GraphQL queries should have at most 10 root fields, got 11",
		experiment + "{" + strings.Repeat("e: experiment { name } ", 11) + "} }":  "GraphQL queries should have at most 10 aliases, got 11",
		experiment + "{ experiment {" + inner + "} } }":                           "Query exceeds maximum depth of 10",
		experiment + "{ experiment {" + strings.Repeat("f { g } ", 501) + "} } }": "Query exceeds maximum total selections of 1000",
	} {
		got := a.graphQL(query, nil)
		if text, _ := at(got, "errors", 0).(string); !strings.HasPrefix(text, want) || got["data"] != nil {
			t.Errorf("%.80s is answered %v, want %q", query, got, want)
		}
	}
	got := a.graphQL(experiment+"{"+strings.Repeat("e: experiment { name } ", 10)+"} }", nil)
	if at(got, "data", "mlflowGetExperiment", "e", "name") != "Default" || got["errors"] != nil {
		t.Errorf("ten aliases are answered %v", got)
	}
}

// TestHostileQueries are refused, quickly. One that is understood is answered as MLflow does.
func TestHostileQueries(t *testing.T) {
	a := serve(t)
	bomb := "{ ...a } "
	for c := 'a'; c < 'z'; c++ {
		bomb += fmt.Sprintf("fragment %c on X { %s } ", c, strings.Repeat(fmt.Sprintf("...%c ", c+1), 10))
	}
	for name, query := range map[string]string{
		"empty braces open": "{", "no braces": "query", "deep": strings.Repeat("{a", 5000), "deep value": "{a(x:" + strings.Repeat("[", 5000), "long": "{" + strings.Repeat("a ", 40000) + "}", "cycle": "{...a} fragment a on X {...a}",
		"bomb": bomb, "many aliases": "{" + strings.Repeat("a: mlflowGetRun ", 100) + "}", "bad name": "{ 3$ }", "open string": `{a(x:"`, "bad string": `{a(x:"\q")}`, "bad argument": "{a(:)}",
	} {
		body, err := json.Marshal(map[string]string{"query": query})
		if err != nil {
			t.Fatal(err)
		}
		if got := a.send("POST", "/graphql", string(body)); got.status != 400 && got.status != 200 || !strings.Contains(got.body, `{"data":null,"errors":["`) {
			t.Errorf("%s is answered %d %.200s", name, got.status, got.body)
		}
	}
	if got := a.send("POST", "/graphql", "no JSON"); got.status != 400 {
		t.Errorf("no JSON is answered %d %s", got.status, got.body)
	}
}
