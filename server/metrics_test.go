package server_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/mlruns/mlruns/server"
)

// TestMetrics counts requests by route, method and status, whatever paths are asked for.
func TestMetrics(t *testing.T) {
	a := serve(t, server.WithMetrics(func() int { return 7 }))
	id := a.run()
	for range 2 {
		a.get("runs/get?run_id=" + id)
	}
	a.send("GET", "/ajax-api/2.0/mlflow/runs/get?run_id=none", "")
	a.send("GET", "/api/2.0/mlflow-artifacts/artifacts/0/"+id+"/artifacts/none", "")
	a.send("GET", "/made-up/"+id, "")
	a.send("MADEUP", "/made-up", "")
	a.send("GET", "/api/2.0/mlflow/webhooks/x", "")
	a.send("GET", "/health", "", "Host", "evil.example")
	got := a.send("GET", "/metrics", "")
	if got.status != http.StatusOK || got.header.Get("Content-Type") != "text/plain; version=0.0.4; charset=utf-8" {
		t.Fatalf("got %d %v", got.status, got.header)
	}
	for _, want := range []string{
		`mlruns_http_requests_total{endpoint="mlflow/runs/get",method="GET",code="200"} 2`, `mlruns_http_requests_total{endpoint="mlflow/runs/get",method="GET",code="404"} 1`,
		`mlruns_http_requests_total{endpoint="mlflow-artifacts/artifacts/",method="GET",code="404"} 1`, `mlruns_http_requests_total{endpoint="other",method="GET",code="404"} 1`,
		`mlruns_http_requests_total{endpoint="other",method="other",code="404"} 1`, `mlruns_http_requests_total{endpoint="other",method="GET",code="501"} 1`, `mlruns_http_requests_total{endpoint="other",method="GET",code="403"} 1`,
		`mlruns_http_request_duration_seconds_bucket{endpoint="mlflow/runs/get",le="+Inf"} 3`, `mlruns_http_request_duration_seconds_count{endpoint="mlflow/runs/get"} 3`,
		`mlruns_http_requests_in_flight 1`, `mlruns_http_connections 7`, `# TYPE mlruns_http_request_duration_seconds histogram`,
	} {
		if !strings.Contains(got.body, want+"\n") {
			t.Errorf("%s is missing in\n%s", want, got.body)
		}
	}
	if strings.Contains(got.body, id) || strings.Contains(got.body, "made-up") {
		t.Errorf("what somebody asked for is a label:\n%s", got.body)
	}
	form := regexp.MustCompile(`^(# (HELP|TYPE) [a-z_]+ .+|[a-z_]+(\{([a-z]+="[^"]*",?)+\})? [0-9.e+-]+)$`)
	for line := range strings.Lines(got.body) {
		if !form.MatchString(strings.TrimSuffix(line, "\n")) {
			t.Errorf("%q is not of Prometheus's form", line)
		}
	}
	if got := a.send("GET", "/metrics", "", "Host", "evil.example"); got.status != http.StatusForbidden {
		t.Errorf("as a foreign host: %d", got.status)
	}
	if got := serve(t).send("GET", "/metrics", ""); got.status != http.StatusNotFound {
		t.Errorf("where nobody wants them: %d %s", got.status, got.body)
	}
	if got := serve(t, server.WithMetrics(nil), server.WithToken("secret")).send("GET", "/metrics", ""); got.status != http.StatusUnauthorized {
		t.Errorf("without the token: %d", got.status)
	}
}
