package server

import (
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/mlruns/mlruns"
)

// route is a call of the interface. Its path stands after /api/2.0/ and the like. What stands in
// the place of {} the call gets as rest, and so what follows a path that ends in a slash.
type route struct {
	method, path string
	do           action
}

// routes are the calls of MLflow's interface that a store can answer.
var routes = []route{
	{"POST", "mlflow/experiments/create", (*server).createExperiment},
	{"GET", "mlflow/experiments/get", (*server).getExperiment},
	{"GET", "mlflow/experiments/get-by-name", (*server).getExperimentByName},
	{"POST", "mlflow/experiments/search", (*server).searchExperiments},
	{"GET", "mlflow/experiments/search", (*server).searchExperiments},
	{"GET", "mlflow/experiments/list", (*server).searchExperiments}, // MLflow < 2
	{"POST", "mlflow/experiments/update", (*server).updateExperiment},
	{"POST", "mlflow/experiments/delete", (*server).deleteExperiment},
	{"POST", "mlflow/experiments/restore", (*server).restoreExperiment},
	{"POST", "mlflow/experiments/set-experiment-tag", (*server).setExperimentTag},
	{"POST", "mlflow/experiments/delete-experiment-tag", (*server).deleteExperimentTag},
	{"POST", "mlflow/experiments/search-datasets", (*server).searchDatasets},

	{"POST", "mlflow/runs/create", (*server).createRun},
	{"GET", "mlflow/runs/get", (*server).getRun},
	{"POST", "mlflow/runs/update", (*server).updateRun},
	{"POST", "mlflow/runs/delete", (*server).deleteRun},
	{"POST", "mlflow/runs/restore", (*server).restoreRun},
	{"POST", "mlflow/runs/search", (*server).searchRuns},
	{"POST", "mlflow/runs/log-metric", (*server).logMetric},
	{"POST", "mlflow/runs/log-parameter", (*server).logParam},
	{"POST", "mlflow/runs/set-tag", (*server).setTag},
	{"POST", "mlflow/runs/delete-tag", (*server).deleteTag},
	{"POST", "mlflow/runs/log-batch", (*server).logBatch},
	{"POST", "mlflow/runs/log-inputs", (*server).logInputs},
	{"POST", "mlflow/runs/outputs", (*server).logOutputs},
	{"POST", "mlflow/runs/log-model", (*server).logModel},
	{"POST", "mlflow/runs/create-promptlab-run", (*server).createPromptlabRun},

	{"GET", "mlflow/metrics/get-history", (*server).getHistory},
	{"GET", "mlflow/metrics/get-history-bulk", (*server).getHistories},
	{"GET", "mlflow/metrics/get-history-bulk-interval", (*server).getSampledHistories},

	{"GET", "mlflow/artifacts/list", (*server).listArtifacts},
	{"GET", "mlflow-artifacts/artifacts", (*server).listProxied},
	{"DELETE", "mlflow-artifacts/artifacts/", (*server).deleteProxied},

	{"POST", "mlflow/logged-models", (*server).createModel},
	{"POST", "mlflow/logged-models/search", (*server).searchModels},
	{"GET", "mlflow/logged-models/{}", (*server).getModel},
	{"PATCH", "mlflow/logged-models/{}", (*server).finalizeModel},
	{"DELETE", "mlflow/logged-models/{}", (*server).deleteModel},
	{"PATCH", "mlflow/logged-models/{}/tags", (*server).setModelTags},
	{"DELETE", "mlflow/logged-models/{}/tags/{}", (*server).deleteModelTag},
	{"POST", "mlflow/logged-models/{}/params", (*server).logModelParams},
	{"GET", "mlflow/logged-models/{}/artifacts/directories", (*server).listModelArtifacts},

	{"POST", "mlflow/traces", (*server).startTrace},
	{"POST", "mlflow/traces/search", (*server).searchTraces},
	{"POST", "mlflow/traces/delete-traces", (*server).deleteTraces},
	{"GET", "mlflow/traces", (*server).searchTracesV2},
	{"GET", "mlflow/traces/get", (*server).noSuchTraceCall},
	{"GET", "mlflow/traces/{}", (*server).getTrace},
	{"PATCH", "mlflow/traces/{}", (*server).endTrace},
	{"GET", "mlflow/traces/{}/info", (*server).getTraceV2},
	{"POST", "mlflow/traces/{}/assessments", (*server).createAssessment},
	{"GET", "mlflow/traces/{}/assessments/{}", (*server).getAssessment},
	{"PATCH", "mlflow/traces/{}/assessments/{}", (*server).updateAssessment},
	{"DELETE", "mlflow/traces/{}/assessments/{}", (*server).deleteAssessment},
	{"PATCH", "mlflow/traces/{}/tags", (*server).setTraceTag},
	{"DELETE", "mlflow/traces/{}/tags", (*server).deleteTraceTag},

	{"GET", "mlflow/server-info", (*server).serverInfo},
	{"GET", "mlflow/ui-telemetry", (*server).uiTelemetry},
	{"GET", "mlflow/gateway-proxy", (*server).listGateway},
	{"POST", "mlflow/gateway-proxy", (*server).askGateway},
}

