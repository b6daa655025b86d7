package server_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/mlruns/mlruns/server"
)

// serverCVEs are those of MLflow's server that are no path traversals, each with the same attack on
// ours. The traversals are in TestTraversalsInPaths and TestTraversalsInParameters.
var serverCVEs = []struct {
	id     string
	attack func(t *testing.T)
}{
	{"CVE-2025-14279", func(t *testing.T) { // DNS rebinding
		a := serve(t)
		for _, p := range guardedPaths {
			if got := a.send(p[0], p[1], "", "Host", "rebound.evil.example:5000"); got.status != http.StatusForbidden {
				t.Errorf("%s %s is answered %d %s", p[0], p[1], got.status, got.body)
			}
		}
	}},
	{"CVE-2025-1473", func(t *testing.T) { // a form of another page
		a := serve(t)
		for _, header := range [][]string{{"Origin", "https://evil.example"}, {"Origin", "null"}, {"Sec-Fetch-Site", "cross-site"}, {}} {
			for _, kind := range []string{"application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain"} {
				got := a.send("POST", "/api/2.0/mlflow/experiments/create", `{"name":"x"}`, append([]string{"Content-Type", kind}, header...)...)
				if got.status != http.StatusForbidden && got.status != http.StatusBadRequest {
					t.Errorf("%v as %s is answered %d %s", header, kind, got.status, got.body)
				}
			}
		}
	}},
	{"CVE-2026-2652", func(t *testing.T) { // routes of another framework
		refusedWithoutToken(t, [2]string{"POST", "/v1/traces"}, [2]string{"POST", "/ajax-api/3.0/jobs/search"}, [2]string{"GET", "/ajax-api/3.0/jobs/x"}, [2]string{"POST", "/graphql"}, [2]string{"GET", "/ajax-api/2.0/mlflow/gateway-proxy"}, [2]string{"GET", "/ajax-api/3.0/mlflow/assistant/config"})
	}},
	{"CVE-2026-2651", func(t *testing.T) { // uploads in parts
		refusedWithoutToken(t, [2]string{"POST", "/api/2.0/mlflow-artifacts/mpu/create/0/x"}, [2]string{"POST", "/api/2.0/mlflow-artifacts/mpu/complete/0/x"}, [2]string{"POST", "/ajax-api/2.0/mlflow-artifacts/mpu/abort/0/x"})
	}},
	{"CVE-2026-33866", func(t *testing.T) { // files of logged models
		refusedWithoutToken(t, [2]string{"GET", "/ajax-api/2.0/mlflow/logged-models/m-1/artifacts/files?artifact_file_path=MLmodel"}, [2]string{"GET", "/api/2.0/mlflow/logged-models/m-1/artifacts/directories"})
	}},
	{"CVE-2026-2614", modelVersionOfLocalFile},
	{"CVE-2023-1177", modelVersionOfLocalFile},
	{"CVE-2026-2393", func(t *testing.T) { // a webhook
		asked := make(chan string, 10)
		target := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { asked <- r.URL.Path }))
		a := serve(t)
		for _, p := range []string{"/api/2.0/mlflow/webhooks", "/api/2.0/mlflow/webhooks/x/test"} {
			if got := a.send("POST", p, `{"name":"w","url":"`+target.URL+`/hook","events":[]}`); got.status != http.StatusNotImplemented {
				t.Errorf("%s is answered %d %s", p, got.status, got.body)
			}
		}
		a.send("POST", "/api/2.0/mlflow/experiments/create", `{"name":"e","artifact_location":"`+target.URL+`/x"}`)
		target.Close()
		if len(asked) > 0 {
			t.Errorf("%s was asked", <-asked)
		}
	}},
	{"CVE-2024-27132", scriptInArtifact},
	{"CVE-2024-27133", scriptInArtifact},
}

func TestServerCVEs(t *testing.T) {
	for _, c := range serverCVEs {
		t.Run(c.id, c.attack)
	}
}

// refusedWithoutToken wants a request of each kind to be refused before anything is looked at.
func refusedWithoutToken(t *testing.T, requests ...[2]string) {
	t.Helper()
	a := serve(t, server.WithToken("T0ken"))
	for _, r := range requests {
		for _, path := range []string{r[1], "/" + r[1]} {
			if got := a.send(r[0], path, ""); got.status != http.StatusUnauthorized {
				t.Errorf("%s %s is answered %d %s", r[0], path, got.status, got.body)
			}
		}
	}
}

