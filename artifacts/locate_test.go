package artifacts

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/internal/memfs"
	"github.com/mlruns/mlruns/internal/rootfs"
)

// world is a directory with a store "new" that holds the run 0/r, a store "old" that it was copied
// from, and folders outside.
type world struct {
	t   testing.TB
	dir string
}

func newWorld(t testing.TB) world {
	w := world{t, t.TempDir()}
	for _, dir := range []string{"new/0/r/artifacts", "old/0/r/artifacts", "out/here", "secret"} {
		w.mkdir(dir)
	}
	w.file("old/0/r/artifacts/f", "poison")
	w.file("out/here/f", "outside")
	w.file("secret/f", "secret")
	return w
}

func (w world) at(p string) string { return filepath.Join(w.dir, filepath.FromSlash(p)) }

func (w world) mkdir(p string) {
	w.t.Helper()
	if err := os.MkdirAll(w.at(p), 0o777); err != nil {
		w.t.Fatal(err)
	}
}

func (w world) file(p, text string) {
	w.t.Helper()
	if err := os.WriteFile(w.at(p), []byte(text), 0o666); err != nil {
		w.t.Fatal(err)
	}
}

func (w world) link(to, p string) {
	w.t.Helper()
	if err := os.Symlink(to, w.at(p)); err != nil {
		w.t.Skip("no symbolic links:", err)
	}
}

func (w world) run(recorded string) Run {
	w.t.Helper()
	fsys, err := rootfs.Open(w.at("new"), rootfs.Options{})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = fsys.Close() })
	return Run{RecordedURI: recorded, ExperimentID: "0", RunID: "r", Fs: fsys, Dir: "0/r", RealDir: w.at("new/0/r")}
}

func (w world) uri(p string) string { return FileURI(filepath.ToSlash(w.at(p))) }

func (w world) plain(p string) string { return filepath.ToSlash(w.at(p)) }

func (w world) read(p *Place) string {
	w.t.Helper()
	f, err := p.Repository(false).Open(w.t.Context(), "f")
	if errors.Is(err, mlruns.ErrNotFound) {
		return ""
	}
	if err != nil {
		return err.Error()
	}
	defer f.Close()
	return readAll(w.t, f)
}

