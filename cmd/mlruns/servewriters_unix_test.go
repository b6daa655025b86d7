//go:build unix

package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/internal/proof"
)

// asPython writes files as MLflow's file store does: over what is there, and without a lock.
type asPython struct {
	*testing.T
	dir string
}

func (p asPython) write(name, content string) {
	p.Helper()
	name = filepath.Join(p.dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		p.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(content), 0o666); err != nil {
		p.Fatal(err)
	}
}

func (p asPython) appendTo(name, line string) {
	p.Helper()
	f, err := os.OpenFile(filepath.Join(p.dir, filepath.FromSlash(name)), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o666)
	if err != nil {
		p.Fatal(err)
	}
	if _, err := f.WriteString(line); err != nil {
		p.Fatal(err)
	}
	if err := f.Close(); err != nil {
		p.Fatal(err)
	}
}

func (p asPython) move(from, to string) {
	p.Helper()
	if err := os.Rename(filepath.Join(p.dir, filepath.FromSlash(from)), filepath.Join(p.dir, filepath.FromSlash(to))); err != nil {
		p.Fatal(err)
	}
}

func (p asPython) experiment(id, name, stage string) {
	p.Helper()
	p.write(id+"/meta.yaml", fmt.Sprintf("artifact_location: file://%s/%s\ncreation_time: 1700000000000\nexperiment_id: '%s'\nlast_update_time: 1700000000000\nlifecycle_stage: %s\nname: %s\n", p.dir, id, id, stage, name))
}

func (p asPython) run(experiment, id, stage string, status int) {
	p.Helper()
	p.write(experiment+"/"+id+"/meta.yaml", fmt.Sprintf("artifact_uri: file://%[1]s/%[2]s/%[3]s/artifacts\nend_time: null\nentry_point_name: ''\nexperiment_id: '%[2]s'\nlifecycle_stage: %[4]s\nrun_id: %[3]s\nrun_name: r\nrun_uuid: %[3]s\n"+
		"source_name: ''\nsource_type: 4\nsource_version: ''\nstart_time: 1700000000000\nstatus: %[5]d\ntags: []\nuser_id: u\n", p.dir, experiment, id, stage, status))
	for _, folder := range []string{"metrics", "params", "tags", "artifacts"} {
		if err := os.MkdirAll(filepath.Join(p.dir, experiment, id, folder), 0o777); err != nil {
			p.Fatal(err)
		}
	}
}

// wants asks the server and compares its status, and that the answer has a text.
func (s *served) wants(after, call, body string, status int, text string) {
	s.Helper()
	var got int
	var answer string
	if body == "" {
		got, answer = s.get(call)
	} else {
		got, answer = s.post(call, body)
	}
	if got != status || !strings.Contains(answer, text) {
		s.Errorf("after %s: %s %s is answered %d %s, want %d with %s", after, call, body, got, answer, status, text)
	}
}

