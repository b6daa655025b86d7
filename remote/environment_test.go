package remote_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

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
		{name: "file, by another writer", uri: s.URL, file: "; mine\n[mlflow]\nMLFLOW_TRACKING_USERNAME: file\nMLFLOW_TRACKING_PASSWORD : p=q\n", want: "Basic ZmlsZTpwPXE= "},
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
		{map[string]string{"MLFLOW_TRACKING_INSECURE_TLS": "1"}, true},
		{map[string]string{"MLFLOW_TRACKING_INSECURE_TLS": "False"}, false},
	} {
		clean(t, c.env)
		if _, err := open(t, s.URL).Run(t.Context(), "r"); (err == nil) != c.ok {
			t.Errorf("%v: %v", c.env, err)
		} else if !c.ok && (!errors.Is(err, mlruns.ErrBusy) || !strings.Contains(err.Error(), "certificate")) {
			t.Errorf("%v: %v", c.env, err)
		}
	}
}

// errAny is any error.
var errAny = errors.New("any")

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
		{uri: "http://h", env: map[string]string{"MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "-1"}, text: "'-1'"},
		{uri: "http://h", env: map[string]string{"MLFLOW_TRACKING_INSECURE_TLS": "off"}, text: "MLFLOW_TRACKING_INSECURE_TLS: it must be true or false"},
		{uri: "http://h", env: map[string]string{"MLFLOW_TRACKING_AWS_SIGV4": "off"}, text: "MLFLOW_TRACKING_AWS_SIGV4: it must be true or false"},
		{uri: "http://h", env: map[string]string{"MLFLOW_TRACKING_CLIENT_CERT_PATH": "environment_test.go"}, text: "MLFLOW_TRACKING_CLIENT_CERT_PATH", kind: errAny},
		{uri: "http://h", env: map[string]string{"MLFLOW_TRACKING_AWS_SIGV4": "true"}, text: "WithTransport", kind: mlruns.ErrUnsupported},
		{uri: "http://h", env: map[string]string{"MLFLOW_TRACKING_AUTH": "plugin"}, text: "MLFLOW_TRACKING_AUTH is set", kind: mlruns.ErrUnsupported},
	} {
		clean(t, c.env)
		kind := c.kind
		if kind == nil {
			kind = mlruns.ErrInvalid
		}
		_, err := remote.Open(t.Context(), c.uri)
		if err == nil || kind != errAny && !errors.Is(err, kind) || !strings.Contains(err.Error(), c.text) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s %v: got %v", c.uri, c.env, err)
		}
	}
	clean(t, nil)
	s := open(t, "HTTP://User:p@Host:5000/mlflow//")
	if s.URI() != "http://Host:5000/mlflow" {
		t.Errorf("the URI is %s", s.URI())
	}
}

// TestClientCertificate is shown to a server that wants one.
func TestClientCertificate(t *testing.T) {
	own, pool := ownCertificate(t)
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprintf(w, `{"run":{"info":{"run_id":%q,"status":"RUNNING"}}}`, r.TLS.PeerCertificates[0].Subject.CommonName)
	}))
	s.TLS = &tls.Config{ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool}
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	defer s.Close()
	for path, ok := range map[string]bool{own: true, "": false} {
		clean(t, map[string]string{"MLFLOW_TRACKING_CLIENT_CERT_PATH": path, "MLFLOW_TRACKING_INSECURE_TLS": "true"})
		run, err := open(t, s.URL).Run(t.Context(), "r")
		if (err == nil) != ok || ok && run.Info.ID != "me" {
			t.Errorf("with %q: %v, %v", path, run, err)
		}
	}
}

// ownCertificate makes a certificate of "me", in one file with its key.
func ownCertificate(t *testing.T) (file string, pool *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	about := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "me"}, NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}, BasicConstraintsValid: true, IsCA: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature}
	text, err := x509.CreateCertificate(rand.Reader, about, about, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	both := append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: text}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})...)
	file, pool = filepath.Join(t.TempDir(), "me.pem"), x509.NewCertPool()
	if pool.AppendCertsFromPEM(both); os.WriteFile(file, both, 0o600) != nil {
		t.Fatal("the certificate cannot be written")
	}
	return file, pool
}

// TestTimesFromEnvironment has a server be silent, and busy, for as long as the variables allow.
func TestTimesFromEnvironment(t *testing.T) {
	uri, _ := silent(t)
	clean(t, map[string]string{"MLFLOW_HTTP_REQUEST_TIMEOUT": "0.02", "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0"})
	store, err := remote.Open(t.Context(), uri)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if _, err := store.Run(t.Context(), "r"); !errors.Is(err, mlruns.ErrBusy) || !strings.Contains(err.Error(), "silent") {
		t.Errorf("got %v", err)
	}
	for _, c := range []struct {
		env  map[string]string
		want time.Duration // of all waits, of which each may be half as long
		n    int
	}{
		{nil, 25400 * time.Millisecond, 8},
		{map[string]string{"MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "2", "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "6"}, 92 * time.Second, 7},
		{map[string]string{"MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "0"}, 0, 8},
	} {
		clean(t, c.env)
		synctest.Test(t, func(t *testing.T) {
			n := 0
			busy := roundTrip(func(r *http.Request) (*http.Response, error) {
				n++
				return &http.Response{StatusCode: http.StatusServiceUnavailable, Header: http.Header{}, Body: http.NoBody, Request: r}, nil
			})
			store, err := remote.Open(t.Context(), "http://h", remote.WithTransport(busy))
			if err != nil {
				t.Fatal(err)
			}
			begun := time.Now()
			_, err = store.Run(t.Context(), "r")
			if took := time.Since(begun); !errors.Is(err, mlruns.ErrBusy) || n != c.n || took < c.want/2 || took > c.want {
				t.Errorf("%v: %d tries in %v, want %d in %v at most: %v", c.env, n, took, c.n, c.want, err)
			}
		})
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
