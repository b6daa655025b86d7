package filestore_test

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/filestore/internal/filestoretest"
	"github.com/mlruns/mlruns/internal/faultfs"
	"github.com/mlruns/mlruns/internal/memfs"
)

// TestOpenForeignFolder keeps hands off a directory that holds other things, whatever its entries
// are.
func TestOpenForeignFolder(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("links need rights on Windows")
	}
	outside := t.TempDir()
	if err := os.WriteFile(filepath.Join(outside, "meta.yaml"), []byte("name: x\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	for name, fill := range map[string]func(dir string) error{
		"a folder":          func(dir string) error { return os.Mkdir(filepath.Join(dir, "src"), 0o777) },
		"a file":            func(dir string) error { return os.WriteFile(filepath.Join(dir, "0"), nil, 0o666) },
		"a link to outside": func(dir string) error { return os.Symlink(outside, filepath.Join(dir, "0")) },
		"a link to nowhere": func(dir string) error { return os.Symlink("nowhere", filepath.Join(dir, "0")) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := fill(dir); err != nil {
				t.Fatal(err)
			}
			store, err := filestore.Open(dir)
			if err == nil {
				_ = store.Close()
			}
			if !errors.Is(err, mlruns.ErrInvalid) {
				t.Errorf("Open: %v, want ErrInvalid", err)
			}
			entries, err := os.ReadDir(dir)
			if err != nil || len(entries) != 1 {
				t.Errorf("the directory has %v (%v) now, want one entry", entries, err)
			}
		})
	}
}

