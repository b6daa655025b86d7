package server

import (
	"fmt"
	"io"
	"net"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/internal/memfs"
)

// impatient starts a server that waits so long for the next piece.
func impatient(t *testing.T, patience time.Duration) (addr, runID string, store *filestore.Store, log chan Access) {
	t.Helper()
	store, err := filestore.Open("/mlruns", filestore.WithFs(memfs.New()))
	if err != nil {
		t.Fatal(err)
	}
	run, err := store.CreateRun(t.Context(), mlruns.RunSpec{})
	if err != nil {
		t.Fatal(err)
	}
	log = make(chan Access, 10)
	h := httptest.NewServer(New(store, WithAccessLog(func(a Access) { log <- a }), func(o *options) { o.patience = patience }))
	t.Cleanup(func() {
		h.Close()
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return h.Listener.Addr().String(), run.Info.ID, store, log
}

func talk(t *testing.T, addr, text string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
	return conn
}

func ended(t *testing.T, log chan Access) Access {
	t.Helper()
	select {
	case a := <-log:
		return a
	case <-time.After(5 * time.Second):
		t.Fatal("the request has not ended")
	}
	return Access{}
}

// TestSlowSender sends part of a body and then nothing: the call ends, and nothing is written.
func TestSlowSender(t *testing.T) {
	addr, id, store, log := impatient(t, 100*time.Millisecond)
	for _, request := range []string{
		"POST /api/2.0/mlflow/runs/set-tag HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{",
		"PUT /api/2.0/mlflow-artifacts/artifacts/0/" + id + "/artifacts/f HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nx",
	} {
		talk(t, addr, request)
		if a := ended(t, log); a.Status != 400 || a.Took < 50*time.Millisecond {
			t.Errorf("%.60s ended with %+v", request, a)
		}
	}
	if list, err := store.Artifacts(t.Context(), id, ""); err != nil || len(list) != 0 {
		t.Errorf("left: %v, %v", list, err)
	}
}

// TestSteadySender sends slowly and does go on: a body may take longer than the patience.
func TestSteadySender(t *testing.T) {
	addr, id, store, log := impatient(t, 400*time.Millisecond)
	conn := talk(t, addr, fmt.Sprintf("PUT /api/2.0/mlflow-artifacts/artifacts/0/%s/artifacts/f HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n", id, 6*piece))
	for range 6 {
		time.Sleep(90 * time.Millisecond)
		if _, err := io.WriteString(conn, strings.Repeat("x", piece)); err != nil {
			t.Fatal(err)
		}
	}
	if a := ended(t, log); a.Status != 200 || a.Took < 450*time.Millisecond {
		t.Errorf("ended with %+v", a)
	}
	if list, err := store.Artifacts(t.Context(), id, ""); err != nil || len(list) != 1 || list[0].Size != 6*piece {
		t.Errorf("stored: %v, %v", list, err)
	}
}

// TestSlowReader asks for a large file and does not read it: the request ends.
func TestSlowReader(t *testing.T) {
	addr, id, store, log := impatient(t, 100*time.Millisecond)
	if err := store.WriteArtifact(t.Context(), id, "big", strings.NewReader(strings.Repeat("x", 64<<20))); err != nil {
		t.Fatal(err)
	}
	talk(t, addr, "GET /get-artifact?path=big&run_id="+id+" HTTP/1.1\r\nHost: localhost\r\n\r\n")
	if a := ended(t, log); a.Bytes >= 64<<20 {
		t.Errorf("ended with %+v", a)
	}
}
