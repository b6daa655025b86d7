//go:build interop

package remote

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/mlruns/mlruns/remote"
)

// server is a running MLflow server and its database.
type server struct {
	// version is as the pins name it, "2.9"; database is "SQLite" or "PostgreSQL".
	version, database string
	// uri is where it answers, python the program that runs it.
	uri, python string
	toReset     io.Writer
	reset       *bufio.Reader
	// files are the ends of toReset and reset.
	files []*os.File
}

func (s *server) name() string { return s.version + " on " + s.database }

// empty removes all from the database.
func (s *server) empty(t *testing.T) {
	t.Helper()
	fmt.Fprintln(s.toReset)
	if line, err := s.reset.ReadString('\n'); err != nil || line != "done\n" {
		t.Fatalf("the database of MLflow %s is not emptied: %q, %v", s.name(), line, err)
	}
}

func (s *server) open(t *testing.T) *remote.Store {
	t.Helper()
	store, err := remote.Open(t.Context(), s.uri, remote.WithRetries(3, 50*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return store
}

// eachServer starts each server that MLRUNS_SERVERS names, on each database that there is.
func eachServer(t *testing.T, test func(t *testing.T, s *server)) {
	lines := strings.Fields(os.Getenv("MLRUNS_SERVERS"))
	if len(lines) == 0 {
		t.Fatal("MLRUNS_SERVERS names no Python with an MLflow server: run make interop-servers, which installs them")
	}
	for _, line := range lines {
		name, python, _ := strings.Cut(line, "=")
		version := strings.TrimPrefix(name, "server-")
		if name == fastTrackML {
			version = name
		}
		for _, database := range []string{"SQLite", "PostgreSQL"} {
			t.Run(version+" on "+database, func(t *testing.T) {
				uri := "sqlite:///" + filepath.Join(t.TempDir(), "mlflow.db")
				if database == "PostgreSQL" {
					uri = startPostgres(t)
				}
				test(t, start(t, version, database, python, uri))
			})
		}
	}
}

// fileStore gives the Python of a version whose MLflow reads folders, which MLRUNS_READERS names.
func fileStore(t *testing.T, version string) string {
	t.Helper()
	for _, line := range strings.Fields(os.Getenv("MLRUNS_READERS")) {
		if name, python, _ := strings.Cut(line, "="); name == "server-"+version {
			return python
		}
	}
	t.Fatalf("MLRUNS_READERS names no Python with MLflow %s: run make interop-servers", version)
	return ""
}

// fastTrackML is a server in Go that speaks MLflow's interface; SERVERS="fasttrackml" asks for it.
const fastTrackML = "fasttrackml"

// fastTrackURI is the URI of a database as FastTrackML writes it.
func fastTrackURI(backend string) string {
	if path, is := strings.CutPrefix(backend, "sqlite:///"); is {
		return "sqlite://" + path
	}
	return strings.Replace(backend, "postgresql+psycopg2://", "postgres://", 1) + "?sslmode=disable"
}

// start starts a server and waits until it answers.
func start(t *testing.T, version, database, python, backend string) *server {
	t.Helper()
	dir := t.TempDir()
	port := freePort(t)
	args := []string{"-W", "ignore", "-c", "from mlflow.cli import cli; cli()", "server", "--backend-store-uri", backend, "--artifacts-destination", filepath.Join(dir, "artifacts"),
		"--host", "127.0.0.1", "--port", strconv.Itoa(port), "--workers", "1"}
	if strings.HasPrefix(version, "1.") {
		args = append(args, "--serve-artifacts")
	}
	program := python
	if version == fastTrackML {
		program = filepath.Join(filepath.Dir(python), "fml")
		args = []string{"server", "--listen-address", fmt.Sprintf("127.0.0.1:%d", port), "--database-uri", fastTrackURI(backend), "--default-artifact-root", filepath.Join(dir, "artifacts")}
	}
	run(t, dir, nil, program, args...)
	s := &server{version: version, database: database, uri: fmt.Sprintf("http://127.0.0.1:%d", port), python: python}
	await(t, "MLflow "+s.name(), func() error {
		res, err := http.Get(s.uri + "/health")
		if err != nil {
			return err
		}
		res.Body.Close()
		if res.StatusCode != http.StatusOK {
			return fmt.Errorf("it answers %s", res.Status)
		}
		return nil
	})
	in, out := pipe(t)
	back, put := pipe(t)
	s.toReset, s.reset, s.files = out, newLines(back), []*os.File{out, back}
	script, err := filepath.Abs("reset.py")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(python, script, backend)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = in, put, os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { out.Close(); _ = cmd.Wait() })
	return s
}

func newLines(r io.Reader) *bufio.Reader { return bufio.NewReader(r) }

func pipe(t *testing.T) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close(); w.Close() })
	return r, w
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// run starts a program in a group of its own, which ends with the test. What it says is shown where
// the test fails.
func run(t *testing.T, dir string, as *user.User, program string, args ...string) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "MLFLOW_DISABLE_TELEMETRY=true", "PYTHONDONTWRITEBYTECODE=1", "PYTHONUTF8=1", "GIT_PYTHON_REFRESH=quiet",
		"PATH="+filepath.Dir(program)+string(os.PathListSeparator)+os.Getenv("PATH"))
	group(cmd, as)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = cmd.Wait()
		if t.Failed() {
			text := said.String()
			t.Logf("%s said:\n%s", program, text[max(0, len(text)-4000):])
		}
	})
}

func await(t *testing.T, what string, ready func() error) {
	t.Helper()
	var err error
	for end := time.Now().Add(5 * time.Minute); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		if err = ready(); err == nil {
			return
		}
	}
	t.Fatalf("%s does not start: %v", what, err)
}

// startPostgres makes and starts a database, and gives its URI. Without PostgreSQL the test is
// skipped.
func startPostgres(t *testing.T) string {
	t.Helper()
	bin := postgresBin()
	if bin == "" {
		t.Skip("there is no PostgreSQL: install Debian's package postgresql")
	}
	var as *user.User
	dir := t.TempDir()
	if os.Geteuid() == 0 { // who may do all it refuses
		var err error
		if as, err = user.Lookup("postgres"); err != nil {
			t.Skip(err)
		}
		if dir, err = os.MkdirTemp("", "mlruns-postgres"); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { os.RemoveAll(dir) })
		give(t, dir, as)
	}
	data := filepath.Join(dir, "data")
	setup := exec.Command(filepath.Join(bin, "initdb"), "-D", data, "-A", "trust", "-U", "mlflow", "-E", "UTF8", "--locale", "C", "--no-sync")
	setup.Dir = dir
	group(setup, as)
	if said, err := setup.CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v\n%s", err, said)
	}
	port := freePort(t)
	run(t, dir, as, filepath.Join(bin, "postgres"), "-D", data, "-h", "127.0.0.1", "-p", strconv.Itoa(port), "-k", dir, "-c", "fsync=off")
	await(t, "PostgreSQL", func() error {
		return exec.Command(filepath.Join(bin, "psql"), "-h", "127.0.0.1", "-p", strconv.Itoa(port), "-U", "mlflow", "-d", "postgres", "-c", "select 1").Run()
	})
	return fmt.Sprintf("postgresql+psycopg2://mlflow@127.0.0.1:%d/postgres", port)
}

func postgresBin() string {
	if found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/postgres"); len(found) > 0 {
		return filepath.Dir(found[len(found)-1])
	}
	if p, err := exec.LookPath("postgres"); err == nil {
		return filepath.Dir(p)
	}
	return ""
}
