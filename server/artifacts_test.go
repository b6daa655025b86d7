package server_test

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/internal/memfs"
	"github.com/mlruns/mlruns/server"
)

func proxied(id, path string) string {
	return "/api/2.0/mlflow-artifacts/artifacts/0/" + id + "/artifacts" + path
}

func TestArtifacts(t *testing.T) {
	a := serve(t)
	id := a.run()
	for path, body := range map[string]string{"/a%20b.txt": "hello", "/dir/%C3%A9.html": "<b>", "/dir/empty": "", "/dir/x%23y": "sharp"} {
		if got := a.send("PUT", proxied(id, path), body, "Content-Type", "application/octet-stream"); got.status != 200 || got.body != "{}\n" {
			t.Fatalf("PUT %s is answered %d %s", path, got.status, got.body)
		}
	}
	for _, path := range []string{proxied(id, "/a%20b.txt"), "/get-artifact?path=a%20b.txt&run_uuid=" + id, "/get-artifact?path=a+b.txt&run_id=" + id, "/ajax-api/2.0" + proxied(id, "/a%20b.txt")[len("/api/2.0"):]} {
		got := a.send("GET", path, "")
		if got.status != 200 || got.body != "hello" || got.header.Get("Content-Disposition") != `attachment; filename="a b.txt"` || got.header.Get("X-Content-Type-Options") != "nosniff" ||
			got.header.Get("Content-Security-Policy") != "sandbox; default-src 'none'" || got.header.Get("Cache-Control") != "no-store" || got.header.Get("Content-Type") != "text/plain" || got.header.Get("Content-Length") != "5" {
			t.Errorf("GET %s: %+v", path, got)
		}
	}
	if got := a.send("GET", proxied(id, "/dir/%C3%A9.html"), ""); got.body != "<b>" || got.header.Get("Content-Disposition") != "attachment; filename*=utf-8''%C3%A9.html" {
		t.Errorf("%+v", got)
	}
	if got := a.send("GET", proxied(id, "/dir/x%23y"), ""); got.body != "sharp" {
		t.Errorf("%+v", got)
	}
	if got := a.send("GET", proxied(id, "/a%20b.txt"), "", "Range", "bytes=1-2"); got.status != http.StatusPartialContent || got.body != "el" {
		t.Errorf("a range: %+v", got)
	}
	if got := a.get("artifacts/list?run_id=" + id + "&path=dir"); at(got, "files", 0, "path") != "dir/empty" || at(got, "files", 1, "path") != "dir/x#y" || at(got, "root_uri") != "mlflow-artifacts:/0/"+id+"/artifacts" {
		t.Errorf("artifacts/list: %v", got)
	}
	list := func(path string) string {
		return a.send("GET", "/api/2.0/mlflow-artifacts/artifacts?path="+url.QueryEscape("0/"+id+"/artifacts"+path), "").body
	}
	for path, want := range map[string]string{
		"":           `{"files":[{"path":"a b.txt","is_dir":false,"file_size":5},{"path":"dir","is_dir":true}]}` + "\n",
		"/dir":       `{"files":[{"path":"empty","is_dir":false,"file_size":0},{"path":"x#y","is_dir":false,"file_size":5},{"path":"é.html","is_dir":false,"file_size":3}]}` + "\n",
		"/none":      "{}\n",
		"/dir/empty": "{}\n",
	} {
		if got := list(path); got != want {
			t.Errorf("a list of %q is %s, want %s", path, got, want)
		}
	}
	for _, path := range []string{proxied(id, "/./dir/./x%23y"), "/get-artifact?path=./dir/./x%23y&run_id=" + id} {
		if got := a.send("GET", path, ""); got.body != "sharp" {
			t.Errorf("GET %s is answered %d %s", path, got.status, got.body)
		}
	}
	if got := a.get("artifacts/list?path=.&run_id=" + id); at(got, "files", 1, "path") != "dir" {
		t.Errorf("a list of \".\" is %v", got)
	}
	if got := a.send("GET", "//model-versions/get-artifact?name=m&version=1&path=../x", ""); got.status != 400 || !strings.Contains(got.body, `"Invalid path"`) {
		t.Errorf("a bad path of a model version: %+v", got)
	}
	if got := a.send("GET", "/model-versions/get-artifact?name=m&version=1&path=x", ""); got.status != 501 {
		t.Errorf("a model version: %+v", got)
	}
	if got := a.send("DELETE", proxied(id, "/dir"), ""); got.status != 200 || list("/dir") != "{}\n" {
		t.Errorf("DELETE: %+v", got)
	}
	for path, want := range map[string]int{proxied(id, "/none"): 404, proxied(id, ""): 400, "/get-artifact?run_id=" + id: 400, "/get-artifact?path=a": 400, "/get-artifact?path=a&run_id=none": 404} {
		if got := a.send("GET", path, ""); got.status != want || got.header.Get("Content-Type") != "application/json" {
			t.Errorf("GET %s is answered %d %s, want %d", path, got.status, got.body, want)
		}
	}
	for _, path := range []string{"/api/2.0/mlflow-artifacts/mpu/create/0/x", "/api/2.0/mlflow-artifacts/presigned/0/x"} {
		if got := a.send("POST", path, "{}"); got.status != 501 || !strings.Contains(got.body, `"NOT_IMPLEMENTED"`) {
			t.Errorf("%s is answered %d %s", path, got.status, got.body)
		}
	}
}

