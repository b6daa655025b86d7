package tracking_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/remote"
	"github.com/mlruns/mlruns/server"
	"github.com/mlruns/mlruns/tracking"
)

func setenv(t *testing.T, trackingURI, registryURI string) {
	t.Helper()
	t.Setenv("MLFLOW_TRACKING_URI", trackingURI)
	t.Setenv("MLFLOW_REGISTRY_URI", registryURI)
}

// train is a program that does not know what it runs on.
func train(ctx context.Context, c *mlruns.Client) (string, error) {
	run, err := c.StartRun(ctx, "sweep", mlruns.RunSpec{})
	if err != nil {
		return "", err
	}
	if err := run.LogMetric(ctx, "loss", 0.5, 1); err != nil {
		return "", err
	}
	return run.ID, run.LogText(ctx, "done", "log.txt")
}

// TestOpen opens folders and servers, by argument and by the environment, and runs one program on
// each.
func TestOpen(t *testing.T) {
	behind, err := filestore.Open(filepath.Join(t.TempDir(), "served"))
	if err != nil {
		t.Fatal(err)
	}
	defer behind.Close()
	web := httptest.NewServer(server.New(behind))
	defer web.Close()
	t.Chdir(t.TempDir())
	here, _ := os.Getwd()
	for _, c := range []struct{ name, uri, env, want string }{
		{"path", "a b", "", "a b"}, {"escaped path", "a%20c", "", "a c"}, {"file URI", "file://" + filepath.ToSlash(here) + "/by%20uri", "", "by uri"},
		{"variable", "", "from-env", "from-env"}, {"argument before variable", "given", "from-env", "given"}, {"nothing", "", "", "mlruns"},
		{"server", web.URL, "", ""}, {"server by variable", "", web.URL + "/", ""},
	} {
		setenv(t, c.env, "")
		client, err := tracking.Open(t.Context(), c.uri, "")
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		id, err := train(t.Context(), client)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		if c.want != "" {
			if found, _ := filepath.Glob(filepath.Join(c.want, "*", id, "meta.yaml")); len(found) != 1 {
				t.Errorf("%s: the run is not in %s", c.name, c.want)
			}
		} else if _, err := behind.Run(t.Context(), id); err != nil || client.URI() != web.URL {
			t.Errorf("%s: %v, at %s", c.name, err, client.URI())
		}
		if err := client.Close(); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// TestOpenRefuses lists the schemes, and tells no password.
func TestOpenRefuses(t *testing.T) {
	setenv(t, "", "")
	for _, uri := range []string{"sqlite:///x.db", "postgresql://u:secret@h/db", "databricks", "databricks://p", "s3://bucket", "localhost:5000"} {
		_, err := tracking.Open(t.Context(), uri, "")
		if !errors.Is(err, mlruns.ErrInvalid) || !strings.Contains(err.Error(), "['file', 'http', 'https'], as in http://localhost:5000") || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", uri, err)
		}
	}
	setenv(t, "sqlite:///x.db", "")
	if _, err := tracking.Open(t.Context(), "", ""); !errors.Is(err, mlruns.ErrInvalid) {
		t.Errorf("by the variable: %v", err)
	}
}

// TestRegistry is that of the registry's URI, or of the tracking URI; it is opened when it is
// asked.
func TestRegistry(t *testing.T) {
	asked := ""
	registry := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = r.URL.Path
		_, _ = w.Write([]byte(`{"registered_model":{"name":"m"}}`))
	}))
	defer registry.Close()
	dir := t.TempDir()
	for _, c := range []struct {
		name, tracking, registry, env string
		ok                            bool
	}{
		{"of its own", dir, registry.URL, "", true}, {"by variable", dir, "", registry.URL, true}, {"the server's", registry.URL, "", "", true},
		{"none: a folder", dir, "", "", false}, {"none: another scheme", dir, "sqlite:///x", "", false}, {"none, though the store is a server", registry.URL, dir, "", false},
	} {
		setenv(t, "", c.env)
		asked = ""
		client, err := tracking.Open(t.Context(), c.tracking, c.registry, tracking.WithServer(remote.WithRetries(0, 0)))
		if err != nil {
			t.Fatal(err)
		}
		if asked != "" {
			t.Errorf("%s: the registry was asked when it was opened", c.name)
		}
		m, err := client.RegisteredModel(t.Context(), "m")
		if c.ok && (err != nil || m.Name != "m" || asked != "/api/2.0/mlflow/registered-models/get") {
			t.Errorf("%s: %v, %v; asked %s", c.name, m, err, asked)
		}
		const end = "Stores with the following URI schemes are supported: ['http', 'https']."
		if !c.ok && (!errors.Is(err, mlruns.ErrUnsupported) || !strings.HasPrefix(err.Error(), "Model Registry features are not supported by the store with URI: '") || !strings.HasSuffix(err.Error(), end)) {
			t.Errorf("%s: %v", c.name, err)
		}
		client.Close()
	}
}
