package filestore_test

import (
	"cmp"
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

// TestRecordedRoots tells from the locations of experiments where a store was: a run of another
// experiment has its artifacts in the root as that was recorded.
func TestRecordedRoots(t *testing.T) {
	for _, c := range []struct {
		name        string
		experiments []string // locations of the experiments 7 and 8
		run         string
		found       bool
	}{
		{"a file URI", []string{"file:///old/mlruns/7"}, "file:///old/mlruns/r/artifacts", true},
		{"a path", []string{"/old/mlruns/7"}, "/old/mlruns/r/artifacts", true},
		{"a path and a URI", []string{"/old/mlruns/7"}, "file:///old/mlruns/r/artifacts?x#y", true},
		{"escaped", []string{"file:///o%6cd/a%20b/%37"}, "/old/a b/r/artifacts", true},
		{"relative", []string{"mlruns/7"}, "./mlruns/r/artifacts", true},
		{"relative to the root itself", []string{"./7"}, "r/artifacts", true},
		{"of Windows", []string{`C:\old\mlruns\7`}, "file:///C:/old/mlruns/r/artifacts", true},
		{"of Windows, two slashes", []string{`C:/old/mlruns/7`}, "file://C:/old/mlruns/r/artifacts", true},
		{"of Windows, mixed", []string{`mlruns\7`}, `mlruns\r/artifacts`, true},
		{"on a share", []string{`\\server\share\mlruns\7`}, "file://server/share/mlruns/r/artifacts", true},
		{"twice moved", []string{"/first/mlruns/7", "/second/mlruns/8"}, "/first/mlruns/r/artifacts", true},
		{"the inner of two", []string{"/old/7", "/old/mlruns/8"}, "/old/mlruns/r/artifacts", true},
		{"a choice that looks like a root", []string{"/old/7", "/old/mlruns/8"}, "/old/r/artifacts", false},
		{"beside", []string{"/old/mlruns/7"}, "/old/mlruns2/r/artifacts", false},
		{"above", []string{"/old/mlruns/7"}, "/old/r/artifacts", false},
		{"upwards", []string{"/old/mlruns/7"}, "/old/mlruns/../r/artifacts", false},
		{"relative, above", []string{"./7"}, "../r/artifacts", false},
		{"another drive", []string{`C:\old\mlruns\7`}, `D:\old\mlruns\r\artifacts`, false},
		{"another scheme", []string{"s3://b/mlruns/7"}, "s3://b/mlruns/r/artifacts", false},
		{"nothing to tell from", []string{"/old/mlruns"}, "/old/mlruns/r/artifacts", false},
		{"another experiment's", []string{"/old/mlruns/8"}, "/old/mlruns/r/artifacts", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "now", "store")
			filestoretest.Must(t, os.MkdirAll(filepath.Join(dir, ".trash"), 0o777))
			for i, location := range c.experiments {
				id := string(rune('7' + i))
				meta := strings.NewReplacer("id: '7'", "id: '"+id+"'", "seven", "n"+id).Replace(filestoretest.MetaWith("artifact_location", location))
				filestoretest.WriteFile(t, filepath.Join(dir, id, "meta.yaml"), meta)
			}
			location := cmp.Or(strings.NewReplacer("/r/artifacts", "", `\r\artifacts`, "", `\r/artifacts`, "", "r/artifacts", "").Replace(c.run), ".")
			filestoretest.WriteFile(t, filepath.Join(dir, "x", "meta.yaml"), strings.NewReplacer("id: '7'", "id: x", "seven", "x").Replace(filestoretest.MetaWith("artifact_location", location)))
			filestoretest.WriteFile(t, filepath.Join(dir, "x", "r", "meta.yaml"), strings.ReplaceAll(filestoretest.MetaWith("artifact_uri", c.run), "'7'", "x"))
			for _, folder := range []string{"metrics", "params", "artifacts"} {
				filestoretest.Must(t, os.Mkdir(filepath.Join(dir, "x", "r", folder), 0o777))
			}
			filestoretest.WriteFile(t, filepath.Join(dir, "r", "artifacts", "f"), "here")
			s := filestoretest.Open(t, dir)
			if c.found {
				filestoretest.WantArtifact(t, s, "r", "f", "here")
				filestoretest.Must(t, s.WriteArtifact(t.Context(), "r", "g", strings.NewReader("new")))
				if data, err := os.ReadFile(filepath.Join(dir, "r", "artifacts", "g")); string(data) != "new" || err != nil {
					t.Errorf("it was written elsewhere: %q, %v", data, err)
				}
				filestoretest.NoProblems(t, s)
				return
			}
			list, err := s.Artifacts(t.Context(), "r", "")
			if !errors.Is(err, mlruns.ErrOutside) && !errors.Is(err, mlruns.ErrUnsupported) {
				t.Errorf("the artifacts are %v, %v; want them refused", list, err)
			}
		})
	}
}