// TestArtifactTypes are MLflow's, whatever a client would like.
func TestArtifactTypes(t *testing.T) {
	a := serve(t)
	id := a.run()
	for file, want := range map[string]string{
		"a.txt": "text/plain", "b.pkl": "application/octet-stream", "c.PNG": "image/png", "d.pdf": "application/pdf", "model/MLmodel": "text/plain", "mlproject": "text/plain", "e.json": "text/plain", "f.js": "text/plain",
		"g.html": "text/html", "h": "application/octet-stream", "i.svg": "image/svg+xml", "j.csv": "text/plain",
	} {
		a.send("PUT", proxied(id, "/"+file), "x")
		for _, path := range []string{proxied(id, "/"+file), "/get-artifact?run_id=" + id + "&path=" + file} {
			got := a.send("GET", path, "", "Accept", "text/html")
			if got.header.Get("Content-Type") != want || got.header.Get("X-Content-Type-Options") != "nosniff" || !strings.HasPrefix(got.header.Get("Content-Disposition"), "attachment; filename=") {
				t.Errorf("%s is sent as %v, want %s", path, got.header, want)
			}
		}
	}
}

func TestUploadArtifact(t *testing.T) {
	a := serve(t)
	id := a.run()
	const call = "/ajax-api/2.0/mlflow/upload-artifact?"
	for _, c := range []struct {
		query, body string
		status      int
	}{
		{"run_uuid=" + id + "&path=notes/a.png", "png", 200}, {"run_uuid=" + id, "png", 400}, {"path=a", "png", 400}, {"run_uuid=" + id + "&path=../a", "png", 400},
		{"run_uuid=" + id + "&path=a", "", 400}, {"run_uuid=" + id + "&path=big", strings.Repeat("x", 10<<20+1), 400}, {"run_uuid=" + id + "&path=most", strings.Repeat("x", 10<<20), 200},
	} {
		if got := a.send("POST", call+c.query, c.body, "Content-Type", "image/png"); got.status != c.status {
			t.Errorf("%s with %d bytes is answered %d %s, want %d", c.query, len(c.body), got.status, got.body, c.status)
		}
	}
	if got := a.send("GET", proxied(id, "/notes/a.png"), ""); got.body != "png" || got.header.Get("Content-Type") != "image/png" {
		t.Errorf("%+v", got)
	}
}

