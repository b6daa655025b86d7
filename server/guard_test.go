package server_test

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"

	"github.com/mlruns/mlruns/server"
)

// guardedPaths are one request of every kind: the guard stands before all of them.
var guardedPaths = [][2]string{
	{"GET", "/"}, {"GET", "/health"}, {"GET", "/version"}, {"GET", "/static-files/x.js"}, {"GET", "/get-artifact?run_id=a&path=b"}, {"POST", "/graphql"}, {"GET", "/none"}, {"POST", "/v1/traces"},
	{"GET", "/api/2.0/mlflow/experiments/search?max_results=1"}, {"POST", "/ajax-api/2.0/mlflow/experiments/create"}, {"POST", "/api/3.0/mlflow/traces"},
	{"PUT", "/api/2.0/mlflow-artifacts/artifacts/0/a/artifacts/b"}, {"DELETE", "/api/2.0/mlflow-artifacts/artifacts/0/a/artifacts/b"}, {"POST", "/ajax-api/2.0/mlflow/upload-artifact"}, {"POST", "/api/2.0/mlflow-artifacts/mpu/create"},
	{"PATCH", "/api/2.0/mlflow/registered-models/update"}, {"OPTIONS", "/api/2.0/mlflow/experiments/create"}, {"GET", "//api/2.0/mlflow/experiments/get"},
}

// TestHosts is about who is asked for. A page whose own name was made to lead to this machine asks
// by that name (CVE-2025-14279); MLflow compares texts, and lets 10.evil.example in.
func TestHosts(t *testing.T) {
	a := serve(t, server.WithHosts("ML.example.com", "box:5000"))
	for host, want := range map[string]bool{
		"localhost": true, "LOCALHOST:1": true, "localhost.": true, "127.0.0.1": true, "127.0.0.1:5000": true, "127.8.9.1": true, "[::1]": true, "[::1]:5000": true, "[::ffff:127.0.0.1]:5000": true, "ml.example.com": true, "ml.example.com:8443": true, "box": true,
		"evil.example": false, "10.evil.example": false, "192.168.1.5.evil.example": false, "localhost.evil.example": false, "evil.example:127": false, "127.0.0.1.evil.example": false, "10.0.0.1": false, "192.168.1.5": false, "0.0.0.0": false,
		"127.1": false, "2130706433": false, "0x7f000001": false, "::1": true, "sub.ml.example.com": false, "ml.example.com.evil": false, "localhost@evil.example": false, "[fe80::1]": false, "[]": false, ".": false, ":5000": false,
	} {
		for _, p := range guardedPaths {
			got := a.send(p[0], p[1], "", "Host", host)
			if refused := got.status == 403 && strings.Contains(got.body, "not to be asked as") || got.status == 400 && strings.Contains(got.body, "Host"); refused == want && p[0] != "OPTIONS" {
				t.Errorf("%s %s as %q is answered %d %s", p[0], p[1], host, got.status, got.body)
			}
			if !want {
				break // one kind is enough for the others of the table; the next test asks for all
			}
		}
	}
	for _, p := range guardedPaths {
		if got := a.send(p[0], p[1], "", "Host", "evil.example"); got.status != 403 {
			t.Errorf("%s %s as evil.example is answered %d %s", p[0], p[1], got.status, got.body)
		}
	}
}