// TestRelocateLocationsInTheStore brings locations of every shape to the present place of the
// store, as MLflow would have written them there.
func TestRelocateLocationsInTheStore(t *testing.T) {
	t.Parallel()
	for _, c := range locations {
		t.Run(c.name, func(t *testing.T) {
			was, dir := filepath.Join(t.TempDir(), "mlruns"), filepath.Join(t.TempDir(), "a b", "mlruns")
			located(t, was, c.location)
			filestoretest.Must(t, os.Mkdir(filepath.Dir(dir), 0o777))
			filestoretest.Rename(t, was, dir)
			s := filestoretest.Open(t, dir)
			planned, err := filestoretest.RelocateAll(t, s, mlruns.RelocateQuery{DryRun: true})
			filestoretest.Must(t, err)
			done, err := filestoretest.RelocateAll(t, s, mlruns.RelocateQuery{})
			filestoretest.Must(t, err)
			if len(done) != 7 || len(planned) != len(done) { // three experiments, four runs
				t.Errorf("%d were relocated, planned %d, want 7: %v", len(done), len(planned), done)
			}
			uri, plain := artifact.FileURI(filepath.ToSlash(was)), filepath.ToSlash(was)
			for name, r := range done {
				want := filepath.ToSlash(filepath.Clean(strings.ReplaceAll(r.From, plain, filepath.ToSlash(dir))))
				if strings.HasPrefix(r.From, uri) {
					want = strings.ReplaceAll(r.From, uri, artifact.FileURI(filepath.ToSlash(dir)))
				}
				if r.To != want || r.Kept != "" {
					t.Errorf("%s: %+v, want %s", name, r, want)
				}
			}
			if again, err := filestoretest.RelocateAll(t, s, mlruns.RelocateQuery{}); err != nil || len(again) > 0 {
				t.Errorf("again: %v, %v, want nothing", again, err)
			}
			wantLocated(t, s, c.folder)
			filestoretest.NoProblems(t, s)
		})
	}
}

// TestRelocateGoesOn ends a call after each of its steps: those that follow still find out where
// the store was.
func TestRelocateGoesOn(t *testing.T) {
	for steps := range 7 {
		was, dir := filepath.Join(t.TempDir(), "mlruns"), filepath.Join(t.TempDir(), "mlruns")
		located(t, was, "URI")
		filestoretest.Rename(t, was, dir)
		s := filestoretest.Open(t, dir)
		n := 0
		for _, err := range s.Relocate(t.Context(), mlruns.RelocateQuery{}) {
			filestoretest.Must(t, err)
			if n++; n > steps {
				break
			}
		}
		rest, err := filestoretest.RelocateAll(t, s, mlruns.RelocateQuery{})
		if err != nil || n+len(rest) != 7 {
			t.Errorf("after %d steps %d more: %v, %v; want 7 together", n, len(rest), rest, err)
		}
		wantLocated(t, s, "")
		filestoretest.NoProblems(t, s)
	}
}

// TestRelocateKeepsLocationsInTheStore leaves the location of artifacts that did not come along.
func TestRelocateKeepsLocationsInTheStore(t *testing.T) {
	was, dir := filepath.Join(t.TempDir(), "mlruns"), filepath.Join(t.TempDir(), "mlruns")
	located(t, was, "URI/shared")
	filestoretest.ReadTree(t, was).WriteTo(t, dir)
	filestoretest.Must(t, os.RemoveAll(filepath.Join(dir, "shared")))
	for _, allowed := range []bool{false, true} {
		var opts []filestore.Option
		if allowed {
			opts = append(opts, filestore.WithArtifactRoots(was))
		}
		got, err := filestoretest.RelocateAll(t, filestoretest.Open(t, dir, opts...), mlruns.RelocateQuery{DryRun: true})
		filestoretest.Must(t, err)
		for name, kept := range map[string]bool{"e/full/meta.yaml": true, "e/dead/meta.yaml": true, "other/neighbour/meta.yaml": false, "other/meta.yaml": false, "0/meta.yaml": false} {
			if r := got[name]; (r.Kept != "") != kept || (r.To == "") != kept {
				t.Errorf("allowed %v: %s: %+v, want it kept: %v", allowed, name, r, kept)
			}
		}
	}
	// Allowed, what did not come along is read where it is.
	filestoretest.WantArtifact(t, filestoretest.Open(t, dir, filestore.WithArtifactRoots(was)), "full", "a/f", "full")
}
