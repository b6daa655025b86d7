package remote_test

import (
	"encoding/pem"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/remote"
)

// clean takes MLflow's variables and the user's file of credentials away.
func clean(t *testing.T, env map[string]string) {
	t.Helper()
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("USERPROFILE", home)
	for _, pair := range os.Environ() {
		if name, _, _ := strings.Cut(pair, "="); strings.HasPrefix(name, "MLFLOW_") {
			t.Setenv(name, "")
		}
	}
	for name, value := range env {
		t.Setenv(name, value)
	}
}

// TestCredentials are those that MLflow's client takes, and are told to nobody.
func TestCredentials(t *testing.T) {
	var got string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r.Header.Get("Authorization") + " " + r.Header.Get("X-Mlflow-Workspace")
		w.WriteHeader(http.StatusForbidden)
	}))
	defer s.Close()
	withUser := strings.Replace(s.URL, "://", "://uri:secret@", 1)
	const file = "[other]\nmlflow_tracking_username = no\n[mlflow]\nmlflow_tracking_username = file\nmlflow_tracking_password = p=q\n"
	for _, c := range []struct {
		name, uri, file, want string
		env                   map[string]string
		opts                  []remote.Option
	}{
		{name: "none", uri: s.URL, want: " "},
		{name: "token", uri: s.URL, want: "Bearer t ", env: map[string]string{"MLFLOW_TRACKING_TOKEN": "t"}},
		{name: "token from a file", uri: s.URL, want: "Bearer t ", env: map[string]string{"MLFLOW_TRACKING_TOKEN": " t\r\n"}},
		{name: "user before token", uri: s.URL, want: "Basic dTpw ", env: map[string]string{"MLFLOW_TRACKING_TOKEN": "t", "MLFLOW_TRACKING_USERNAME": "u", "MLFLOW_TRACKING_PASSWORD": "p"}},
		{name: "file", uri: s.URL, file: file, want: "Basic ZmlsZTpwPXE= "},
		{name: "URI", uri: withUser, want: "Basic dXJpOnNlY3JldA== ", env: map[string]string{"MLFLOW_TRACKING_TOKEN": "t"}},
		{name: "option", uri: withUser, want: "Bearer o ", opts: []remote.Option{remote.WithToken("o")}},
		{name: "user option", uri: s.URL, want: "Basic dTpw ", opts: []remote.Option{remote.WithBasicAuth("u", "p")}},
		{name: "workspace", uri: s.URL, want: " team", env: map[string]string{"MLFLOW_WORKSPACE": "team"}},
	} {
		clean(t, c.env)
		if c.file != "" {
			dir := filepath.Join(os.Getenv("HOME"), ".mlflow")
			if err := errors.Join(os.Mkdir(dir, 0o700), os.WriteFile(filepath.Join(dir, "credentials"), []byte(c.file), 0o600)); err != nil {
				t.Fatal(err)
			}
		}
		store := open(t, c.uri, c.opts...)
		_, err := store.Run(t.Context(), "r")
		if got != c.want {
			t.Errorf("%s: the header is %q, want %q", c.name, got, c.want)
		}
		if text := store.URI() + err.Error(); strings.Contains(text, "secret") || strings.Contains(text, "Basic") || !strings.Contains(text, s.URL) {
			t.Errorf("%s: %s", c.name, text)
		}
	}
}

func TestTLS(t *testing.T) {
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"run":{"info":{"run_id":"r","status":"RUNNING"}}}`))
	}))
	defer s.Close()
	s.Config.ErrorLog = nil
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		env map[string]string
		ok  bool
	}{
		{nil, false},
		{map[string]string{"MLFLOW_TRACKING_SERVER_CERT_PATH": ca}, true},
		{map[string]string{"MLFLOW_TRACKING_INSECURE_TLS": "true"}, true},
		{map[string]string{"MLFLOW_TRACKING_INSECURE_TLS": "false"}, false},
	} {
		clean(t, c.env)
		if _, err := open(t, s.URL).Run(t.Context(), "r"); (err == nil) != c.ok {
			t.Errorf("%v: %v", c.env, err)
		} else if !c.ok && (!errors.Is(err, mlruns.ErrBusy) || !strings.Contains(err.Error(), "certificate")) {
			t.Errorf("%v: %v", c.env, err)
		}
	}
}

// TestOpenRefuses names what cannot be meant, without what is secret in it.
func TestOpenRefuses(t *testing.T) {
	for _, c := range []struct {
		uri, text string
		env       map[string]string
		kind      error
	}{
		{uri: "/a/mlruns", text: "'/a/mlruns'"}, {uri: "sqlite:///x", text: "'sqlite:///x'"}, {uri: "http://", text: "no host"}, {uri: "http://h?x=1", text: "query"},
		{uri: "http://u:secret@h:port/", text: "understood"}, {uri: "ftp://u:secret@h", text: "xxxxx"},
		{uri: "http://h", env: map[string]string{"MLFLOW_HTTP_REQUEST_TIMEOUT": "-1"}, text: "MLFLOW_HTTP_REQUEST_TIMEOUT"},
		{uri: "http://h", env: map[string]string{"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "many"}, text: "'many'"},
		{uri: "http://h", env: map[string]string{"MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "NaN"}, text: "'NaN'"},
		{uri: "http://h", env: map[string]string{"MLFLOW_TRACKING_INSECURE_TLS": "1", "MLFLOW_TRACKING_SERVER_CERT_PATH": "x"}, text: "both"},
		{uri: "http://h", env: map[string]string{"MLFLOW_TRACKING_SERVER_CERT_PATH": "environment_test.go"}, text: "PEM"},
		{uri: "http://h", env: map[string]string{"MLFLOW_TRACKING_TOKEN": "secret\nX-Other: 1"}, text: "MLFLOW_TRACKING_TOKEN or WithToken, has a control character"},
		{uri: "http://h", env: map[string]string{"MLFLOW_WORKSPACE": "a\r\nb"}, text: "MLFLOW_WORKSPACE has a control character"},
		{uri: "http://h", env: map[string]string{"MLFLOW_TRACKING_AWS_SIGV4": "true"}, text: "WithTransport", kind: mlruns.ErrUnsupported},
	} {
		clean(t, c.env)
		kind := c.kind
		if kind == nil {
			kind = mlruns.ErrInvalid
		}
		_, err := remote.Open(t.Context(), c.uri)
		if !errors.Is(err, kind) || !strings.Contains(err.Error(), c.text) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s %v: got %v", c.uri, c.env, err)
		}
	}
	clean(t, nil)
	s := open(t, "HTTP://User:p@Host:5000/mlflow//")
	if s.URI() != "http://Host:5000/mlflow" {
		t.Errorf("the URI is %s", s.URI())
	}
}
