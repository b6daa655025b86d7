package remote_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/mlruns/mlruns"
)

// artifactWorld is a run on a server before a folder on disk.
func artifactWorld(t *testing.T) *world {
	t.Helper()
	w := &world{T: t, ctx: t.Context(), folder: onDisk(t)}
	w.proxy = newProxy(t, serve(t, w.folder))
	w.store = open(t, w.proxy.URL)
	w.run = must(w.store.CreateRun(w.ctx, mlruns.RunSpec{}))(w).Info.ID
	return w
}

// TestArtifacts has files go and come as they do without a server between.
func TestArtifacts(t *testing.T) {
	w := artifactWorld(t)
	names := []string{"a.txt", "dir/b.bin", "dir/sub/c", "with blank", "é/日本.txt", "100%", "50%25", "a#b", "q?x=1", "plus+plus", "semi;colon", "amp&amp", "[x]", "~tilde", "'quote'", "-dash", ".hidden"}
	for i, name := range names {
		text := strings.Repeat("x", i*i*1000)
		w.check(w.store.WriteArtifact(w.ctx, w.run, name, strings.NewReader(text)))
		if got := w.artifact(name); got != text {
			t.Errorf("%s has %d bytes in the folder, want %d", name, len(got), len(text))
		}
		f := must(w.store.OpenArtifact(w.ctx, w.run, name))(w)
		if got := must(io.ReadAll(f))(w); string(got) != text || f.Close() != nil {
			t.Errorf("%s comes back with %d bytes", name, len(got))
		}
	}
	for _, folder := range []string{"", "dir", "dir/", "dir/sub", "a.txt", "nothing"} {
		got, want := must(w.store.Artifacts(w.ctx, w.run, folder))(w), must(w.folder.Artifacts(w.ctx, w.run, folder))(w)
		if !slices.Equal(got, want) {
			t.Errorf("the folder %q has %v, want %v", folder, got, want)
		}
	}
	to := t.TempDir()
	for _, c := range [][2]string{{"dir", "dir"}, {"", ""}, {"a.txt", "a.txt"}, {"dir/sub/c", "dir/sub/c"}} {
		if got := must(w.store.DownloadArtifacts(w.ctx, w.run, c[0], to))(w); got != filepath.Join(to, c[1]) {
			t.Errorf("%q is downloaded to %s", c[0], got)
		}
	}
	for _, name := range names {
		if got := must(os.ReadFile(filepath.Join(to, name)))(w); string(got) != w.artifact(name) {
			t.Errorf("%s is downloaded with %d bytes", name, len(got))
		}
	}
	if left, _ := filepath.Glob(filepath.Join(to, ".mlruns*")); left != nil {
		t.Errorf("left behind: %v", left)
	}
	for _, name := range []string{"nothing", "dir/nothing", ""} {
		if _, err := w.store.OpenArtifact(w.ctx, w.run, name); !errors.Is(err, mlruns.ErrNotFound) {
			t.Errorf("opening %q: %v", name, err)
		}
	}
	if _, err := w.store.DownloadArtifacts(w.ctx, w.run, "nothing", to); !errors.Is(err, mlruns.ErrNotFound) {
		t.Errorf("downloading what is not there: %v", err)
	}
	for _, name := range []string{"../x", "/abs", "a/../../b", `a\b`} {
		_, openErr := w.store.OpenArtifact(w.ctx, w.run, name)
		for _, err := range []error{openErr, w.store.WriteArtifact(w.ctx, w.run, name, strings.NewReader("x")), w.store.DeleteArtifacts(w.ctx, w.run, name)} {
			if err == nil || errors.Is(err, mlruns.ErrNotFound) && name != `a\b` {
				t.Errorf("%q: %v", name, err)
			}
		}
	}
	w.check(w.store.DeleteArtifacts(w.ctx, w.run, "dir"))
	w.check(w.store.DeleteArtifacts(w.ctx, w.run, "dir"))
	w.check(w.store.DeleteArtifacts(w.ctx, w.run, ""))
	if left := must(w.folder.Artifacts(w.ctx, w.run, ""))(w); len(left) != 0 {
		t.Errorf("after all was deleted: %v", left)
	}
}

