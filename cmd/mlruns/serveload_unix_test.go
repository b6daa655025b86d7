//go:build unix

package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/internal/proof"
)

// TestServeLoad has 64 clients log for a while, beside one that does not read what it asked for and
// one that sends a file a byte at a time: both hold nobody up, no point is lost, and the process
// stays small.
func TestServeLoad(t *testing.T) {
	t.Parallel()
	s := startServing(t, filepath.Join(t.TempDir(), "m"), "--no-access-log")
	c := newCrowd(s, 64, 8)
	stop := []func(){slowReader(s, c.runs[0]), slowWriter(s, c.runs[0])}
	end := time.Now().Add(proof.Choose(400*time.Millisecond, 5*time.Second, time.Minute))
	c.work(func() bool { return time.Now().After(end) })
	for _, stop := range stop {
		stop()
	}
	memory := mostMemory(s)
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := s.end(); err != nil {
		t.Errorf("ends with %v", err)
	}
	c.account()
	slices.Sort(c.took)
	t.Logf("%d requests, p50 %v, p99 %v, most %v; memory %d KiB", len(c.took), c.took[len(c.took)/2], c.took[len(c.took)*99/100], c.took[len(c.took)-1], memory)
	if memory > 64<<10 && !hasRaceDetector() {
		t.Errorf("it took %d KiB of memory", memory)
	}
}

// TestServeKilled kills the server in the middle of the load, again and again: every point that was
// acknowledged is there, and the next server goes on with the store.
func TestServeKilled(t *testing.T) {
	t.Parallel()
	random := proof.Rand(t)
	dir := filepath.Join(t.TempDir(), "m")
	s := startServing(t, dir, "--no-access-log")
	c := newCrowd(s, 16, 4)
	for range proof.Choose(2, 5, 50) {
		killed, before := make(chan error, 1), c.answered()
		var ended atomic.Bool
		go func() {
			time.Sleep(time.Duration(20+random.IntN(300)) * time.Millisecond)
			for c.answered() == before && !ended.Load() {
				time.Sleep(time.Millisecond)
			}
			killed <- s.cmd.Process.Kill()
		}()
		c.work(func() bool { return false })
		ended.Store(true)
		if err := <-killed; err != nil {
			t.Fatal(err)
		}
		_ = s.end()
		c.account(mlruns.ProblemLeftover) // the file of a tag that was being written
		s = startServing(t, dir, "--no-access-log")
		c.again(s)
	}
	t.Logf("%d requests", len(c.took))
}

// TestServeLargeArtifact sends and fetches a file in much less memory than it has. One that breaks
// off leaves nothing.
func TestServeLargeArtifact(t *testing.T) {
	t.Parallel()
	const most = 32 << 10 // KiB
	size := proof.Choose[int64](80<<20, 256<<20, 2<<30)
	s := startServing(t, filepath.Join(t.TempDir(), "m"))
	run := s.run()
	if status := s.put(run, "/artifacts/large", &repeated{n: size}); status != http.StatusOK {
		t.Fatalf("answered %d", status)
	}
	conn := s.dial()
	if _, err := fmt.Fprintf(conn, "PUT %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n", artifactPath(run, "/artifacts/broken"), size); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(conn, &repeated{n: size / 2}); err != nil {
		t.Fatal(err)
	}
	_ = conn.Close()
	for _, part := range []struct {
		ranges     string
		from, size int64
	}{{"", 0, size}, {fmt.Sprintf("bytes=%d-", size-1000), size - 1000, 1000}, {fmt.Sprintf("bytes=%d-%d", size/2, size/2+99), size / 2, 100}, {"bytes=-5", size - 5, 5}} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.uri+artifactPath(run, "/artifacts/large"), nil)
		if err != nil {
			t.Fatal(err)
		}
		if part.ranges != "" {
			r.Header.Set("Range", part.ranges)
		}
		res, err := s.http.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		if n, err := differs(res.Body, &repeated{at: part.from, n: part.from + part.size}); err != nil || n != part.size {
			t.Errorf("%q: %d bytes came, %v, want %d", part.ranges, n, err, part.size)
		}
		_ = res.Body.Close()
	}
	if memory := mostMemory(s); memory > most && !hasRaceDetector() {
		t.Errorf("it took %d KiB of memory", memory)
	} else {
		t.Logf("a file of %d MiB took %d KiB of memory", size>>20, memory)
	}
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := s.end(); err != nil {
		t.Errorf("ends with %v", err)
	}
	for _, dir := range []string{filepath.Join(s.dir, "0", run, "artifacts"), filepath.Join(s.dir, ".mlruns.trash")} {
		entries, err := os.ReadDir(dir)
		if err != nil || len(entries) > 1 || len(entries) == 1 && entries[0].Name() != "large" {
			t.Errorf("%s has %v, %v", dir, entries, err)
		}
	}
}