// TestServeBesidePython has files written beneath a running server as MLflow's file store, a sync
// program and a person with an editor do. The server keeps files and folders open, and its next
// answer is that of the files.
func TestServeBesidePython(t *testing.T) {
	t.Parallel()
	s := startServing(t, filepath.Join(t.TempDir(), "m"))
	p := asPython{t, s.dir}
	const id = "0123456789abcdef0123456789abcdef"
	of := func(rest string) string { return fmt.Sprintf(`{"run_id":%q%s}`, id, rest) }
	metric := func(step int) string {
		return of(fmt.Sprintf(`,"key":"m","value":%d,"timestamp":1,"step":%[1]d`, step))
	}
	s.wants("nothing", "runs/get?run_id="+id, "", 404, "RESOURCE_DOES_NOT_EXIST")
	p.experiment("111", "one", "active")
	s.wants("a new experiment", "experiments/get-by-name?experiment_name=one", "", 200, `"111"`)
	p.run("111", id, "active", 1)
	s.wants("a new run", "runs/get?run_id="+id, "", 200, `"RUNNING"`)
	s.wants("a new run", "runs/search", `{"experiment_ids":["111"]}`, 200, id)
	s.wants("a new run", "runs/log-metric", metric(1), 200, "{}")
	p.appendTo("111/"+id+"/metrics/m", "2 0.5 2\n")
	s.wants("a point beside ours", "runs/log-metric", metric(3), 200, "{}")
	p.appendTo("111/"+id+"/metrics/m", "4 0.25 4\n")
	s.wants("points in turn", "metrics/get-history?metric_key=m&run_id="+id, "", 200,
		`[{"key":"m","value":1,"timestamp":1,"step":1,"run_id":"`+id+`"},{"key":"m","value":0.5,"timestamp":2,"step":2,"run_id":"`+id+`"},{"key":"m","value":3,"timestamp":1,"step":3,"run_id":"`+id+`"},{"key":"m","value":0.25,"timestamp":4,"step":4,"run_id":"`+id+`"}]`)
	s.wants("a later point", "runs/search", `{"experiment_ids":["111"],"filter":"metrics.m = 0.25"}`, 200, id)
	s.wants("a tag of ours", "runs/set-tag", of(`,"key":"t","value":"ours"`), 200, "{}")
	p.write("111/"+id+"/tags/t", "theirs")
	s.wants("a tag that was written over", "runs/get?run_id="+id, "", 200, `{"key":"t","value":"theirs"}`)
	s.wants("a tag that was written over", "runs/search", `{"experiment_ids":["111"],"filter":"tags.t = 'theirs'"}`, 200, id)
	s.wants("a tag that was written over", "runs/delete-tag", of(`,"key":"t"`), 200, "{}")
	p.run("111", id, "active", 3)
	s.wants("the run's end", "runs/get?run_id="+id, "", 200, `"FINISHED"`)
	p.run("111", id, "deleted", 3)
	s.wants("the run's removal", "runs/log-metric", metric(5), 400, "must be in 'active' lifecycle_stage")
	s.wants("the run's removal", "runs/search", `{"experiment_ids":["111"]}`, 200, `{"runs":[]}`)
	p.run("111", id, "active", 3)
	s.wants("the run's return", "runs/log-metric", metric(6), 200, "{}")
	p.experiment("111", "two", "active")
	s.wants("a new name", "experiments/get-by-name?experiment_name=one", "", 404, "RESOURCE_DOES_NOT_EXIST")
	s.wants("a new name", "experiments/get-by-name?experiment_name=two", "", 200, `"111"`)
	p.experiment("222", "other", "active")
	p.move("111/"+id, "222/"+id)
	p.run("222", id, "active", 3)
	s.wants("a move of the run", "runs/log-metric", metric(7), 200, "{}")
	s.wants("a move of the run", "runs/search", `{"experiment_ids":["222"]}`, 200, id)
	s.wants("a move of the run", "runs/search", `{"experiment_ids":["111"]}`, 200, `{"runs":[]}`)
	// a sync program puts a copy in place of the folder
	p.move("222/"+id, "222/old")
	p.run("222", id, "active", 3)
	s.wants("another folder in its place", "runs/log-metric", metric(8), 200, "{}")
	s.wants("another folder in its place", "metrics/get-history?metric_key=m&run_id="+id, "", 200, `{"metrics":[{"key":"m","value":8,`)
	if err := os.RemoveAll(filepath.Join(s.dir, "222", "old")); err != nil {
		t.Fatal(err)
	}
	p.experiment("222", "other", "deleted")
	p.move("222", ".trash/222")
	s.wants("the experiment's removal", "experiments/get?experiment_id=222", "", 200, `"deleted"`)
	s.wants("the experiment's removal", "runs/create", `{"experiment_id":"222"}`, 409, "INVALID_STATE")
	if err := os.RemoveAll(filepath.Join(s.dir, ".trash", "222")); err != nil {
		t.Fatal(err)
	}
	s.wants("its removal for good", "runs/get?run_id="+id, "", 404, "RESOURCE_DOES_NOT_EXIST")
	s.wants("its removal for good", "runs/log-metric", metric(9), 404, "RESOURCE_DOES_NOT_EXIST")
}

