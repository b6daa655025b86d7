package filestore_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mlruns/mlruns"
	artifact "github.com/mlruns/mlruns/artifacts"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/filestore/internal/filestoretest"
)

// moved is a store with the experiment 7 and its run r, which recorded these locations. The run has
// an artifact if it is full.
func moved(t *testing.T, experiment, run string, full bool) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "a b%41", "mlruns")
	filestoretest.WriteFile(t, filepath.Join(dir, "7", "meta.yaml"), filestoretest.MetaWith("artifact_location", experiment))
	filestoretest.WriteFile(t, filepath.Join(dir, "7", "r", "meta.yaml"), filestoretest.MetaWith("artifact_uri", run))
	for _, folder := range []string{"metrics", "params", "artifacts"} {
		filestoretest.Must(t, os.Mkdir(filepath.Join(dir, "7", "r", folder), 0o777))
	}
	if full {
		filestoretest.WriteFile(t, filepath.Join(dir, "7", "r", "artifacts", "file"), "x")
	}
	return dir
}

func TestRelocateForms(t *testing.T) {
	for _, c := range []struct{ name, experiment, run, wantExperiment, wantRun string }{
		{"file URIs", "file:///old/mlruns/7", "file:///old/mlruns/7/r/artifacts", "URI/7", "URI/7/r/artifacts"},
		{"plain paths", "/old/mlruns/7", "/old/mlruns/7/r/artifacts", "PLAIN/7", "PLAIN/7/r/artifacts"},
		{"one of each", "/old/mlruns/7", "file:///old/mlruns/7/r/artifacts", "PLAIN/7", "URI/7/r/artifacts"},
		{"query and fragment", "file:///old/mlruns/7?x=1#y", "file:///old/mlruns/7/r/artifacts?x=1#y", "URI/7?x=1#y", "URI/7/r/artifacts?x=1#y"},
		{"of Windows", `C:\old\mlruns\7`, "file:///C:/old/mlruns/7/r/artifacts", "PLAIN/7", "URI/7/r/artifacts"},
		{"localhost", "file://localhost/old/7", "file:/old/7/r/artifacts", "URI/7", "URI/7/r/artifacts"},
		{"escaped", "file:///o%6cd/%37", "/o%6cd/7/r/artifacts", "URI/7", "PLAIN/7/r/artifacts"},
		{"other schemes", "s3://bucket/7", "mlflow-artifacts:/7/r/artifacts", "", ""},
		{"a share", "file://host/mlruns/7", "file://host/mlruns/7/r/artifacts", "URI/7", "URI/7/r/artifacts"},
		{"a share of Windows", `\\host\share\7`, `\\host\share\7\r\artifacts`, "PLAIN/7", "PLAIN/7/r/artifacts"},
		{"a drive as a host", "file://D:/mlruns/7", "file://D:/mlruns/7/r/artifacts", "URI/7", "URI/7/r/artifacts"},
		{"elsewhere", "file:///data/mine", "file:///data/mine/r/artifacts", "", ""},
		{"another experiment's", "file:///old/mlruns/8", "file:///old/mlruns/8/r/artifacts", "", ""},
		{"nothing", "", "", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := moved(t, c.experiment, c.run, true)
			filestoretest.Must(t, os.Mkdir(filepath.Join(dir, ".trash"), 0o777))
			store := filestoretest.Open(t, dir)
			before := filestoretest.ReadTree(t, dir)
			got, err := filestoretest.RelocateAll(t, store, mlruns.RelocateQuery{})
			filestoretest.Must(t, err)
			place := strings.NewReplacer("URI", artifact.FileURI(filepath.ToSlash(dir)), "PLAIN", strings.ReplaceAll(filepath.ToSlash(dir), "%", "%25"))
			for name, w := range map[string][3]string{"7/meta.yaml": {"artifact_location", c.experiment, c.wantExperiment}, "7/r/meta.yaml": {"artifact_uri", c.run, c.wantRun}} {
				want := place.Replace(w[2])
				if r := got[name]; r.To != want || r.Kept != "" || want != "" && r.From != w[1] {
					t.Errorf("%s: %+v, want %q", name, r, want)
				}
				if want == "" {
					continue
				}
				local, err := artifact.LocalPath(want)
				if rel, relErr := filepath.Rel(dir, filepath.FromSlash(local)); err != nil || relErr != nil || !filepath.IsLocal(rel) {
					t.Errorf("%q is not in the store: %q, %v, %v", want, rel, err, relErr)
				}
				data, err := os.ReadFile(filepath.Join(dir, name))
				filestoretest.Must(t, err)
				// a long path is written in several lines
				unfolded := strings.ReplaceAll(string(data), "\n  ", " ")
				for _, line := range []string{"zz_future: 1\n", w[0] + ": " + want + "\n"} {
					if !strings.Contains(unfolded, line) && !strings.Contains(unfolded, strings.Replace(line, want, "'"+want+"'", 1)) {
						t.Errorf("%s has no %q:\n%s", name, line, data)
					}
				}
				before[name] = data
			}
			if diff := filestoretest.Changes(before, filestoretest.WithoutLocks(filestoretest.ReadTree(t, dir))); diff != nil {
				t.Errorf("also changed: %q", diff)
			}
			filestoretest.NoProblems(t, store)
		})
	}
}