// TestLogArtifacts copies folders, as the folder itself would.
func TestLogArtifacts(t *testing.T) {
	w := artifactWorld(t)
	from := filepath.Join(t.TempDir(), "stuff")
	for _, name := range []string{"a", "sub/b", "sub/.hidden"} {
		p := filepath.Join(from, name)
		w.check(errors.Join(os.MkdirAll(filepath.Dir(p), 0o777), os.WriteFile(p, []byte(name), 0o666)))
	}
	w.check(w.store.LogArtifacts(w.ctx, w.run, from, "all"))
	w.check(w.store.LogArtifact(w.ctx, w.run, from, ""))
	w.check(w.store.LogArtifact(w.ctx, w.run, filepath.Join(from, "a"), "one"))
	for _, name := range []string{"all/a", "all/sub/b", "all/sub/.hidden", "stuff/a", "stuff/sub/b", "one/a"} {
		if got := w.artifact(name); !strings.HasSuffix(name, got) || got == "" {
			t.Errorf("%s has %q", name, got)
		}
	}
	if err := w.store.LogArtifact(w.ctx, w.run, filepath.Join(from, "missing"), ""); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
	if err := w.store.LogArtifacts(w.ctx, w.run, filepath.Join(from, "a"), ""); !errors.Is(err, mlruns.ErrInvalid) {
		t.Errorf("a file as a folder: %v", err)
	}
}

