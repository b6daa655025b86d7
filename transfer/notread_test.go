package transfer_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/transfer"
)

// trickySource is a folder of which some files and folders are not what their list says.
type trickySource struct {
	*filestore.Store
	open func(path string) (content string, err error)
	list func(path string) error
}

func (s trickySource) OpenArtifact(ctx context.Context, id, path string) (io.ReadCloser, error) {
	if s.open != nil {
		if content, err := s.open(path); err != nil {
			return nil, err
		} else if content != "" {
			return io.NopCloser(strings.NewReader(content)), nil
		}
	}
	return s.Store.OpenArtifact(ctx, id, path)
}

func (s trickySource) Artifacts(ctx context.Context, id, path string) ([]mlruns.FileInfo, error) {
	if s.list != nil {
		if err := s.list(path); err != nil {
			return nil, err
		}
	}
	return s.Store.Artifacts(ctx, id, path)
}

// withFiles has more runs than are copied at once, each with some files.
func withFiles(t testing.TB) *filestore.Store {
	t.Helper()
	ctx := context.Background()
	s := open(t)
	for i := range 6 {
		id := fmt.Sprint("run", i)
		must(t, errOf(s.CreateRun(ctx, mlruns.RunSpec{ID: id, Name: id, Start: at(1)})), s.LogMetric(ctx, id, point("m", 1, 1)))
		for _, name := range []string{"a", "b", "dir/c", "z"} {
			must(t, s.WriteArtifact(ctx, id, name, strings.NewReader(name+name)))
		}
		must(t, s.EndRun(ctx, id, mlruns.StatusFailed, at(2)))
	}
	return s
}

// destinations are a folder and a server, each with the folder behind it.
func destinations(t testing.TB) map[string]func() (mlruns.Store, *filestore.Store) {
	return map[string]func() (mlruns.Store, *filestore.Store){
		"folder": func() (mlruns.Store, *filestore.Store) { s := open(t); return s, s },
		"server": func() (mlruns.Store, *filestore.Store) { s := open(t); return serve(s, false), s },
	}
}

// A file or folder of the source that cannot be read is told, and keeps nothing else back: no other
// file of the run, not its status, and no other run, however many there are of that kind. When it
// can be read, it is copied.
func TestUnreadableFiles(t *testing.T) {
	denied := &fs.PathError{Op: "open", Path: "x", Err: fs.ErrPermission}
	for name, c := range map[string]struct {
		tricky  trickySource
		missing []string
	}{
		"file":      {trickySource{open: func(path string) (string, error) { return "", only(path == "b", denied) }}, []string{"b"}},
		"all files": {trickySource{open: func(string) (string, error) { return "", denied }}, []string{"a", "b", "dir/c", "z"}},
		"folder":    {trickySource{list: func(path string) error { return only(path == "dir", denied) }}, []string{"dir/c"}},
		"top":       {trickySource{list: func(string) error { return denied }}, []string{"a", "b", "dir/c", "z"}},
		// a proxy has people log in, say
		"not the file": {trickySource{open: func(path string) (string, error) {
			if path == "b" {
				return "<html>log in</html>", nil
			}
			return "", nil
		}}, []string{"b"}},
	} {
		for kind, destination := range destinations(t) {
			t.Run(name+" to a "+kind, func(t *testing.T) {
				src := c.tricky
				src.Store = withFiles(t)
				want := snapshot(t, src.Store)
				dst, files := destination()
				failed := 0
				var last error
				for it, err := range transfer.Copy(context.Background(), dst, src, transfer.Query{}) {
					if last = err; err == nil && it.Kind == transfer.KindRun {
						failed++
						if it.Err == nil || it.Action != transfer.ActionCreated || it.Files != 4-len(c.missing) || it.Points != 1 {
							t.Errorf("%+v", it)
						}
					}
				}
				if failed != 6 || last == nil || !strings.HasPrefix(last.Error(), "6 could not be copied whole") {
					t.Errorf("%d runs told, at last %v", failed, last)
				}
				lacks := maps.Clone(want)
				maps.DeleteFunc(lacks, func(key string, _ any) bool {
					return strings.HasPrefix(key, "artifact ") && slices.Contains(c.missing, strings.SplitN(key, " ", 3)[2])
				})
				if diff := cmp.Diff(lacks, unmapped(snapshot(t, files)), timesOfServer); diff != "" {
					t.Errorf("what could be read (-want +got):\n%s", diff)
				}
				copyAll(t, dst, src.Store, transfer.Query{})
				if diff := cmp.Diff(want, unmapped(snapshot(t, files)), timesOfServer); diff != "" {
					t.Errorf("all (-want +got):\n%s", diff)
				}
				sound(t, files)
			})
		}
	}
}

func only(when bool, err error) error {
	if when {
		return err
	}
	return nil
}

// A file that is gone when its turn comes, or has grown since it was listed, is no failure: the run
// goes on. Copied again, nothing is left to do.
func TestFilesChangeMeanwhile(t *testing.T) {
	ctx := context.Background()
	for kind, destination := range destinations(t) {
		for name, change := range map[string]func(s *filestore.Store, path string) error{
			"gone": func(s *filestore.Store, path string) error { return s.DeleteArtifacts(ctx, "run", path) },
			"grown": func(s *filestore.Store, path string) error {
				return s.WriteArtifact(ctx, "run", path, strings.NewReader("longer than before"))
			},
		} {
			t.Run(name+" to a "+kind, func(t *testing.T) {
				src := open(t)
				must(t, errOf(src.CreateRun(ctx, mlruns.RunSpec{ID: "run", Name: "n", Start: at(1)})))
				for _, path := range []string{"a", "b", "c"} {
					must(t, src.WriteArtifact(ctx, "run", path, strings.NewReader("short")))
				}
				changed := false
				tricky := trickySource{Store: src, open: func(path string) (string, error) {
					if path == "b" && !changed {
						changed = true
						return "", change(src, path)
					}
					return "", nil
				}}
				dst, files := destination()
				if it := copyAll(t, dst, tricky, transfer.Query{})["run run"]; !it.Whole() {
					t.Errorf("%+v", it)
				}
				if diff := cmp.Diff(snapshot(t, src), unmapped(snapshot(t, files)), timesOfServer); diff != "" || !changed {
					t.Errorf("(-source +destination):\n%s", diff)
				}
				if it := copyAll(t, dst, src, transfer.Query{})["run run"]; !it.Whole() || it.Action != transfer.ActionNone {
					t.Errorf("the second time %+v", it)
				}
			})
		}
	}
}

// What could not be made is not told as created, and nothing of it is counted.
func TestNotMadeIsNotCreated(t *testing.T) {
	src := open(t)
	fill(t, src)
	full := errors.New("no space left on device")
	dst := serve(open(t), false)
	dst.fault = func(int) (error, error) { return full, nil }
	for it, err := range transfer.Copy(context.Background(), dst, src, transfer.Query{}) {
		if err == nil && (it.Action != transfer.ActionNone || it.Tags+it.Params+it.Points+it.Files > 0) {
			t.Errorf("%+v", it)
		}
	}
}
