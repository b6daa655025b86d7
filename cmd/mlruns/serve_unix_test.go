//go:build unix

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
)

// served is a process "mlruns serve".
type served struct {
	*testing.T
	cmd  *exec.Cmd
	uri  string
	dir  string
	log  *bufio.Scanner
	http *http.Client
}

func startServing(t *testing.T, dir string, args ...string) *served {
	t.Helper()
	s := &served{T: t, dir: dir, http: &http.Client{Transport: &http.Transport{ExpectContinueTimeout: atMost}}}
	s.cmd = exec.Command("mlruns", append([]string{"serve", "--json", "--port", "0", "--ui", "none", "--store", dir}, args...)...)
	s.cmd.Env = append(os.Environ(), "GORACE=atexit_sleep_ms=0")
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	errs, err := s.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.cmd.Process.Kill() })
	s.log = bufio.NewScanner(errs)
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("nothing is said: %v", err)
	}
	var said servedShape
	if err := json.Unmarshal([]byte(line), &said); err != nil {
		t.Fatal(err)
	}
	s.uri = said.URI
	return s
}

// end waits for the process, which must end in time.
func (s *served) end() error {
	s.Helper()
	ended := make(chan error, 1)
	go func() { ended <- s.cmd.Wait() }()
	select {
	case err := <-ended:
		return err
	case <-time.After(atMost):
		s.Fatal("the server does not end")
		return nil
	}
}

// refuses waits until no connection is accepted any more.
func (s *served) refuses() {
	s.Helper()
	for late := time.Now().Add(atMost); ; time.Sleep(10 * time.Millisecond) {
		conn, err := net.Dial("tcp", strings.TrimPrefix(s.uri, "http://"))
		if err != nil {
			return
		}
		_ = conn.Close()
		if time.Now().After(late) {
			s.Fatal("connections are still accepted")
		}
	}
}

func (s *served) post(call, body string) (int, string) {
	s.Helper()
	res, err := s.http.Post(s.uri+"/api/2.0/mlflow/"+call, "application/json", strings.NewReader(body))
	if err != nil {
		s.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		s.Fatal(err)
	}
	return res.StatusCode, string(text)
}

func (s *served) run() string {
	s.Helper()
	_, text := s.post("runs/create", `{"experiment_id":"0"}`)
	var answer struct {
		Run struct {
			Info struct {
				ID string `json:"run_id"`
			} `json:"info"`
		} `json:"run"`
	}
	if err := json.Unmarshal([]byte(text), &answer); err != nil || answer.Run.Info.ID == "" {
		s.Fatalf("runs/create is answered %s, %v", text, err)
	}
	return answer.Run.Info.ID
}

// TestServeEndsGracefully tells the server to end while a file is sent to it: what is under way is
// done, nothing new begins, and the log has a line for each.
func TestServeEndsGracefully(t *testing.T) {
	t.Parallel()
	s := startServing(t, filepath.Join(t.TempDir(), "m"))
	id := s.run()
	body, feed := io.Pipe()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPut, s.uri+"/api/2.0/mlflow-artifacts/artifacts/0/"+id+"/artifacts/f", body)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Expect", "100-continue") // so that nothing is sent before the server reads it
	answered := make(chan int, 1)
	go func() {
		res, err := s.http.Do(r)
		if err != nil {
			answered <- 0
			return
		}
		_ = res.Body.Close()
		answered <- res.StatusCode
	}()
	if _, err := feed.Write([]byte("half ")); err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	s.refuses()
	if _, err := feed.Write([]byte("whole")); err != nil {
		t.Fatal(err)
	}
	_ = feed.Close()
	if status := <-answered; status != http.StatusOK {
		t.Errorf("the file is answered %d", status)
	}
	n := 0
	for s.log.Scan() {
		n++
		var line struct {
			Method, Path string
			Status       int
		}
		if err := json.Unmarshal(s.log.Bytes(), &line); err != nil || line.Status != 200 || line.Path == "" {
			t.Errorf("the log has %s, %v", s.log.Text(), err)
		}
	}
	if err := s.end(); err != nil || n != 2 {
		t.Errorf("the server ends with %v, %d lines in the log", err, n)
	}
	text, err := os.ReadFile(filepath.Join(s.dir, "0", id, "artifacts", "f"))
	if err != nil || string(text) != "half whole" {
		t.Errorf("the file has %q, %v", text, err)
	}
}

// TestServeSecondInterrupt ends at once although a request is under way: half of a file is none.
func TestServeSecondInterrupt(t *testing.T) {
	t.Parallel()
	s := startServing(t, filepath.Join(t.TempDir(), "m"))
	id := s.run()
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.uri, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := fmt.Fprintf(conn, "PUT /api/2.0/mlflow-artifacts/artifacts/0/%s/artifacts/f HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\nExpect: 100-continue\r\n\r\n", id); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(conn).ReadString('\n'); err != nil || !strings.Contains(line, "100 Continue") {
		t.Fatalf("the request is answered %q, %v", line, err)
	}
	if _, err := conn.Write([]byte("half")); err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	s.refuses() // it has seen the first
	if err := s.cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if err := s.end(); err == nil {
		t.Error("exits with 0, want a failure")
	}
	if _, err := os.Stat(filepath.Join(s.dir, "0", id, "artifacts", "f")); err == nil {
		t.Error("half of the file is there")
	}
}