// TestUnsafePaths asks for files elsewhere, through every call that takes a path and in every
// spelling. Beside the store lies what must be in no answer.
func TestUnsafePaths(t *testing.T) {
	a := serve(t)
	id, other := a.run(), a.run()
	if err := a.store.WriteArtifact(t.Context(), other, "secret", strings.NewReader("SECRET")); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{
		"../secret", "..", "../../" + other + "/artifacts/secret", "a/../../x", "/etc/passwd", "//etc/passwd", `..\..\x`, `a\b`, "%2e%2e/secret", "%2e%2e%2fsecret", "%252e%252e%252fsecret",
		"%25252e%25252e/x", "a//b", "C:/x", "C:x", "\x00", "a/..", "..%5c..%5cx", "../meta.yaml", "../../../0/" + id + "/meta.yaml", "....//x",
	} {
		escaped := strings.ReplaceAll(url.QueryEscape(path), "+", "%20")
		once := strings.ReplaceAll(escaped, "%2F", "/")
		for _, r := range []struct{ method, url, body string }{
			{"GET", proxied(id, "/"+once), ""}, {"GET", proxied(id, "/"+escaped), ""}, {"PUT", proxied(id, "/"+escaped), "x"}, {"DELETE", proxied(id, "/"+escaped), ""},
			{"GET", "/get-artifact?run_id=" + id + "&path=" + escaped, ""}, {"GET", "/api/2.0/mlflow/artifacts/list?run_id=" + id + "&path=" + escaped, ""},
			{"GET", "/api/2.0/mlflow-artifacts/artifacts?path=" + url.QueryEscape("0/"+id+"/artifacts/") + escaped, ""}, {"POST", "/ajax-api/2.0/mlflow/upload-artifact?run_uuid=" + id + "&path=" + escaped, "x"},
		} {
			got := a.send(r.method, r.url, r.body)
			if got.status != 400 || !strings.Contains(got.body, `"message":"Invalid path"`) {
				t.Errorf("%s %s is answered %d %s", r.method, r.url, got.status, got.body)
			}
		}
	}
	for _, path := range []string{"", "0", "0/" + id, "0/" + id + "/tags/x", "0/" + id + "/meta.yaml", "..", "/", "0/../0/" + id + "/artifacts", "0/" + id + "/Artifacts", "models/x/artifacts/y"} {
		for _, r := range []struct{ method, url string }{{"GET", "/api/2.0/mlflow-artifacts/artifacts?path=" + url.QueryEscape(path)}, {"GET", "/api/2.0/mlflow-artifacts/artifacts/" + url.PathEscape(path)}, {"PUT", "/api/2.0/mlflow-artifacts/artifacts/" + url.PathEscape(path)}} {
			if got := a.send(r.method, r.url, ""); got.status != 400 && got.status != 404 {
				t.Errorf("%s %s is answered %d %s", r.method, r.url, got.status, got.body)
			}
		}
	}
	if got := a.send("GET", "/api/2.0/mlflow-artifacts/artifacts", ""); got.status != 400 {
		t.Errorf("a list of everything is answered %d %s", got.status, got.body)
	}
}

// TestBrokenUpload cuts an upload off, by its length and in chunks: nothing is left, and what was
// there stays.
func TestBrokenUpload(t *testing.T) {
	a := serve(t)
	id := a.run()
	if err := a.store.WriteArtifact(t.Context(), id, "f", strings.NewReader("old")); err != nil {
		t.Fatal(err)
	}
	for _, body := range []string{"Content-Length: 1000\r\n\r\nnew", "Transfer-Encoding: chunked\r\n\r\n5\r\nnew..\r\n", "Transfer-Encoding: chunked\r\n\r\nzz\r\n"} {
		conn, err := net.Dial("tcp", a.http.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		_, err = fmt.Fprintf(conn, "PUT %s HTTP/1.1\r\nHost: localhost\r\n%s", proxied(id, "/f"), body)
		if err != nil {
			t.Fatal(err)
		}
		if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
			t.Fatal(err)
		}
		_ = conn.SetReadDeadline(time.Now().Add(5 * time.Second))
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err == nil {
			_ = res.Body.Close()
			if res.StatusCode < 400 {
				t.Errorf("%q is answered %d", body, res.StatusCode)
			}
		}
		_ = conn.Close()
		if got := a.send("GET", proxied(id, "/f"), ""); got.body != "old" {
			t.Errorf("after %q the file is %q", body, got.body)
		}
	}
	if list, err := a.store.Artifacts(t.Context(), id, ""); err != nil || len(list) != 1 {
		t.Errorf("there is %v, %v", list, err)
	}
}