// TestRelocateKeeps leaves what MLflow would lose, and says why.
func TestRelocateKeeps(t *testing.T) {
	old := filepath.Join(t.TempDir(), "mlruns")
	uri := artifact.FileURI(filepath.ToSlash(old))
	recorded := uri + "/7/r/artifacts"
	original := func(t *testing.T, names ...string) {
		t.Helper()
		filestoretest.Must(t, os.RemoveAll(old), os.MkdirAll(old, 0o777))
		for _, name := range names {
			filestoretest.WriteFile(t, filepath.Join(old, filepath.FromSlash(name)), "x")
		}
	}
	for _, c := range []struct {
		name            string
		there           []string // files at the recorded place
		full            bool
		allowed         bool
		experiment, run string // why they are kept, "" if they are not
	}{
		{"moved, nothing there", nil, false, false, "", ""},
		{"copied, the original has artifacts", []string{"7/meta.yaml", "7/r/artifacts/f"}, false, false, "", "may be in"},
		{"copied with artifacts", []string{"7/meta.yaml", "7/r/artifacts/f"}, true, false, "", ""},
		{"looked into, artifacts", []string{"7/meta.yaml", "7/r/artifacts/f"}, false, true, "", "they are in"},
		{"looked into, none", []string{"7/meta.yaml", "7/r/meta.yaml"}, false, true, "", ""},
		{"looked into, gone", nil, false, true, "", ""},
		{"an artifact root", []string{"7/r/artifacts/f"}, false, false, "no experiment's", "may be in"},
	} {
		t.Run(c.name, func(t *testing.T) {
			original(t, c.there...)
			before := filestoretest.ReadTree(t, old)
			dir := moved(t, uri+"/7", recorded, c.full)
			var opts []filestore.Option
			if c.allowed {
				opts = append(opts, filestore.WithArtifactRoots(old))
			}
			got, err := filestoretest.RelocateAll(t, filestoretest.Open(t, dir, opts...), mlruns.RelocateQuery{})
			filestoretest.Must(t, err)
			for name, why := range map[string]string{"7/meta.yaml": c.experiment, "7/r/meta.yaml": c.run} {
				if r := got[name]; !strings.Contains(r.Kept, why) || (r.Kept == "") != (why == "") || (r.To == "") != (why != "") {
					t.Errorf("%s: %+v, want it kept for %q", name, r, why)
				}
				data, err := os.ReadFile(filepath.Join(dir, name))
				if err != nil || strings.Contains(string(data), uri) != (why != "") {
					t.Errorf("%s (%v):\n%s", name, err, data)
				}
			}
			if diff := filestoretest.Changes(before, filestoretest.ReadTree(t, old)); diff != nil {
				t.Errorf("the recorded place changed: %q", diff)
			}
		})
	}
	t.Run("relative", func(t *testing.T) {
		dir := moved(t, "mlruns/7", "./mlruns/7/r/artifacts", true)
		got, err := filestoretest.RelocateAll(t, filestoretest.Open(t, dir), mlruns.RelocateQuery{})
		if err != nil || len(got) != 2 || got["7/meta.yaml"].Kept == "" || got["7/r/meta.yaml"].Kept == "" {
			t.Errorf("%+v, %v, want both kept", got, err)
		}
	})
	t.Run("another name of the same place", func(t *testing.T) {
		dir := moved(t, "s3://b/7", "s3://b/7", true)
		link := filepath.Join(t.TempDir(), "link")
		if err := os.Symlink(dir, link); err != nil {
			t.Skip(err)
		}
		uri := artifact.FileURI(filepath.ToSlash(link))
		filestoretest.WriteFile(t, filepath.Join(dir, "7", "meta.yaml"), filestoretest.MetaWith("artifact_location", uri+"/7"))
		filestoretest.WriteFile(t, filepath.Join(dir, "7", "r", "meta.yaml"), filestoretest.MetaWith("artifact_uri", uri+"/7/r/artifacts"))
		if got, err := filestoretest.RelocateAll(t, filestoretest.Open(t, dir), mlruns.RelocateQuery{}); err != nil || len(got) > 0 {
			t.Errorf("%+v, %v, want nothing", got, err)
		}
	})
	t.Run("below the caller's artifact root", func(t *testing.T) {
		dir := moved(t, uri+"/7", recorded, true)
		if got, err := filestoretest.RelocateAll(t, filestoretest.Open(t, dir, filestore.WithArtifactRoot(uri)), mlruns.RelocateQuery{}); err != nil || len(got) > 0 {
			t.Errorf("%+v, %v, want nothing", got, err)
		}
	})
}

// TestRelocatePassesDamage relocates the experiment of a run that cannot be read.
func TestRelocatePassesDamage(t *testing.T) {
	dir := moved(t, "/old/7", "/old/7/r/artifacts", true)
	filestoretest.WriteFile(t, filepath.Join(dir, "7", "r", "meta.yaml"), "status: [\n")
	readOnly := filestoretest.Open(t, dir, filestore.WithReadOnly())
	if got, err := filestoretest.RelocateAll(t, readOnly, mlruns.RelocateQuery{}); len(got) > 0 || !errors.Is(err, mlruns.ErrReadOnly) {
		t.Errorf("read-only: %+v, %v", got, err)
	}
	for _, dry := range []bool{true, false} {
		store := readOnly
		if !dry {
			store = filestoretest.Open(t, dir)
		}
		var problems []mlruns.Problem
		got, err := filestoretest.RelocateAll(t, store, mlruns.RelocateQuery{DryRun: dry, OnProblem: func(p mlruns.Problem) { problems = append(problems, p) }})
		if err != nil || len(got) != 1 || got["7/meta.yaml"].To == "" || len(problems) != 1 || problems[0].Path != "7/r/meta.yaml" {
			t.Errorf("dry %v: %+v, %v, problems %v", dry, got, err, problems)
		}
	}
	data, err := os.ReadFile(filepath.Join(dir, "7", "r", "meta.yaml"))
	if err != nil || string(data) != "status: [\n" {
		t.Errorf("the damaged meta.yaml is now %q, %v", data, err)
	}
}