// raw are the requests that are not answered with JSON, or whose body is none. Paths after the
// prefix of the interface stand without it, others with their slash.
var raw = []struct {
	method, path string
	do           func(*server, http.ResponseWriter, *http.Request, string)
}{
	{"GET", "mlflow-artifacts/artifacts/", (*server).getProxied},
	{"PUT", "mlflow-artifacts/artifacts/", (*server).putProxied},
	{"POST", "mlflow/upload-artifact", (*server).uploadArtifact},
	{"GET", "mlflow/get-artifact", (*server).getArtifact},
	{"GET", "mlflow/logged-models/{}/artifacts/files", (*server).getModelFile},
	{"GET", "mlflow/get-trace-artifact", (*server).getTraceArtifact},
	{"GET", "/get-artifact", (*server).getArtifact},
	{"GET", "/model-versions/get-artifact", (*server).getVersionArtifact},
	{"POST", "/graphql", (*server).graphQL},
	{"GET", "/health", (*server).health},
	{"GET", "/version", (*server).version},
	{"GET", "/metrics", (*server).showMetrics},
	{"GET", "/static-files/", (*server).pageFile},
	{"GET", "/", (*server).pageIndex},
}

// handling answers a request; rest is what its path has after the route's.
type handling func(s *server, w http.ResponseWriter, r *http.Request, rest string)

// routeTable finds what a path and a method ask for.
type routeTable struct {
	whole map[string]map[string]handling
	// begins are the paths that end in a slash, patterns those with {}.
	begins, patterns []string
}

func newRouteTable() *routeTable {
	t := &routeTable{whole: map[string]map[string]handling{}}
	for _, r := range routes {
		t.add(r.method, r.path, func(s *server, w http.ResponseWriter, request *http.Request, rest string) {
			s.call(w, request, r.do, rest)
		})
	}
	for _, r := range raw {
		t.add(r.method, r.path, r.do)
	}
	return t
}

func (t *routeTable) add(method, path string, do handling) {
	if t.whole[path] == nil {
		t.whole[path] = map[string]handling{}
		switch {
		case strings.Contains(path, "{}"):
			t.patterns = append(t.patterns, path)
		case strings.HasSuffix(path, "/") && path != "/":
			t.begins = append(t.begins, path)
		}
	}
	t.whole[path][method] = do
}

// find gives the route that a path asks for, the ways to ask for it, by method, and what the path
// has after the route's.
func (t *routeTable) find(path string) (route string, methods map[string]handling, rest string) {
	if methods := t.whole[path]; methods != nil {
		return path, methods, ""
	}
	for _, pattern := range t.patterns {
		if rest, ok := match(pattern, path); ok {
			return pattern, t.whole[pattern], rest
		}
	}
	for _, begin := range t.begins {
		if rest, ok := strings.CutPrefix(path, begin); ok {
			return begin, t.whole[begin], rest
		}
	}
	return "", nil, ""
}

// match gives what stands in a path in the places of {}, joined by slashes. The last of them, at
// the end of a pattern with two, takes all that is left: it is a key, which may have slashes.
func match(pattern, path string) (rest string, ok bool) {
	wanted := strings.Split(pattern, "/")
	given := strings.Split(path, "/")
	if strings.Count(pattern, "{}") == 2 && len(given) > len(wanted) {
		given = strings.SplitN(path, "/", len(wanted))
	}
	if len(given) != len(wanted) {
		return "", false
	}
	var found []string
	for i, part := range wanted {
		switch {
		case part == "{}" && given[i] != "":
			found = append(found, given[i])
		case part != given[i]:
			return "", false
		}
	}
	return strings.Join(found, "/"), true
}

// prefixes are those under which every call can be asked for: clients use the first, the page the
// second.
var prefixes = []string{"/api/", "/ajax-api/"}

// versions are those of the interface. They name the same calls.
var versions = []string{"2.0/", "3.0/"}

// callPath cuts the prefix from the path of a call, and "preview/", where MLflow 1 had its calls.
// Slashes that are doubled, which clients make of a tracking URI that ends in one, count once.
func callPath(path string) (call string, ok bool) {
	for _, prefix := range prefixes {
		for _, version := range versions {
			if rest, ok := strings.CutPrefix(path, prefix+version); ok {
				return strings.TrimPrefix(rest, "preview/"), true
			}
		}
	}
	return path, false
}

// dispatch answers a request.
func (s *server) dispatch(w http.ResponseWriter, r *http.Request) {
	if workspace := r.Header.Get("X-Mlflow-Workspace"); workspace != "" && workspace != "default" {
		s.refuse(w, r, &refusal{http.StatusNotImplemented, mlruns.CodeFeatureDisabled, "This server does not offer workspaces"})
		return
	}
	path := singleSlashes(r.URL.Path)
	name, isCall := callPath(path)
	route, methods, rest := s.routes.find(name)
	if out, ok := w.(*response); ok {
		out.route = route
	}
	if isCall && methods == nil {
		s.notOffered(w, r, name)
		return
	}
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	switch do := methods[method]; {
	case methods == nil:
		s.noEndpoint(w, r, path)
	case do == nil:
		w.Header().Set("Allow", strings.Join(slices.Sorted(maps.Keys(methods)), ", "))
		s.refuse(w, r, &refusal{http.StatusMethodNotAllowed, codeNoEndpoint, "The method " + method + " is not allowed for " + path})
	default:
		do(s, w, r, rest)
	}
}

func (s *server) noEndpoint(w http.ResponseWriter, r *http.Request, path string) {
	s.refuse(w, r, &refusal{http.StatusNotFound, codeNoEndpoint, "There is no " + path + " here"})
}

// singleSlashes makes one slash of several, but for those in the path of an artifact, which is
// judged as it stands.
func singleSlashes(path string) string {
	for strings.HasPrefix(path, "//") {
		path = path[1:]
	}
	at := strings.Index(path, artifactsPath)
	if at < 0 {
		at = len(path)
	}
	head := path[:at]
	for strings.Contains(head, "//") {
		head = strings.ReplaceAll(head, "//", "/")
	}
	return head + path[at:]
}
