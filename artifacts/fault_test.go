package artifacts

import (
	"errors"
	"io"
	"io/fs"
	"strings"
	"testing"

	"github.com/spf13/afero"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/internal/atomicfile"
	"github.com/mlruns/mlruns/internal/faultfs"
	"github.com/mlruns/mlruns/internal/memfs"
)

// Whatever operation fails: the file is the old one or the new one, no temporary file is left, and
// a retry succeeds.
func TestEveryFault(t *testing.T) {
	for name, old := range map[string]string{"replace": "old", "anew": ""} {
		for fault, inject := range map[string]func(int) faultfs.Injector{
			"fail":  func(i int) faultfs.Injector { return faultfs.FailAt(i, nil) },
			"short": faultfs.ShortWriteAt,
		} {
			for i := 0; ; i++ {
				mem := memfs.New()
				if err := mem.MkdirAll("0/r/artifacts", 0o777); err != nil {
					t.Fatal(err)
				}
				if old != "" {
					writeIn(t, mem, old)
				}
				fsys := faultfs.New(mem, inject(i))
				err := repositoryIn(fsys).Write(t.Context(), "d/e/f", strings.NewReader("new"))
				if i >= fsys.Count() {
					if err != nil {
						t.Fatalf("%s, %s: no fault, yet %v", name, fault, err)
					}
					break
				}
				failed, got := fsys.Ops()[i], contentIn(t, mem)
				switch {
				case err == nil || errors.Is(err, mlruns.ErrNotDurable):
					if got != "new" {
						t.Errorf("%s, %s at %v: Write = %v, yet the file is %q", name, fault, failed, err, got)
					}
				case got != old:
					t.Errorf("%s, %s at %v: Write = %v, yet the file is %q, want %q", name, fault, failed, err, got, old)
				}
				if err != nil && !errors.Is(err, faultfs.ErrInjected) {
					t.Errorf("%s, %s at %v: %v hides its cause", name, fault, failed, err)
				}
				if left := tempsIn(t, mem); left != nil {
					t.Errorf("%s, %s at %v: left %v", name, fault, failed, left)
				}
				writeIn(t, mem, "new")
			}
		}
	}
}

func TestNotDurable(t *testing.T) {
	mem := memfs.New()
	if err := mem.MkdirAll("0/r/artifacts/d/e", 0o777); err != nil {
		t.Fatal(err)
	}
	r := repositoryIn(faultfs.New(mem, faultfs.FailMatching(func(op faultfs.Op) bool { return op.Kind == faultfs.SyncDir }, nil)))
	for verb, err := range map[string]error{
		"write":  r.Write(t.Context(), "d/e/f", strings.NewReader("new")),
		"delete": r.Delete(t.Context(), "none"),
	} {
		if !errors.Is(err, mlruns.ErrNotDurable) || !errors.Is(err, faultfs.ErrInjected) {
			t.Errorf("%s where folders cannot be synced: %v, want ErrNotDurable and its cause", verb, err)
		}
	}
	if got := contentIn(t, mem); got != "new" {
		t.Errorf("the file is %q, want %q", got, "new")
	}
}

func repositoryIn(fsys afero.Fs) *Repository {
	return (&Place{Fs: fsys, Folder: "0/r/artifacts", TempDir: "0/r", Writable: true}).Repository(true)
}

func writeIn(t *testing.T, fsys afero.Fs, text string) {
	t.Helper()
	if err := repositoryIn(fsys).Write(t.Context(), "d/e/f", strings.NewReader(text)); err != nil {
		t.Fatal(err)
	}
}

// contentIn is what d/e/f holds, "" if it is missing.
func contentIn(t *testing.T, fsys afero.Fs) string {
	t.Helper()
	f, err := repositoryIn(fsys).Open(t.Context(), "d/e/f")
	if errors.Is(err, mlruns.ErrNotFound) {
		return ""
	}
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	data, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	if len(data) == 0 {
		return "EMPTY"
	}
	return string(data)
}

func tempsIn(t *testing.T, fsys afero.Fs) (left []string) {
	t.Helper()
	err := afero.Walk(fsys, ".", func(name string, _ fs.FileInfo, err error) error {
		if atomicfile.IsTemp(name) {
			left = append(left, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return left
}