func TestLocate(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		name  string
		run   Run
		own   string // content of f in the run's own folder
		want  string // content of f that is read
		uri   string
		moved bool
		err   error
	}{
		{name: "recorded here", run: Run{RecordedURI: w.uri("new/0/r/artifacts")}, own: "mine", want: "mine", uri: w.uri("new/0/r/artifacts")},
		{name: "recorded here as a path", run: Run{RecordedURI: w.plain("new/0/r/artifacts") + "/"}, own: "mine", want: "mine", uri: w.plain("new/0/r/artifacts") + "/"},
		{name: "nothing recorded", own: "mine", want: "mine", uri: w.uri("new/0/r/artifacts")},
		{name: "moved", run: Run{RecordedURI: w.uri("old/0/r/artifacts")}, own: "mine", want: "mine", uri: w.uri("new/0/r/artifacts")},
		{name: "moved, original allowed", run: Run{RecordedURI: w.uri("old/0/r/artifacts"), Allowed: []string{w.at("old")}}, own: "mine", want: "mine", uri: w.uri("new/0/r/artifacts")},
		{name: "moved and empty", run: Run{RecordedURI: w.uri("old/0/r/artifacts")}, want: "", uri: w.uri("new/0/r/artifacts")},
		{name: "moved and empty, original allowed", run: Run{RecordedURI: w.uri("old/0/r/artifacts"), Allowed: []string{w.at("secret"), w.at("old")}},
			want: "poison", uri: w.uri("old/0/r/artifacts"), moved: true},
		{name: "moved and empty, to write", run: Run{RecordedURI: w.uri("old/0/r/artifacts"), Allowed: []string{w.at("old")}, ForWriting: true}, want: "", uri: w.uri("new/0/r/artifacts")},
		{name: "moved from Windows", run: Run{RecordedURI: `C:\Users\x\mlruns\0\r\artifacts`}, own: "mine", want: "mine", uri: w.uri("new/0/r/artifacts")},
		{name: "relative of MLflow 2.1", run: Run{RecordedURI: "./mlruns/0/r/artifacts"}, own: "mine", want: "mine", uri: w.uri("new/0/r/artifacts")},
		{name: "upwards after the suffix", run: Run{RecordedURI: w.uri("old") + "/0/r/artifacts/../x/0/r/artifacts/.."}, err: mlruns.ErrOutside},
		{name: "roundabout", run: Run{RecordedURI: w.uri("old") + "/0/x/../r//artifacts/."}, own: "mine", want: "mine", uri: w.uri("new/0/r/artifacts")},
		{name: "of another run", run: Run{RecordedURI: w.uri("old/0/x/artifacts")}, err: mlruns.ErrOutside},
		{name: "almost", run: Run{RecordedURI: w.uri("old/10/r/artifacts")}, err: mlruns.ErrOutside},
		{name: "outside", run: Run{RecordedURI: w.uri("out/here")}, err: mlruns.ErrOutside},
		{name: "outside, allowed", run: Run{RecordedURI: w.uri("out/here"), Allowed: []string{w.at("none"), w.at("out")}}, want: "outside", uri: w.uri("out/here")},
		{name: "the allowed directory itself", run: Run{RecordedURI: w.uri("out/here"), Allowed: []string{w.at("out/here")}}, want: "outside", uri: w.uri("out/here")},
		{name: "sibling of an allowed one", run: Run{RecordedURI: w.uri("secret"), Allowed: []string{w.at("sec"), w.at("out")}}, err: mlruns.ErrOutside},
		{name: "upwards from an allowed one", run: Run{RecordedURI: w.uri("out") + "/../secret", Allowed: []string{w.at("out")}}, err: mlruns.ErrOutside},
		{name: "escaped upwards", run: Run{RecordedURI: w.uri("out") + "/%2e%2e/secret", Allowed: []string{w.at("out")}}, err: mlruns.ErrOutside},
		{name: "allowed, missing", run: Run{RecordedURI: w.uri("gone/x"), Allowed: []string{w.at("gone")}}, err: fs.ErrNotExist},
		{name: "relative", run: Run{RecordedURI: "out/here", Allowed: []string{"out"}}, err: mlruns.ErrOutside},
		{name: "own root", run: Run{RecordedURI: w.uri("out/here"), OwnRoot: w.at("out")}, want: "outside", uri: w.uri("out/here")},
		{name: "own root before the suffix", run: Run{RecordedURI: w.uri("old/0/r/artifacts"), OwnRoot: w.at("old")}, own: "mine", want: "poison", uri: w.uri("old/0/r/artifacts")},
		{name: "own root, nothing there yet", run: Run{RecordedURI: w.uri("later/0/r/artifacts"), OwnRoot: w.at("later")}, want: "", uri: w.uri("later/0/r/artifacts")},
		{name: "another host", run: Run{RecordedURI: "file://h/0/r/other"}, own: "mine", err: mlruns.ErrInvalid},
	} {
		t.Run(c.name, func(t *testing.T) {
			_ = os.Remove(w.at("new/0/r/artifacts/f"))
			if c.own != "" {
				w.file("new/0/r/artifacts/f", c.own)
			}
			r := w.run(c.run.RecordedURI)
			r.OwnRoot, r.Allowed, r.ForWriting = c.run.OwnRoot, c.run.Allowed, c.run.ForWriting
			p, err := Locate(r)
			if c.err != nil {
				if !errors.Is(err, c.err) {
					t.Fatalf("Locate: %v, want %v", err, c.err)
				}
				if c.err == mlruns.ErrOutside && !strings.Contains(err.Error(), "WithArtifact") {
					t.Errorf("the text names no option: %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer p.Close()
			if got := w.read(p); got != c.want {
				t.Errorf("f holds %q, want %q", got, c.want)
			}
			if p.URI != c.uri {
				t.Errorf("URI is %q, want %q", p.URI, c.uri)
			}
			if moved := p.Problem != nil && p.Problem.Kind == mlruns.ProblemArtifacts; moved != c.moved || moved && p.Writable {
				t.Errorf("problem %v, writable %v, want moved %v", p.Problem, p.Writable, c.moved)
			}
		})
	}
}

func TestLocateWrites(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		recorded, lands string
		ownRoot         string
		allowed         []string
	}{
		{recorded: w.uri("old/0/r/artifacts"), lands: "new/0/r/artifacts/f", allowed: []string{w.at("old")}},
		{recorded: w.uri("made/0/r/artifacts"), lands: "made/0/r/artifacts/f", ownRoot: w.at("made")},
		{recorded: w.uri("out/deep/er"), lands: "out/deep/er/f", allowed: []string{w.at("out")}},
	} {
		r := w.run(c.recorded)
		r.OwnRoot, r.Allowed, r.ForWriting = c.ownRoot, c.allowed, true
		p, err := Locate(r)
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Repository(true).Write(t.Context(), "f", strings.NewReader("written")); err != nil {
			t.Errorf("%s: %v", c.recorded, err)
		}
		_ = p.Close()
		if got, err := os.ReadFile(w.at(c.lands)); string(got) != "written" {
			t.Errorf("%s holds %q, %v, want what was written", c.lands, got, err)
		}
	}
	if got, _ := os.ReadFile(w.at("old/0/r/artifacts/f")); string(got) != "poison" {
		t.Errorf("the original was changed to %q", got)
	}
}

func TestLocateReadOnly(t *testing.T) {
	w := newWorld(t)
	for _, recorded := range []string{"", w.uri("out/here"), w.uri("made/x")} {
		r := w.run(recorded)
		r.Allowed, r.OwnRoot, r.ReadOnly, r.ForWriting = []string{w.at("out")}, w.at("made"), true, true
		p, err := Locate(r)
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Repository(false).Write(t.Context(), "g", strings.NewReader("x")); !errors.Is(err, mlruns.ErrReadOnly) {
			t.Errorf("%q: write: %v, want ErrReadOnly", recorded, err)
		}
		if err := p.Repository(false).Delete(t.Context(), ""); !errors.Is(err, mlruns.ErrReadOnly) {
			t.Errorf("%q: delete: %v, want ErrReadOnly", recorded, err)
		}
		_ = p.Close()
	}
	if _, err := os.Stat(w.at("made")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a read-only store made its artifact root: %v", err)
	}
}

func TestLocateLinksOut(t *testing.T) {
	w := newWorld(t)
	w.link(w.at("secret"), "out/link")
	w.link("../../secret", "out/here/up")
	r := w.run(w.uri("out/link"))
	r.Allowed = []string{w.at("out")}
	p, err := Locate(r)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if _, err := p.Repository(false).Open(t.Context(), "f"); !errors.Is(err, mlruns.ErrOutside) {
		t.Errorf("through a link out of the allowed directory: %v, want ErrOutside", err)
	}
	r.RecordedURI = w.uri("out/here")
	if p, err = Locate(r); err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if _, err := p.Repository(false).Open(t.Context(), "up/f"); !errors.Is(err, mlruns.ErrOutside) || mlruns.CodeOf(err) != mlruns.CodeInvalidParameter {
		t.Errorf("through a link upwards: %v, want ErrOutside", err)
	}
}

func TestLocateInMemory(t *testing.T) {
	m := memfs.New()
	if err := m.MkdirAll("store/0/r", 0o777); err != nil {
		t.Fatal(err)
	}
	p, err := Locate(Run{RecordedURI: "store/0/r/artifacts", ExperimentID: "0", RunID: "r", Fs: m, Dir: "store/0/r"})
	if err != nil {
		t.Fatal(err)
	}
	if p.Folder != "store/0/r/artifacts" || p.URI != p.Folder || p.TempDir != "store/0/r" || !p.Writable || p.Close() != nil {
		t.Errorf("place is %+v", p)
	}

	w := newWorld(t)
	_, err = Locate(Run{RecordedURI: w.uri("out/here"), ExperimentID: "0", RunID: "r", Fs: m, Dir: "store/0/r", Allowed: []string{w.at("out")}, OwnRoot: w.at("out")})
	if !errors.Is(err, mlruns.ErrOutside) {
		t.Errorf("a place on disk for a store in memory: %v, want ErrOutside", err)
	}
}