// differs compares two readers to their ends and gives how many bytes are the same.
func differs(got io.Reader, want io.Reader) (n int64, err error) {
	a, b := make([]byte, 64<<10), make([]byte, 64<<10)
	for {
		m, err := io.ReadFull(got, a)
		k, _ := io.ReadFull(want, b)
		if !bytes.Equal(a[:m], b[:k]) {
			return n, fmt.Errorf("the bytes after %d differ", n)
		}
		n += int64(m)
		if err != nil {
			if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
				err = nil
			}
			return n, err
		}
	}
}

// TestServeIdleConnections keeps many more connections open than there are places, silent or with
// half of a header: whoever asks is answered, on a connection that was kept and on a new one.
func TestServeIdleConnections(t *testing.T) {
	t.Parallel()
	s := startServing(t, filepath.Join(t.TempDir(), "m"), "--no-access-log")
	id := s.run()
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	n := min(proof.Choose(3*mostConnections, 3*mostConnections, 10_000), int(limit.Cur)/2)
	for i := range n {
		conn := s.dial()
		if i%2 == 0 {
			if _, err := io.WriteString(conn, "POST /api/2.0/mlflow/runs/create HTTP/1.1\r\nHost: loc"); err != nil {
				t.Fatal(err)
			}
		}
		if i%(n/10) == 0 {
			s.http.CloseIdleConnections()
			begin := time.Now()
			if status, text := s.post("runs/log-metric", fmt.Sprintf(`{"run_id":%q,"key":"m","value":1,"timestamp":1,"step":%d}`, id, i)); status != http.StatusOK {
				t.Fatalf("beside %d connections answered %d %s", i, status, text)
			}
			// After 10 s without a whole header the connections are closed anyhow.
			if took := time.Since(begin); took > 8*time.Second {
				t.Errorf("beside %d connections it took %v", i, took)
			}
		}
	}
	t.Logf("%d connections; memory %d KiB", n, mostMemory(s))
}

// slowReader asks for a large file and takes a little of it. It gives what ends it.
func slowReader(s *served, run string) (stop func()) {
	s.Helper()
	const path = "/artifacts/large"
	if status := s.put(run, path, &repeated{n: 32 << 20}); status != http.StatusOK {
		s.Fatalf("a file is answered %d", status)
	}
	conn := s.dial()
	if _, err := fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", artifactPath(run, path)); err != nil {
		s.Fatal(err)
	}
	if _, err := io.ReadFull(conn, make([]byte, 100)); err != nil {
		s.Fatal(err)
	}
	return func() { _ = conn.Close() }
}

// slowWriter sends a file a byte at a time, and never all of it.
func slowWriter(s *served, run string) (stop func()) {
	s.Helper()
	conn := s.dial()
	if _, err := fmt.Fprintf(conn, "PUT %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n", artifactPath(run, "/artifacts/slow")); err != nil {
		s.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			if _, err := conn.Write([]byte("x")); err != nil {
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
	}()
	return func() {
		_ = conn.Close()
		<-ended
	}
}

// repeated gives n bytes, each of which tells where it is.
type repeated struct{ at, n int64 }

func (r *repeated) Read(p []byte) (int, error) {
	if r.at == r.n {
		return 0, io.EOF
	}
	n := min(int64(len(p)), r.n-r.at)
	for i := range p[:n] {
		p[i] = byteAt(r.at + int64(i))
	}
	r.at += n
	return int(n), nil
}

func byteAt(at int64) byte { return byte(at ^ at>>8 ^ at>>16 ^ at>>24) }

func artifactPath(run, path string) string {
	return "/api/2.0/mlflow-artifacts/artifacts/0/" + run + path
}

func (s *served) put(run, path string, body io.Reader) (status int) {
	s.Helper()
	r, err := http.NewRequestWithContext(s.Context(), http.MethodPut, s.uri+artifactPath(run, path), body)
	if err != nil {
		s.Fatal(err)
	}
	res, err := s.http.Do(r)
	if err != nil {
		s.Fatal(err)
	}
	_ = res.Body.Close()
	return res.StatusCode
}

func (s *served) dial() net.Conn {
	s.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.uri, "http://"))
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { _ = conn.Close() })
	return conn
}

// mostMemory is the largest resident set of a process so far in KiB, 0 where the system does not
// tell it.
func mostMemory(s *served) int {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if size, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kib, err := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(size), " kB"))
			if err != nil {
				s.Fatal(err)
			}
			return kib
		}
	}
	return 0
}

// hasRaceDetector reports whether the race detector takes memory and time too.
func hasRaceDetector() bool {
	info, ok := debug.ReadBuildInfo()
	return ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}