// TestLocations is about what is told of where artifacts are, and what is recorded.
func TestLocations(t *testing.T) {
	for name, c := range map[string]struct {
		opts         []server.Option
		wanted       string
		status       int
		location     string // of the experiment, with its id as ID
		recorded     string
		runsBeginsAt string
	}{
		"proxy":           {nil, "", 200, "mlflow-artifacts:/ID", "/mlruns/ID", "mlflow-artifacts:/ID/"},
		"proxy, named":    {nil, "mlflow-artifacts:/x", 200, "mlflow-artifacts:/ID", "/mlruns/ID", "mlflow-artifacts:/ID/"},
		"proxy, a path":   {nil, "/etc", 400, "", "", ""},
		"proxy, a file":   {nil, "file:///etc", 400, "", "", ""},
		"proxy, upwards":  {nil, "../../etc", 400, "", "", ""},
		"proxy, a bucket": {nil, "s3://b/p", 200, "s3://b/p", "s3://b/p", "s3://b/p/"},
		"proxy, a drive":  {nil, `C:\x`, 400, "", "", ""},
		"direct":          {[]server.Option{server.WithDirectArtifacts()}, "", 200, "/mlruns/ID", "/mlruns/ID", "/mlruns/ID/"},
		"local":           {[]server.Option{server.WithLocalArtifacts()}, "", 200, "/mlruns/ID", "/mlruns/ID", "/mlruns/ID/"},
		"local, any":      {[]server.Option{server.WithLocalArtifacts()}, "/scratch/p", 200, "/scratch/p", "/scratch/p", "/scratch/p/"},
		"direct, any":     {[]server.Option{server.WithDirectArtifacts()}, "s3://b/p", 200, "s3://b/p", "s3://b/p", "s3://b/p/"},
	} {
		t.Run(name, func(t *testing.T) {
			a := serve(t, c.opts...)
			got := a.send("POST", "/api/2.0/mlflow/experiments/create", fmt.Sprintf(`{"name":"e","artifact_location":%q}`, c.wanted))
			if got.status != c.status {
				t.Fatalf("answered %d %s, want %d", got.status, got.body, c.status)
			}
			if c.status != 200 {
				return
			}
			e := a.get("experiments/get-by-name?experiment_name=e")
			id, _ := at(e, "experiment", "experiment_id").(string)
			if location := at(e, "experiment", "artifact_location"); location != strings.ReplaceAll(c.location, "ID", id) {
				t.Errorf("the location is told as %v, want %s", location, c.location)
			}
			stored, err := a.store.Experiment(t.Context(), id)
			if err != nil || stored.ArtifactLocation != strings.ReplaceAll(c.recorded, "ID", id) {
				t.Errorf("recorded is %v, %v, want %s", stored, err, c.recorded)
			}
			run := a.post("runs/create", fmt.Sprintf(`{"experiment_id":%q}`, id))
			if uri, _ := at(run, "run", "info", "artifact_uri").(string); !strings.HasPrefix(uri, strings.ReplaceAll(c.runsBeginsAt, "ID", id)) {
				t.Errorf("the run's is %s, want %s", uri, c.runsBeginsAt)
			}
		})
	}
}

