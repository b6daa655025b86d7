package server

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/internal/wire"
)

// MLflow 3's page asks for an experiment and a run with GraphQL. Its queries select fields of what
// the other calls answer.

// graphQuery is the body of a request.
type graphQuery struct {
	Query     string                     `json:"query"`
	Variables map[string]json.RawMessage `json:"variables"`
}

// graphAnswer is what is sent.
type graphAnswer struct {
	Data map[string]any `json:"data"`
	// Errors are texts, as in MLflow, and not objects.
	Errors []string `json:"errors"`
}

// object is a value of which a query selects fields. A field may be a function that is called only
// if it is asked for.
type object map[string]any

// graphFields are what can be asked for, with the type of the answer.
var graphFields = map[string]struct {
	typeName string
	do       func(*server, context.Context, *wire.Request) (object, error)
}{
	"mlflowGetExperiment":                {"MlflowGetExperimentResponse", (*server).graphExperiment},
	"mlflowGetRun":                       {"MlflowGetRunResponse", (*server).graphRun},
	"mlflowSearchRuns":                   {"MlflowSearchRunsResponse", (*server).graphRuns},
	"mlflowSearchModelVersions":          {"MlflowSearchModelVersionsResponse", (*server).graphModelVersions},
	"mlflowGetMetricHistoryBulkInterval": {"MlflowGetMetricHistoryBulkIntervalResponse", (*server).graphHistories},
	"mlflowSearchDatasets":               {"MlflowSearchDatasetsResponse", (*server).graphDatasets},
	"mlflowListArtifacts":                {"MlflowListArtifactsResponse", (*server).graphArtifacts},
	"test":                               {"Test", (*server).graphTest},
}

func (s *server) graphQL(w http.ResponseWriter, r *http.Request, _ string) {
	if err := isJSON(r); err != nil {
		s.refuse(w, r, err)
		return
	}
	var q graphQuery
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 2*maxQuery))
	if err == nil {
		err = json.Unmarshal(body, &q)
	}
	var fields []selection
	if err == nil {
		fields, err = parseQuery(q.Query, q.Variables)
	}
	if err == nil {
		err = checkCounts(fields)
	}
	if err != nil {
		status := http.StatusBadRequest
		if tooMuch := limitError(""); errors.As(err, &tooMuch) {
			status = http.StatusOK
		}
		sendJSON(w, status, graphAnswer{Errors: []string{err.Error()}})
		return
	}
	data := map[string]any{}
	for _, f := range fields {
		data[f.alias], err = s.graphField(r.Context(), f)
		if err != nil {
			s.refuse(w, r, err)
			return
		}
	}
	sendJSON(w, http.StatusOK, graphAnswer{Data: data})
}

// graphField answers one field at the root. What the store refuses is part of the answer.
func (s *server) graphField(ctx context.Context, f selection) (any, error) {
	known, ok := graphFields[f.name]
	if !ok {
		return nil, nil
	}
	text, one := f.arguments["input"]
	if !one {
		var err error
		if text, err = json.Marshal(f.arguments); err != nil {
			return nil, err
		}
	}
	input := wire.ParseBody(text)
	answer, err := known.do(s, ctx, input)
	if err == nil {
		err = input.Err()
	}
	switch {
	case errors.Is(err, context.Canceled):
		return nil, err
	case err != nil:
		answer = object{"apiError": object{"__typename": "ApiError", "code": mlruns.CodeOf(err), "message": mlruns.MessageOf(err)}}
	}
	answer["__typename"] = known.typeName
	return choose(answer, f.fields)
}

// choose gives the fields of a value that are asked for. One that it does not have is null.
func choose(v any, fields []selection) (any, error) {
	switch v := v.(type) {
	case object:
		chosen := make(map[string]any, len(fields))
		for _, f := range fields {
			inner := v[f.name]
			if later, ok := inner.(func() (object, error)); ok {
				o, err := later()
				if err != nil {
					return nil, err
				}
				inner = o
			}
			c, err := choose(inner, f.fields)
			if err != nil {
				return nil, err
			}
			chosen[f.alias] = c
		}
		return chosen, nil
	case []object:
		list := make([]any, 0, len(v))
		for _, o := range v {
			c, err := choose(o, fields)
			if err != nil {
				return nil, err
			}
			list = append(list, c)
		}
		return list, nil
	}
	return v, nil
}
