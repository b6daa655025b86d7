package server

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/internal/proof"
)

// waysOut are those of the path traversals that docs/security.md names, and a few more. OUT stands
// for a folder beside the store, OTHER for a run.
var waysOut = []string{
	"OUT/secret", "/OUT/secret", "//OUT/secret", "///OUT/secret", "//./OUT/secret", "file://OUT/secret", "file:OUT/secret", "//proc/self/rootOUT/secret", // CVE-2023-1176, -1177, -3765, -6977
	// CVE-2023-2356, -6753, -6831, -6976
	"../../../../outside/secret", "..", "../..", "d/../../../../../outside/secret", "../meta.yaml", "../../../0/OTHER/meta.yaml", "../../OTHER/artifacts/secret",
	// CVE-2023-2780
	`\..\..\..\..\outside\secret`, `..\..\..\..\outside\secret`, `file:\..\..\outside`, `C:\outside`, "C:/outside", "C:outside",
	"?/../../../../outside/secret", "http:///?/../../../../outside", "a?/../../../../../outside/secret", // CVE-2023-6909, CVE-2024-8859
	"#/../../../../outside/secret", "http:///#/../../../../outside", "k#/../../../../../outside/secret", // CVE-2024-1483, -3848
	";/../../../../outside/secret", "k;/../../../../../outside/secret", // CVE-2024-1593
	// CVE-2024-8859, CVE-2025-11201, CVE-2026-2614
	"dbfs:/../../outside", "models:/../x/1", "runs:/OTHER/../../..", "mlflow-artifacts:/../../outside",
	"....//....//outside/secret", "..././..././outside/secret", ".../outside", "~/x", "k\x00/../../outside", "../../../../outside/secret\x00.txt", "con", "..\r\nHost: evil.example",
}

// spellings are how somebody may write a way so that it is overlooked; the last two of them are
// decoded twice by whom CVE-2024-1560 is about.
var spellings = []func(string) string{
	func(way string) string { return way },
	url.PathEscape,
	func(way string) string { return strings.NewReplacer(".", "%2e", "\\", "%5c").Replace(way) },
	func(way string) string { return strings.NewReplacer("/", "%2F", "\\", "%5C").Replace(way) },
	func(way string) string { return strings.NewReplacer(".", "%c0%ae", "/", "%c0%af").Replace(way) },
	func(way string) string { return strings.NewReplacer(".", "．", "/", "／").Replace(way) },
	func(way string) string { return strings.NewReplacer(".", "%u002e", "/", "%u2215").Replace(way) },
	everyByte,
	func(way string) string { return strings.ReplaceAll(everyByte(way), "%", "%25") },
	func(way string) string { return strings.ReplaceAll(everyByte(way), "%", "%2525") },
}

func everyByte(text string) string {
	var b strings.Builder
	for i := range len(text) {
		fmt.Fprintf(&b, "%%%02x", text[i])
	}
	return b.String()
}

// attacked is a server over a store on disk. Beside the store lies what must be in no answer.
type attacked struct {
	*testing.T
	top, run, other, model string
	store                  *filestore.Store
	handler                http.Handler
	answered               map[int]int
}

const secret = "SECRET-a7f3"