// TestLocalLocations tells clients of the machine the folders of a store as they are after a move,
// in every kind of answer, and leaves alone what was recorded elsewhere.
func TestLocalLocations(t *testing.T) {
	dir := t.TempDir()
	before, after := filepath.Join(dir, "before"), filepath.Join(dir, "after")
	store, err := filestore.Open(before)
	if err != nil {
		t.Fatal(err)
	}
	run, err := store.CreateRun(t.Context(), mlruns.RunSpec{})
	if err != nil {
		t.Fatal(err)
	}
	model, err := store.CreateLoggedModel(t.Context(), mlruns.ModelSpec{Name: "m"})
	if err != nil {
		t.Fatal(err)
	}
	elsewhere, err := store.CreateExperiment(t.Context(), mlruns.ExperimentSpec{Name: "e", ArtifactLocation: "file:///scratch/p"})
	if err != nil {
		t.Fatal(err)
	}
	other, err := store.CreateRun(t.Context(), mlruns.RunSpec{ExperimentID: elsewhere.ID})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(store.Close(), os.Rename(before, after)); err != nil {
		t.Fatal(err)
	}
	moved, err := filestore.Open(after)
	if err != nil {
		t.Fatal(err)
	}
	a := serveStore(t, moved, server.WithLocalArtifacts())
	want := moved.URI() + "/0/" + run.Info.ID + "/artifacts"
	if got := at(a.get("runs/get?run_id="+run.Info.ID), "run", "info", "artifact_uri"); got != want {
		t.Errorf("the run's artifacts are told to be at %v, want %s", got, want)
	}
	if got := a.send("POST", "/api/2.0/mlflow/runs/search", `{"experiment_ids":["0"]}`); !strings.Contains(got.body, want) {
		t.Errorf("a search answers %s, want %s in it", got.body, want)
	}
	if got, want := at(a.get("logged-models/"+model.ID), "model", "info", "artifact_uri"), moved.URI()+"/0/models/"+model.ID+"/artifacts"; got != want {
		t.Errorf("the model's artifacts are told to be at %v, want %s", got, want)
	}
	if got, want := at(a.get("experiments/get?experiment_id=0"), "experiment", "artifact_location"), moved.URI()+"/0"; got != want {
		t.Errorf("the experiment's location is told as %v, want %s", got, want)
	}
	if got, want := at(a.get("runs/get?run_id="+other.Info.ID), "run", "info", "artifact_uri"), other.Info.ArtifactURI; got != want {
		t.Errorf("artifacts elsewhere are told to be at %v, want %s", got, want)
	}
}

// TestReadOnly refuses every write with what no client tries again.
func TestReadOnly(t *testing.T) {
	mem := memfs.New()
	store, err := filestore.Open("/mlruns", filestore.WithFs(mem))
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
	reader, err := filestore.Open("/mlruns", filestore.WithFs(mem), filestore.WithReadOnly())
	if err != nil {
		t.Fatal(err)
	}
	a := serveStore(t, reader)
	id := run.Info.ID
	for call, body := range map[string]string{
		"runs/create": `{}`, "runs/delete": `{"run_id":"ID"}`, "runs/update": `{"run_id":"ID","run_name":"x"}`, "runs/log-metric": `{"run_id":"ID","key":"m","value":1,"timestamp":1}`,
		"runs/log-batch": `{"run_id":"ID","tags":[{"key":"a","value":"b"}]}`, "runs/set-tag": `{"run_id":"ID","key":"a","value":"b"}`, "experiments/create": `{"name":"x"}`, "experiments/delete": `{"experiment_id":"1"}`,
	} {
		if got := a.send("POST", "/api/2.0/mlflow/"+call, strings.ReplaceAll(body, "ID", id)); got.status != 403 || !strings.Contains(got.body, `"PERMISSION_DENIED"`) {
			t.Errorf("%s is answered %d %s", call, got.status, got.body)
		}
	}
	if got := a.send("PUT", proxied(id, "/f"), "x"); got.status != 403 {
		t.Errorf("PUT is answered %d %s", got.status, got.body)
	}
	a.get("runs/get?run_id=" + id)
}
