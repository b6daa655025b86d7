package server

import (
	"net/http"
	"slices"
	"strings"

	"github.com/mlruns/mlruns"
)

// lacking is a part of MLflow's interface that this server does not have.
type lacking struct {
	// begin is what the paths of its calls begin with.
	begin string
	// searches are the ends of calls that find nothing, since the page and the clients ask them of
	// every store.
	searches []string
	// code is that of the other calls, and what the text is about.
	code mlruns.Code
	what string
}

// registry is the part of which the store itself tells that it has none.
const registry = "the model registry"

// notOfferedTable has what is not here. The first row that fits counts; a call that fits none is
// unknown.
var notOfferedTable = []lacking{
	{"mlflow/registered-models/", []string{"search", "list"}, mlruns.CodeFeatureDisabled, registry},
	{"mlflow/model-versions/", []string{"search"}, mlruns.CodeFeatureDisabled, registry},
	{"mlflow/traces", nil, mlruns.CodeFeatureDisabled, "this call about traces"},
	{"mlflow/gateway", nil, mlruns.CodeFeatureDisabled, "the gateway"},
	{"mlflow/prompts", []string{"/search"}, mlruns.CodeFeatureDisabled, "prompts"},
	{"mlflow/datasets", []string{"/search"}, mlruns.CodeFeatureDisabled, "evaluation data sets"},
	{"mlflow/scorers", []string{"/list"}, mlruns.CodeFeatureDisabled, "scorers"},
	{"mlflow/webhooks", nil, mlruns.CodeFeatureDisabled, "webhooks"},
	{"mlflow/workspaces", nil, mlruns.CodeFeatureDisabled, "workspaces"},
	{"mlflow/jobs", nil, mlruns.CodeFeatureDisabled, "jobs"},
	{"mlflow/artifacts/presigned", nil, codeNotImplemented, "URLs to the files themselves"},
	{"mlflow-artifacts/presigned", nil, codeNotImplemented, "URLs to the files themselves"},
	{"mlflow-artifacts/mpu/", nil, codeNotImplemented, "uploads in several parts"},
}

// notOffered answers a call that the table of routes does not have.
func (s *server) notOffered(w http.ResponseWriter, r *http.Request, name string) {
	for _, part := range notOfferedTable {
		end, ok := strings.CutPrefix(name, part.begin)
		switch {
		case !ok:
		case slices.Contains(part.searches, end):
			sendJSON(w, http.StatusOK, empty{})
			return
		case part.what == registry:
			s.refuse(w, r, s.noRegistry())
			return
		default:
			s.refuse(w, r, &refusal{http.StatusNotImplemented, part.code, "This server does not offer " + part.what})
			return
		}
	}
	s.noEndpoint(w, r, r.URL.Path)
}

func (s *server) noRegistry() error {
	return &mlruns.UnsupportedRegistryError{URI: s.store.URI(), Schemes: []string{}}
}