// TestOrigins is about pages of others that the user's browser shows.
func TestOrigins(t *testing.T) {
	a := serve(t, server.WithOrigins("https://ml.example.com/"), server.WithHosts("mlruns.lan"))
	host := strings.TrimPrefix(a.http.URL, "http://")
	refused := func(r reply) bool {
		return r.status == 403 && strings.Contains(r.body, "another origin") && r.header.Get("Access-Control-Allow-Origin") == ""
	}
	for _, p := range guardedPaths {
		for _, origin := range []string{"https://evil.example", "null", "http://localhost:1", "http://" + host + ".evil.example", "file://", "", "http://" + host + "@evil.example", "https://ml.example.com:444"} {
			if got := a.send(p[0], p[1], "", "Origin", origin); !refused(got) {
				t.Errorf("%s %s from a page of %q is answered %d %s", p[0], p[1], origin, got.status, got.body)
			}
		}
		got := a.send(p[0], p[1], "", "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "no-cors")
		if !refused(got) {
			t.Errorf("%s %s, which another site asks for, is answered %d %s", p[0], p[1], got.status, got.body)
		}
		if got := a.send(p[0], p[1], "", "Origin", "http://"+host); refused(got) {
			t.Errorf("%s %s from the page itself is answered %d %s", p[0], p[1], got.status, got.body)
		}
	}
	if got := a.send("GET", "/", "", "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate"); got.status != 200 {
		t.Errorf("a link to the page is answered %d", got.status)
	}
	for origin, want := range map[string]bool{"http://mlruns.lan": true, "https://mlruns.lan": false, "http://mlruns.lan:80": true, "http://mlruns.lan:81": false} {
		if got := a.send("GET", "/health", "", "Host", "mlruns.lan:80", "Origin", origin); refused(got) == want {
			t.Errorf("%s at mlruns.lan:80 is answered %d", origin, got.status)
		}
	}
	if got := a.send("GET", "/health", "", "Host", "mlruns.lan", "Origin", "https://mlruns.lan"); got.status != 200 {
		t.Errorf("behind a proxy that has no port in its Host: %d", got.status)
	}
	const create = "/api/2.0/mlflow/experiments/create"
	got := a.send("OPTIONS", create, "", "Origin", "https://ml.example.com", "Access-Control-Request-Method", "POST")
	if got.status != 204 || got.header.Get("Access-Control-Allow-Origin") != "https://ml.example.com" || got.header.Get("Access-Control-Allow-Credentials") != "true" {
		t.Errorf("an allowed page asks first: %+v", got)
	}
	if got := a.send("POST", create, `{"name":"x"}`, "Origin", "https://ml.example.com", "Sec-Fetch-Site", "cross-site"); got.status != 200 || got.header.Get("Access-Control-Allow-Origin") == "" {
		t.Errorf("an allowed page: %+v", got)
	}
}

// TestSimpleForms sends what a form of another page can send without being asked for leave, from a
// browser that tells nothing of it: no call takes it.
func TestSimpleForms(t *testing.T) {
	a := serve(t)
	for _, kind := range []string{"application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain"} {
		for _, call := range []string{"/api/2.0/mlflow/experiments/create", "/graphql", "/ajax-api/2.0/mlflow/runs/create"} {
			if got := a.send("POST", call, `{"name":"x","query":"{mlflowGetRun{apiError}}"}`, "Content-Type", kind); got.status != 400 {
				t.Errorf("%s as %s is answered %d %s", call, kind, got.status, got.body)
			}
		}
	}
}

func TestToken(t *testing.T) {
	a := serve(t, server.WithToken("T0ken"))
	basic := func(user, password string) string {
		return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
	}
	for _, p := range guardedPaths {
		got := a.send(p[0], p[1], "")
		if open := p[1] == "/health" || p[1] == "/version"; !open && p[0] != "OPTIONS" && (got.status != 401 || !strings.HasPrefix(got.header.Get("Www-Authenticate"), "Basic ")) {
			t.Errorf("%s %s without a token is answered %d %s", p[0], p[1], got.status, got.body)
		} else if open && got.status != 200 {
			t.Errorf("%s without a token is answered %d", p[1], got.status)
		}
	}
	for header, want := range map[string]int{
		"Bearer T0ken": 200, "bearer  T0ken": 200, basic("", "T0ken"): 200, basic("anyone", "T0ken"): 200,
		"Bearer t0ken": 401, "Bearer T0ken2": 401, "Bearer": 401, "Bearer ": 401, "T0ken": 401, basic("T0ken", ""): 401, "Basic T0ken": 401, "": 401, "Digest T0ken": 401,
	} {
		if got := a.send("GET", "/api/2.0/mlflow/experiments/get?experiment_id=0", "", "Authorization", header); got.status != want {
			t.Errorf("%q is answered %d, want %d", header, got.status, want)
		}
	}
	// a path that only looks like one that is open
	for _, path := range []string{"/health/../api/2.0/mlflow/experiments/search", "/health/", "/HEALTH"} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, a.http.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.URL.Opaque = path
		if got := a.do(r); got.status != 401 {
			t.Errorf("%s is answered %d", path, got.status)
		}
	}
}

// TestHeaders are on every answer.
func TestHeaders(t *testing.T) {
	a := serve(t)
	for _, p := range guardedPaths {
		got := a.send(p[0], p[1], "")
		if got.header.Get("X-Content-Type-Options") != "nosniff" || got.header.Get("X-Frame-Options") != "SAMEORIGIN" || got.header.Get("Referrer-Policy") != "no-referrer" || got.header.Get("Access-Control-Allow-Origin") != "" || got.status >= 300 && got.status < 400 || got.status == 500 {
			t.Errorf("%s %s: %d %v", p[0], p[1], got.status, got.header)
		}
	}
}