// TestOpenLinkToNowhere makes nothing behind a link whose target is missing, as of a drive that is
// not mounted, and says what the link is.
func TestOpenLinkToNowhere(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("links need rights on Windows")
	}
	dir := t.TempDir()
	link := filepath.Join(dir, "link")
	for _, err := range []error{os.Symlink("nowhere", link), os.Symlink("link", filepath.Join(dir, "twice")), os.Symlink(".", filepath.Join(dir, "here"))} {
		if err != nil {
			t.Fatal(err)
		}
	}
	options := map[string][]filestore.Option{"": nil, "read-only": {filestore.WithReadOnly()}, "must exist": {filestore.WithMustExist()}}
	for _, name := range []string{"link", "twice", "link/mlruns", "link/a/b", "here/link"} {
		for which, opts := range options {
			store, err := filestore.Open(filepath.Join(dir, name), opts...)
			if err == nil {
				_ = store.Close()
			}
			if !errors.Is(err, mlruns.ErrNotFound) || !strings.Contains(err.Error(), "which does not exist") || !strings.Contains(err.Error(), " is a link to '") {
				t.Errorf("%s %s: %v, want ErrNotFound that names the link", name, which, err)
			}
		}
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 3 {
		t.Errorf("the folder has %v now (%v)", entries, err)
	}
	store, err := filestore.Open(filepath.Join(dir, "here", "mlruns"))
	if err != nil {
		t.Fatalf("a link to a folder: %v", err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestOpenURI(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a b", "mlruns")
	t.Chdir(t.TempDir())
	store, err := filestore.Open("file://" + strings.ReplaceAll(filepath.ToSlash(dir), " ", "%20"))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if _, err := os.Stat(filepath.Join(dir, "0", "meta.yaml")); err != nil {
		t.Errorf("the store is not where the URI says: %v", err)
	}
	for _, uri := range []string{"http://host/x", "sqlite:///mlflow.db", "databricks://x", "s3://bucket/x"} {
		store, err := filestore.Open(uri)
		if err == nil {
			_ = store.Close()
		}
		scheme, _, _ := strings.Cut(uri, ":")
		if !errors.Is(err, mlruns.ErrUnsupported) || !strings.Contains(err.Error(), scheme) {
			t.Errorf("Open(%q): %v, want ErrUnsupported that names the scheme", uri, err)
		}
	}
	if entries, err := os.ReadDir("."); err != nil || len(entries) > 0 {
		t.Errorf("the current folder has %v now (%v)", entries, err)
	}
}

// TestReadOnlyFileSystem says in words and codes what is the matter when the disk refuses.
func TestReadOnlyFileSystem(t *testing.T) {
	for _, c := range []struct {
		errno error
		is    error
	}{{syscall.EROFS, mlruns.ErrReadOnly}, {syscall.EACCES, os.ErrPermission}} {
		disk := memfs.New()
		store, err := filestore.Open("mlruns", filestore.WithFs(disk))
		if err != nil {
			t.Fatal(err)
		}
		defer store.Close()
		refusing := faultfs.New(disk, faultfs.FailMatching(func(op faultfs.Op) bool { return op.Kind.Mutates() }, c.errno))
		broken, err := filestore.Open("mlruns", filestore.WithFs(refusing))
		if err != nil {
			t.Fatal(err)
		}
		defer broken.Close()
		_, err = broken.CreateExperiment(t.Context(), mlruns.ExperimentSpec{Name: "x"})
		if !errors.Is(err, c.is) || mlruns.CodeOf(err) != mlruns.CodePermissionDenied {
			t.Errorf("%v: CreateExperiment: %v with code %s, want %v and PERMISSION_DENIED", c.errno, err, mlruns.CodeOf(err), c.is)
		}
	}
}

// TestTrashThatLeadsOut lists what is in the store though its trash is a link to another place.
func TestTrashThatLeadsOut(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("links need rights on Windows")
	}
	dir := filepath.Join(t.TempDir(), "mlruns")
	store, err := filestore.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if err := os.Remove(filepath.Join(dir, ".trash")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(t.TempDir(), filepath.Join(dir, ".trash")); err != nil {
		t.Fatal(err)
	}
	for _, view := range []mlruns.View{mlruns.ViewAll, mlruns.ViewDeleted} {
		page, err := store.SearchExperiments(t.Context(), mlruns.ExperimentQuery{View: view})
		if want := map[mlruns.View]int{mlruns.ViewAll: 1}[view]; err != nil || len(page.Experiments) != want || len(page.Problems) == 0 {
			t.Fatalf("search of view %d: %+v, %v, want %d experiments and a problem", view, page, err, want)
		}
		for _, p := range page.Problems {
			if p.Path != ".trash" {
				t.Errorf("problem %v, want one about .trash", p)
			}
		}
	}
	if _, err := store.Run(t.Context(), "none"); !errors.Is(err, mlruns.ErrNotFound) {
		t.Errorf("Run: %v, want ErrNotFound", err)
	}
}

// TestOpenInsideStore refuses the folders of experiments and runs, active and deleted, changes
// nothing in them and names their store.
func TestOpenInsideStore(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "mlruns")
	s := filestoretest.Open(t, dir)
	ctx := t.Context()
	for _, id := range []string{"7", "8"} {
		if _, err := s.CreateExperiment(ctx, mlruns.ExperimentSpec{ID: id, Name: "name " + id}); err != nil {
			t.Fatal(err)
		}
		if _, err := s.CreateRun(ctx, mlruns.RunSpec{ID: "run" + id, ExperimentID: id}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.DeleteExperiment(ctx, "8"); err != nil {
		t.Fatal(err)
	}
	before := filestoretest.ReadTree(t, dir)
	for folder, what := range map[string]string{"7": "an experiment", "7/run7": "a run", ".trash/8": "an experiment", ".trash/8/run8": "a run"} {
		for _, opts := range [][]filestore.Option{nil, {filestore.WithReadOnly()}} {
			inside, err := filestore.Open(filepath.Join(dir, folder), opts...)
			if err == nil {
				_ = inside.Close()
			}
			if want := "this is the folder of " + what + ", not a store; its store is '" + dir + "'"; !errors.Is(err, mlruns.ErrInvalid) || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v, want %s", folder, err, want)
			}
		}
	}
	if diff := cmp.Diff(before, filestoretest.ReadTree(t, dir)); diff != "" {
		t.Errorf("changed (-before +after):\n%s", diff)
	}
	for _, text := range []string{"name: x\n", "- experiment_id\n", "[", ""} {
		if err := os.WriteFile(filepath.Join(dir, "meta.yaml"), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		other, err := filestore.Open(dir)
		if err != nil {
			t.Errorf("a store with a meta.yaml %q of somebody's: %v", text, err)
			continue
		}
		_ = other.Close()
	}
}