// TestServeTwice has two servers of one store, and a program that uses the library, log to the same
// runs at once: each point is there once.
func TestServeTwice(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "m")
	first := startServing(t, dir, "--no-access-log")
	second := startServing(t, dir, "--no-access-log")
	one := newCrowd(first, 8, 2)
	two := newCrowd(second, 8, 0)
	two.runs, two.name = one.runs, "second"
	store, err := filestore.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = store.Close() }()
	end := time.Now().Add(proof.Choose(500*time.Millisecond, 2*time.Second, 30*time.Second))
	over := func() bool { return time.Now().After(end) }
	var both sync.WaitGroup
	for _, c := range []*crowd{one, two} {
		both.Go(func() { c.work(over) })
	}
	n := int64(0)
	for ; !over(); n++ {
		if err := store.LogMetric(t.Context(), one.runs[0], mlruns.Metric{Key: "library", Value: 1, Step: n}); err != nil {
			t.Fatal(err)
		}
	}
	both.Wait()
	one.account()
	two.account()
	got := int64(0)
	for _, err := range store.MetricHistory(t.Context(), one.runs[0], "library", mlruns.HistoryQuery{}) {
		if err != nil {
			t.Fatal(err)
		}
		got++
	}
	if got != n {
		t.Errorf("%d points of the library are there, want %d", got, n)
	}
}

// TestServeReadOnly serves a folder in which nothing may be written, and writes nothing.
func TestServeReadOnly(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "m")
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
	before := tree(t, dir)
	s := startServing(t, dir, "--read-only")
	s.wants("nothing", "runs/get?run_id="+run.Info.ID, "", 200, run.Info.ID)
	s.wants("nothing", "runs/search", `{"experiment_ids":["0"]}`, 200, run.Info.ID)
	s.wants("nothing", "runs/create", `{}`, 403, "PERMISSION_DENIED")
	s.wants("nothing", "runs/log-metric", fmt.Sprintf(`{"run_id":%q,"key":"m","value":1,"timestamp":1}`, run.Info.ID), 403, "PERMISSION_DENIED")
	if status := s.put(run.Info.ID, "/artifacts/f", strings.NewReader("x")); status != http.StatusForbidden {
		t.Errorf("a file is answered %d", status)
	}
	if after := tree(t, dir); after != before {
		t.Errorf("the folder has\n%s, want\n%s", after, before)
	}
}

// tree is all that a folder has, with times of change.
func tree(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	if err := filepath.Walk(dir, func(name string, info os.FileInfo, err error) error {
		if err == nil {
			fmt.Fprintln(&b, name, info.Mode(), info.Size(), info.ModTime().UnixNano())
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestServeIdleTimeout ends when nothing was asked for a time, and not while something is under
// way, however long that takes.
func TestServeIdleTimeout(t *testing.T) {
	t.Parallel()
	const timeout = time.Second
	dir := filepath.Join(t.TempDir(), "m")
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
	s := startServing(t, dir, "--idle-timeout", timeout.String())
	conn := s.dial()
	if _, err := fmt.Fprintf(conn, "PUT %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: 20\r\n\r\n", artifactPath(id, "/artifacts/f")); err != nil {
		t.Fatal(err)
	}
	for range 20 { // the file takes longer
		time.Sleep(timeout * 6 / 5 / 20)
		if _, err := conn.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.end(); err != nil {
		t.Errorf("ends with %v", err)
	}
	if text, err := os.ReadFile(filepath.Join(s.dir, "0", id, "artifacts", "f")); err != nil || len(text) != 20 {
		t.Errorf("the file has %q, %v", text, err)
	}
}

// TestServeEndsUnderLoad asks a server to end in the middle of the load: it exits with 0, and what
// was acknowledged is there.
func TestServeEndsUnderLoad(t *testing.T) {
	t.Parallel()
	s := startServing(t, filepath.Join(t.TempDir(), "m"), "--no-access-log")
	c := newCrowd(s, 8, 2)
	asked := make(chan error, 1)
	time.AfterFunc(200*time.Millisecond, func() { asked <- s.cmd.Process.Signal(syscall.SIGTERM) })
	c.work(func() bool { return false })
	if err := <-asked; err != nil {
		t.Fatal(err)
	}
	if err := s.end(); err != nil {
		t.Errorf("ends with %v", err)
	}
	c.account()
	for client := range c.clients {
		if lost := c.asked[client] - c.acknowledged[client]; lost > 10 {
			t.Errorf("client %d: %d points were under way", client, lost)
		}
	}
}

func (s *served) get(call string) (int, string) {
	s.Helper()
	res, err := s.http.Get(s.uri + "/api/2.0/mlflow/" + call)
	if err != nil {
		s.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	var answer json.RawMessage
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil {
		s.Fatal(err)
	}
	return res.StatusCode, string(answer)
}