func modelVersionOfLocalFile(t *testing.T) {
	a := serve(t)
	for _, source := range []string{"/etc/passwd", "file:///etc", "../../etc", "models:/../x/1", "mlflow-artifacts:/../../etc"} {
		for _, call := range []string{"registered-models/create", "model-versions/create"} {
			if got := a.send("POST", "/api/2.0/mlflow/"+call, `{"name":"m","source":"`+source+`"}`); got.status != http.StatusNotImplemented {
				t.Errorf("%s of %s is answered %d %s", call, source, got.status, got.body)
			}
		}
	}
	for _, path := range []string{"passwd", "etc/passwd", "/etc/passwd"} {
		if got := a.send("GET", "/model-versions/get-artifact?name=m&version=1&path="+path, ""); got.status != http.StatusNotImplemented && got.status != http.StatusBadRequest {
			t.Errorf("its file %s is answered %d %s", path, got.status, got.body)
		}
	}
}

// scriptInArtifact has a script in each kind of file that the page shows: nothing that a browser
// opens by itself runs it, and what the page runs reaches no other host.
func scriptInArtifact(t *testing.T) {
	a := serve(t)
	id := a.run()
	for _, name := range []string{"MLmodel", "x.html", "x.svg", "x.pdf", "x.js", "x.xml", "x.xhtml", "x", "table.json"} {
		if got := a.send("PUT", proxied(id, "/"+name), "<script>1</script>", "Content-Type", "text/html"); got.status != http.StatusOK {
			t.Fatalf("%s is answered %d", name, got.status)
		}
		for _, path := range []string{proxied(id, "/"+name), "/get-artifact?run_id=" + id + "&path=" + name} {
			h := a.send("GET", path, "").header
			if !strings.HasPrefix(h.Get("Content-Disposition"), "attachment") || !strings.Contains(h.Get("Content-Security-Policy"), "sandbox; default-src 'none'") || h.Get("X-Content-Type-Options") != "nosniff" {
				t.Errorf("%s is sent with %v", path, h)
			}
		}
	}
	policy := a.send("GET", "/", "").header.Get("Content-Security-Policy")
	for _, part := range []string{"default-src 'self'", "connect-src 'self'", "object-src 'none'", "base-uri 'none'", "form-action 'self'", "frame-ancestors 'self'"} {
		if !strings.Contains(policy, part) {
			t.Errorf("the page's policy %q has no %s", policy, part)
		}
	}
}

// TestAccessLogHasNoSecrets looks for what is in queries and headers, where tokens and filters are.
func TestAccessLogHasNoSecrets(t *testing.T) {
	var log []server.Access
	a := serve(t, server.WithToken("T0ken"), server.WithAccessLog(func(r server.Access) { log = append(log, r) }))
	a.send("GET", "/api/2.0/mlflow/runs/get?run_id=s3cret", "", "Authorization", "Bearer T0ken", "Cookie", "c=s3cret")
	a.send("GET", "/api/2.0/mlflow/runs/get?token=s3cret", "", "Authorization", "Bearer s3cret")
	a.http.Close() // both are told of
	if len(log) != 2 || log[0].Status != http.StatusNotFound || log[1].Status != http.StatusUnauthorized {
		t.Fatalf("the log is %+v", log)
	}
	for _, r := range log {
		if line := r.Method + r.Path + r.Remote; strings.Contains(line, "s3cret") || strings.Contains(line, "T0ken") {
			t.Errorf("the log has %s", line)
		}
	}
}

// TestServerSecurityIsDocumented holds the second half of docs/security.md to what is tested here:
// nine rules, each with a test, and a row for each CVE that names its attack. That the tests exist
// is held by TestSecurityIsDocumented.
func TestServerSecurityIsDocumented(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "docs", "security.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, half, found := strings.Cut(string(text), "# What a stranger on the network")
	if !found {
		t.Fatal("there is no second half")
	}
	rule, named := regexp.MustCompile(`^\| ([1-9])\. .* \|[^|]*\b(Test|Fuzz)[A-Z]\w+[^|]*\|\n$`), regexp.MustCompile(`TestServerCVEs/(CVE-[0-9-]+)`)
	var rules, cves, want []string
	for line := range strings.Lines(half) {
		if found := rule.FindStringSubmatch(line); found != nil {
			rules = append(rules, found[1])
		}
		for _, found := range named.FindAllStringSubmatch(line, -1) {
			if !strings.HasPrefix(line, "|") || strings.Count(line, found[1]) != 2 {
				t.Errorf("%q names the attack of another row", line)
			}
			cves = append(cves, found[1])
		}
	}
	if !slices.Equal(rules, strings.Split("123456789", "")) {
		t.Errorf("the rules with tests are %v", rules)
	}
	for _, c := range serverCVEs {
		want = append(want, c.id)
	}
	if slices.Sort(cves); !slices.Equal(cves, slices.Sorted(slices.Values(want))) {
		t.Errorf("the rows are of %v, the attacks of %v", cves, want)
	}
}