// TestUploadOfAnySource streams what cannot be read again, and leaves nothing of what fails.
func TestUploadOfAnySource(t *testing.T) {
	w := artifactWorld(t)
	big := make([]byte, 5<<20)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(big)
	w.check(w.store.WriteArtifact(w.ctx, w.run, "big", onlyReader{bytes.NewReader(big)}))
	if got := w.artifact("big"); got != string(big) {
		t.Errorf("%d bytes arrived", len(got))
	}
	half := bytes.NewReader(big)
	_, _ = half.Seek(2<<20, io.SeekStart)
	w.check(w.store.WriteArtifact(w.ctx, w.run, "half", half))
	if got := w.artifact("half"); got != string(big[2<<20:]) {
		t.Errorf("%d bytes arrived of what was left to be read", len(got))
	}
	broken := errors.New("broken disk")
	for _, n := range []int64{0, 10, 3 << 20} {
		err := w.store.WriteArtifact(w.ctx, w.run, "broken", io.MultiReader(io.LimitReader(bytes.NewReader(big), n), failing{broken}))
		if !errors.Is(err, broken) || w.artifact("broken") != "" {
			t.Errorf("after %d bytes: %v, and %d bytes are stored", n, err, len(w.artifact("broken")))
		}
	}
	// What cannot be read again is not sent again.
	w.proxy.arm(0, cutAfter)
	err := w.store.WriteArtifact(w.ctx, w.run, "lost", onlyReader{bytes.NewReader(big)})
	if n := len(w.proxy.requests()); !errors.Is(err, mlruns.ErrUnconfirmed) || !errors.Is(err, mlruns.ErrBusy) || n != 1 {
		t.Errorf("a lost answer: %v after %d requests", err, n)
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// cutting sends at most n bytes of an answer's body, and then ends the connection.
func cutting(n int, change func(*reply)) fault {
	return func(p *proxy, w http.ResponseWriter, r *http.Request, body []byte) {
		got := p.forward(r, body)
		if change != nil {
			change(&got)
		}
		if len(got.body) <= n {
			answer(w, got)
			return
		}
		got.body = got.body[:n]
		answer(w, got)
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
}

// TestDownloadGoesOn resumes a transfer that is cut again and again: by ranges where the server has
// them, by skipping where it has not. A file that changed meanwhile is not put together of two.
func TestDownloadGoesOn(t *testing.T) {
	w := artifactWorld(t)
	big := make([]byte, 1<<20)
	_, _ = rand.NewChaCha8([32]byte{2}).Read(big)
	w.check(w.folder.WriteArtifact(w.ctx, w.run, "big", bytes.NewReader(big)))
	read := func() ([]byte, error) {
		f, err := w.store.OpenArtifact(w.ctx, w.run, "big")
		if err != nil {
			return nil, err
		}
		defer f.Close()
		return io.ReadAll(f)
	}
	must(read())(w) // where it is, is asked once
	w.proxy.arm(-1, cutting(100_000, nil))
	got, err := read()
	if n := len(w.proxy.requests()); err != nil || !bytes.Equal(got, big) || n < 10 {
		t.Errorf("%d bytes, %v after %d requests", len(got), err, n)
	}

	unversioned := func(r *reply) { delete(r.header, "Etag"); delete(r.header, "Last-Modified") }
	first := true
	w.proxy.arm(-1, func(p *proxy, rw http.ResponseWriter, r *http.Request, body []byte) {
		r.Header.Del("Range") // a server without
		n := 300_000
		if !first {
			n = len(big)
		}
		first = false
		cutting(n, unversioned)(p, rw, r, body)
	})
	if got, err := read(); err != nil || !bytes.Equal(got, big) {
		t.Errorf("without ranges: %d bytes, %v", len(got), err)
	}

	for _, versioned := range []bool{true, false} {
		first = true
		w.proxy.arm(-1, func(p *proxy, rw http.ResponseWriter, r *http.Request, body []byte) {
			change := unversioned
			if versioned {
				change = nil
			} else {
				r.Header.Del("Range")
			}
			cutting(300_000, change)(p, rw, r, body)
		})
		f := must(w.store.OpenArtifact(w.ctx, w.run, "big"))(w)
		_, err := io.ReadFull(f, make([]byte, 1000))
		w.check(err)
		other := bytes.Repeat([]byte("other"), 300_000)
		w.check(w.folder.WriteArtifact(w.ctx, w.run, "big", bytes.NewReader(other)))
		if _, err := io.ReadAll(f); !errors.Is(err, mlruns.ErrCorrupt) || !strings.Contains(err.Error(), "changed") {
			t.Errorf("a file that changed, with a version %v: %v", versioned, err)
		}
		f.Close()
		w.check(w.folder.WriteArtifact(w.ctx, w.run, "big", bytes.NewReader(big)))
	}
}

// TestHostileServer has a server name files that lie elsewhere: nothing is written anywhere.
func TestHostileServer(t *testing.T) {
	for _, name := range []string{"../x", "/abs", "a/../../x", "..", "other/x", "", "a//b"} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch {
			case strings.HasSuffix(r.URL.Path, "runs/get"):
				fmt.Fprint(w, `{"run":{"info":{"run_id":"r","status":"RUNNING","artifact_uri":"mlflow-artifacts:/0/r/artifacts"}}}`)
			case strings.HasSuffix(r.URL.Path, "artifacts/list"):
				fmt.Fprintf(w, `{"files":[{"path":%q,"file_size":1}]}`, name)
			default:
				fmt.Fprint(w, "x")
			}
		}))
		inside := filepath.Join(t.TempDir(), "inside")
		if err := os.Mkdir(inside, 0o777); err != nil {
			t.Fatal(err)
		}
		_, err := open(t, s.URL).DownloadArtifacts(t.Context(), "r", "", inside)
		if !errors.Is(err, mlruns.ErrCorrupt) {
			t.Errorf("%q: %v", name, err)
		}
		if found, _ := filepath.Glob(filepath.Join(inside, "..", "*", "*")); found != nil {
			t.Errorf("%q: written %v", name, found)
		}
		s.Close()
	}
}