func newAttacked(t *testing.T) *attacked {
	t.Helper()
	a := &attacked{T: t, top: t.TempDir(), answered: map[int]int{}}
	for name, content := range map[string]string{"outside/secret": secret, "page/index.html": "<head>", "page/static-files.js": "1"} {
		name = filepath.Join(a.top, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	var err error
	if a.store, err = filestore.Open(filepath.Join(a.top, "mlruns"), filestore.WithSync(filestore.SyncNever), filestore.WithTruncation()); err != nil {
		t.Fatal(err)
	}
	for _, id := range []*string{&a.run, &a.other} {
		run, err := a.store.CreateRun(t.Context(), mlruns.RunSpec{})
		if err != nil {
			t.Fatal(err)
		}
		*id = run.Info.ID
	}
	if err := a.store.WriteArtifact(t.Context(), a.other, "secret", strings.NewReader(secret)); err != nil {
		t.Fatal(err)
	}
	a.whole()
	a.handler = New(a.store, WithPage(os.DirFS(filepath.Join(a.top, "page")), "3.1"))
	return a
}

// whole makes again what a request was allowed to take away.
func (a *attacked) whole() {
	a.Helper()
	if err := a.store.RestoreRun(a.Context(), a.run); err != nil {
		a.Fatal(err)
	}
	if m, err := a.store.LoggedModel(a.Context(), a.model); err != nil || m == nil {
		made, err := a.store.CreateLoggedModel(a.Context(), mlruns.ModelSpec{})
		if err != nil {
			a.Fatal(err)
		}
		a.model = made.ID
	}
}

// send sends a request as it would come in. One that is no HTTP never arrives.
func (a *attacked) send(method, target, body string) {
	a.Helper()
	text := fmt.Sprintf("%s %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", method, target, len(body), body)
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(text)))
	if err != nil || r.Host != "localhost" {
		return
	}
	w := httptest.NewRecorder()
	a.handler.ServeHTTP(w, r.WithContext(a.Context()))
	a.answered[w.Code]++
	if w.Code == http.StatusInternalServerError || w.Code >= 300 && w.Code < 400 || strings.Contains(w.Body.String(), secret) {
		a.Errorf("%s %s %s is answered %d %.300s", method, target, body, w.Code, w.Body)
	}
	if method == "DELETE" || strings.Contains(target, "delete") {
		a.whole()
	}
}

// unharmed compares what is beside the store, and the other run, with what was there.
func (a *attacked) unharmed() {
	a.Helper()
	var names []string
	for _, dir := range []string{"", "outside", "page"} {
		entries, err := os.ReadDir(filepath.Join(a.top, dir))
		if err != nil {
			a.Fatal(err)
		}
		for _, e := range entries {
			names = append(names, dir+"/"+e.Name())
		}
	}
	if want := []string{"/mlruns", "/outside", "/page", "outside/secret", "page/index.html", "page/static-files.js"}; !slices.Equal(names, want) {
		a.Errorf("there are %v, want %v", names, want)
	}
	for _, name := range []string{"outside/secret", "mlruns/0/" + a.other + "/artifacts/secret"} {
		if text, err := os.ReadFile(filepath.Join(a.top, name)); err != nil || string(text) != secret {
			a.Errorf("%s has %q, %v", name, text, err)
		}
	}
	for p, err := range a.store.Verify(a.Context(), mlruns.VerifyQuery{}) {
		if err != nil {
			a.Fatal(err)
		}
		if !slices.Contains([]mlruns.ProblemKind{mlruns.ProblemNotPortable, mlruns.ProblemSuspicious, mlruns.ProblemDuplicateLine}, p.Kind) {
			a.Errorf("a problem: %v", p)
		}
	}
	if err := a.store.Close(); err != nil {
		a.Error(err)
	}
}

// eachWay gives the ways in their spellings, all or some of them.
func eachWay(a *attacked, random *rand.Rand, one int, do func(way string)) {
	names := strings.NewReplacer("OUT", filepath.ToSlash(filepath.Join(a.top, "outside")), "OTHER", a.other)
	for _, way := range waysOut {
		for _, spelled := range spellings {
			if random.IntN(one) == 0 {
				do(spelled(names.Replace(way)))
			}
		}
	}
}

// TestTraversalsInPaths goes each way out in every place of every path that takes something.
func TestTraversalsInPaths(t *testing.T) {
	a := newAttacked(t)
	random := proof.Rand(t)
	send := func(method, path string) {
		if !strings.HasPrefix(path, "/") {
			path = "/api/2.0/" + path
		}
		body := ""
		if method != http.MethodGet {
			body = `{"key":"k","value":"v"}`
		}
		eachWay(a, random, proof.Choose(10, 1, 1), func(way string) {
			a.send(method, strings.Replace(path, "{way}", way, 1), body)
		})
	}
	attack := func(method, path string) {
		switch {
		case strings.HasSuffix(path, "mlflow-artifacts/artifacts/"):
			for _, folder := range []string{"", "0/", "0/" + a.run + "/artifacts/", "0/models/", "0/models/" + a.model + "/artifacts/", "0/traces/", "0/traces/tr/artifacts/"} {
				send(method, path+folder+"{way}")
			}
		case strings.HasSuffix(path, "/"):
			send(method, path+"{way}")
		default:
			for i := range strings.Count(path, "{}") {
				filled := path
				for range i {
					filled = strings.Replace(filled, "{}", a.model, 1)
				}
				filled = strings.Replace(filled, "{}", "{way}", 1)
				send(method, strings.ReplaceAll(filled, "{}", a.model))
			}
		}
	}
	for _, r := range routes {
		attack(r.method, r.path)
	}
	for _, r := range raw {
		attack(r.method, r.path)
	}
	a.unharmed()
	t.Logf("answered %v", a.answered)
}