// TestServeSocket listens at a Unix socket that nobody else can open, in place of one that a killed
// server left.
func TestServeSocket(t *testing.T) {
	t.Parallel()
	dir, err := os.MkdirTemp("", "s") // a path of a test is too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	name := filepath.Join(dir, "sock")
	get := func() (int, error) {
		client := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", name)
		}}}
		res, err := client.Get("http://localhost/health")
		if err != nil {
			return 0, err
		}
		defer func() { _ = res.Body.Close() }()
		return res.StatusCode, nil
	}
	first := startServing(t, filepath.Join(dir, "m"), "--socket", name)
	if status, err := get(); status != http.StatusOK {
		t.Errorf("answered %d, %v", status, err)
	}
	if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the socket is %v, %v", info, err)
	}
	if err := first.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = first.end()
	second := startServing(t, filepath.Join(dir, "m"), "--socket", name)
	if status, err := get(); status != http.StatusOK {
		t.Errorf("the second is answered %d, %v", status, err)
	}
	third := exec.Command("mlruns", "serve", "--socket", name, "--store", filepath.Join(dir, "m"))
	if text, err := third.CombinedOutput(); err == nil || !strings.Contains(string(text), "somebody listens at") {
		t.Errorf("a third at the same socket: %v, %s", err, text)
	}
	if err := second.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := second.end(); err != nil {
		t.Errorf("ends with %v", err)
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 1 {
		t.Errorf("left: %v, %v", left, err)
	}
}

// TestServeUntilUnused serves as long as somebody is connected, who asks nothing, and ends after
// the last one has gone.
func TestServeUntilUnused(t *testing.T) {
	t.Parallel()
	s := startServing(t, filepath.Join(t.TempDir(), "m"), "--unused-timeout", "1s")
	holder := func() net.Conn {
		conn, err := net.Dial("tcp", strings.TrimPrefix(s.uri, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := fmt.Fprint(conn, "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		if line, err := bufio.NewReader(conn).ReadString('\n'); err != nil || !strings.Contains(line, "200 OK") {
			t.Fatalf("answered %q, %v", line, err)
		}
		return conn
	}
	first, second := holder(), holder()
	_ = first.Close()
	ended := make(chan error, 1)
	go func() { ended <- s.cmd.Wait() }()
	select {
	case err := <-ended:
		t.Fatalf("ends with %v while somebody is connected", err)
	case <-time.After(1500 * time.Millisecond):
	}
	_ = second.Close()
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("ends with %v", err)
		}
	case <-time.After(atMost):
		t.Error("the server does not end")
	}
}

// TestServeArtifactsDestination serves a store as "mlflow server" leaves it: its runs record
// locations at the server, and the files lie in a folder beside it.
func TestServeArtifactsDestination(t *testing.T) {
	t.Parallel()
	top := t.TempDir()
	dir, files := filepath.Join(top, "m"), filepath.Join(top, "mlartifacts")
	store, err := filestore.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	run, err := store.CreateRun(t.Context(), mlruns.RunSpec{})
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	id := run.Info.ID
	meta := filepath.Join(dir, "0", id, "meta.yaml")
	text, err := os.ReadFile(meta)
	if err != nil {
		t.Fatal(err)
	}
	recorded := strings.Replace(string(text), run.Info.ArtifactURI, "mlflow-artifacts:/0/"+id+"/artifacts", 1)
	if err := os.WriteFile(meta, []byte(recorded), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(files, "0", id, "artifacts"), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(files, "0", id, "artifacts", "f"), []byte("hello"), 0o666); err != nil {
		t.Fatal(err)
	}
	s := startServing(t, dir, "--artifacts-destination", files)
	path := s.uri + "/api/2.0/mlflow-artifacts/artifacts/0/" + id + "/artifacts/"
	put, err := http.NewRequestWithContext(t.Context(), http.MethodPut, path+"g", strings.NewReader("new"))
	if err != nil {
		t.Fatal(err)
	}
	for name, send := range map[string]func() (*http.Response, error){
		"get": func() (*http.Response, error) { return s.http.Get(path + "f") },
		"put": func() (*http.Response, error) { return s.http.Do(put) },
	} {
		res, err := send()
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if res.StatusCode != http.StatusOK || err != nil || name == "get" && string(body) != "hello" {
			t.Errorf("%s is answered %d %s, %v", name, res.StatusCode, body, err)
		}
	}
	if text, err := os.ReadFile(filepath.Join(files, "0", id, "artifacts", "g")); err != nil || string(text) != "new" {
		t.Errorf("the new file has %q, %v", text, err)
	}
}
