package server

import (
	"net/http"
	"strings"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/internal/failure"
)

// The page asks for the endpoints of a gateway, and waits for the answer. There is none here: no
// request is passed on to anybody.

// gatewayEndpoints is what is there.
type gatewayEndpoints struct {
	Endpoints []string `json:"endpoints"`
}

func (s *server) listGateway(c *call) (any, error) {
	path := c.Text("gateway_path")
	if err := c.Err(); err != nil {
		return nil, err
	}
	if path != "" && strings.Trim(path, "/") != "api/2.0/endpoints" {
		return nil, failure.Invalid("Invalid gateway_path: " + path + " for method: GET")
	}
	return gatewayEndpoints{[]string{}}, nil
}

func (s *server) askGateway(c *call) (any, error) {
	path := c.Text("gateway_path")
	if err := c.Err(); err != nil {
		return nil, err
	}
	parts := strings.Split(strings.Trim(path, "/"), "/")
	switch {
	case path == "":
		return nil, failure.Invalid("Deployments proxy request must specify a gateway_path.")
	case len(parts) != 3 || parts[0] != "gateway" || parts[2] != "invocations":
		return nil, failure.Invalid("Invalid gateway_path: " + path + " for method: POST")
	}
	return nil, &refusal{http.StatusNotImplemented, mlruns.CodeFeatureDisabled, "This server does not offer the gateway"}
}