// fitting are all parameters that calls read, each with what fits.
func (a *attacked) fitting() map[string]any {
	list := func(v any) []any { return []any{v} }
	return map[string]any{
		"run_id": a.run, "run_ids": list(a.run), "experiment_id": "0", "experiment_ids": list("0"), "model_id": a.model, "key": "k", "value": "1", "timestamp": 1, "name": "n", "metric_key": "k", "path": "k",
		"new_name": "n", "status": "FINISHED", "artifact_location": "", "artifact_directory_path": "", "artifact_file_path": "k", "experiment_name": "n", "filter": "", "order_by": []any{}, "page_token": "",
		"run_name": "n", "user_id": "u", "source_run_id": "", "model_type": "t", "dataset_name": "d", "dataset_digest": "x", "request_id": "tr", "request_ids": list("tr"), "source": "s", "version": "1",
		"model_json": `{"artifact_path":"m","flavors":{},"utc_time_created":"2026-11-27 01:02:03.5","run_id":"r"}`,
		"metrics":    list(map[string]any{"key": "k", "value": 1, "timestamp": 1}), "params": list(map[string]any{"key": "p", "value": "v"}), "tags": list(map[string]any{"key": "t", "value": "v"}),
		"datasets":  list(map[string]any{"tags": []any{}, "dataset": map[string]any{"name": "d", "digest": "x", "source_type": "local", "source": "{}"}}),
		"models":    list(map[string]any{"model_id": "m"}),
		"locations": list(map[string]any{"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": map[string]any{"experiment_id": "0"}}),
	}
}

// eachText gives every text of a JSON value, with what puts another in its place.
func eachText(v any, set func(any), found func(text string, set func(any))) {
	switch v := v.(type) {
	case string:
		found(v, set)
	case []any:
		for i := range v {
			eachText(v[i], func(other any) { v[i] = other }, found)
		}
	case map[string]any:
		for name := range v {
			eachText(v[name], func(other any) { v[name] = other }, found)
		}
	}
}

// asQuery has the parameters that a query can have.
func asQuery(parameters map[string]any) string {
	query := url.Values{}
	for name, v := range parameters {
		values, isList := v.([]any)
		if !isList {
			values = []any{v}
		}
		for _, v := range values {
			if text, ok := v.(string); ok {
				query.Add(name, text)
			}
		}
	}
	return query.Encode()
}

// TestTraversalsInParameters goes each way out in every text of every call's body and query.
func TestTraversalsInParameters(t *testing.T) {
	a := newAttacked(t)
	random := proof.Rand(t)
	attack := func(method, path string) {
		parameters := a.fitting()
		eachText(parameters, nil, func(text string, set func(any)) {
			eachWay(a, random, proof.Choose(800, 80, 10), func(way string) {
				set(way)
				target := strings.ReplaceAll(path, "{}", a.model)
				if strings.HasSuffix(target, "artifacts/artifacts/") {
					target += "0/" + a.run + "/artifacts/k"
				}
				if !strings.HasPrefix(target, "/") {
					target = "/ajax-api/2.0/" + target
				}
				target += "?" + asQuery(parameters)
				body, err := json.Marshal(parameters)
				switch {
				case err != nil:
					t.Fatal(err)
				case method == http.MethodGet:
					body = nil
				case path == "/graphql":
					body = fmt.Appendf(nil, `{"query":%q}`, fmt.Sprintf(`{mlflowGetRun(input:{runId:%q}){run{info{runId}}}}`, way))
				}
				a.send(method, target, string(body))
			})
			set(text)
		})
	}
	for _, r := range routes {
		attack(r.method, r.path)
	}
	for _, r := range raw {
		attack(r.method, r.path)
	}
	for _, call := range []string{"mlflow/registered-models/create", "mlflow/model-versions/create", "mlflow/artifacts/presigned-download-url"} {
		attack(http.MethodPost, call)
	}
	a.unharmed()
	t.Logf("answered %v", a.answered)
}