// TestArtifactsElsewhere reads artifacts that the server only knows the place of through it, and
// sends nothing to another host.
func TestArtifactsElsewhere(t *testing.T) {
	for _, uri := range []string{"s3://bucket/r/artifacts", "/srv/r/artifacts", "mlflow-artifacts://other.example/0/r/artifacts", "https://other.example/api/2.0/mlflow-artifacts/artifacts/r"} {
		var asked []string
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			asked = append(asked, r.Method+" "+r.URL.Path)
			switch {
			case strings.HasSuffix(r.URL.Path, "runs/get"):
				fmt.Fprintf(w, `{"run":{"info":{"run_id":"r","status":"RUNNING","artifact_uri":%q}}}`, uri)
			case r.URL.Path == "/get-artifact":
				fmt.Fprint(w, "content of "+r.URL.Query().Get("path"))
			}
		}))
		store := open(t, s.URL)
		f, err := store.OpenArtifact(t.Context(), "r", "a b/c")
		if err != nil {
			t.Fatal(err)
		}
		if text, err := io.ReadAll(f); err != nil || string(text) != "content of a b/c" {
			t.Errorf("%s: %q, %v", uri, text, err)
		}
		if err := store.WriteArtifact(t.Context(), "r", "small", strings.NewReader("x")); err != nil {
			t.Errorf("%s: %v", uri, err)
		}
		large := io.NewSectionReader(strings.NewReader("x"), 0, 11<<20)
		for _, err := range []error{store.WriteArtifact(t.Context(), "r", "large", large), store.DeleteArtifacts(t.Context(), "r", "small")} {
			if !errors.Is(err, mlruns.ErrUnsupported) || !strings.Contains(err.Error(), uri) {
				t.Errorf("%s: %v", uri, err)
			}
		}
		if want := []string{"GET /api/2.0/mlflow/runs/get", "GET /get-artifact", "POST /ajax-api/2.0/mlflow/upload-artifact"}; !slices.Equal(asked, want) {
			t.Errorf("%s: asked %v", uri, asked)
		}
		s.Close()
	}
}

// TestServerWithoutFiles has a file refused by a server that has no call for it: the error says
// that, and no more.
func TestServerWithoutFiles(t *testing.T) {
	w := artifactWorld(t)
	w.check(w.store.WriteArtifact(w.ctx, w.run, "known", strings.NewReader("x")))
	w.proxy.arm(-1, func(_ *proxy, rw http.ResponseWriter, _ *http.Request, _ []byte) { http.NotFound(rw, nil) })
	err := w.store.WriteArtifact(w.ctx, w.run, "a b.txt", strings.NewReader("x"))
	if !errors.Is(err, mlruns.ErrUnsupported) || mlruns.MessageOf(err) != "The server at "+w.proxy.URL+" takes no files" {
		t.Errorf("%v", err)
	}
}

// TestNamesThatOldServersDoNotSend reads a file whose name is not ASCII from a server of MLflow
// before 3, whose artifact calls fail to send it, by the other call for files of runs.
func TestNamesThatOldServersDoNotSend(t *testing.T) {
	for _, c := range []struct{ version, name, by string }{
		{"2.22.5", "dir/ü.txt", "/get-artifact"},
		{"2.22.5", "dirü/a.txt", "/api/2.0/mlflow-artifacts/artifacts/0/r/artifacts/dirü/a.txt"},
		{"3.17.2", "dir/ü.txt", "/api/2.0/mlflow-artifacts/artifacts/0/r/artifacts/dir/ü.txt"},
	} {
		by := ""
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch {
			case r.URL.Path == "/version":
				fmt.Fprint(w, c.version)
			case strings.HasSuffix(r.URL.Path, "runs/get"):
				fmt.Fprint(w, `{"run":{"info":{"run_id":"r","status":"RUNNING","artifact_uri":"mlflow-artifacts:/0/r/artifacts"}}}`)
			default:
				by = r.URL.Path
				fmt.Fprint(w, "content")
			}
		}))
		f, err := open(t, s.URL).OpenArtifact(t.Context(), "r", c.name)
		if err != nil {
			t.Fatal(err)
		}
		if text, err := io.ReadAll(f); err != nil || string(text) != "content" || by != c.by {
			t.Errorf("%s of %s: %q by %s, %v", c.name, c.version, text, by, err)
		}
		f.Close()
		s.Close()
	}
}
