//go:build interop

package remote

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/remote"
	"github.com/mlruns/mlruns/transfer"
)

// roundTrip copies each golden store to the server, twice, and from the server into an empty
// folder. What MLflow's own client reads from the server, and what that folder says, is what the
// golden store says, but for the losses that are known. The second time nothing is written. MLflow
// 2.22 reads in the folder what we read, and the newest where 2.22 cannot.
func roundTrip(t *testing.T, s *server) {
	archives := goldens(t)
	for _, version := range slices.Sorted(maps.Keys(archives)) {
		t.Run("golden "+version, func(t *testing.T) {
			s.empty(t)
			source := openFolder(t, unpack(t, version, archives[version]), filestore.WithReadOnly())
			sent := countRequests(t, s.uri)
			on, err := remote.Open(t.Context(), sent.uri)
			if err != nil {
				t.Fatal(err)
			}
			defer on.Close()
			items := copyAll(t, on, source)
			failed := 0
			for _, it := range items {
				if it.Kind == transfer.KindExperiment && it.Err != nil { // a name that the server does not hold
					failed += 2
				} else if it.Err != nil {
					t.Errorf("%s %.50s: %.500v", it.Kind, it.Name, it.Err)
				}
			}
			told := tellingOf(items)
			sent.writes()
			again := tellingOf(copyAll(t, on, source))
			writes := slices.DeleteFunc(sent.writes(), func(w string) bool {
				if strings.HasSuffix(w, "/experiments/create") { // each is tried again, with its tags and without
					failed--
					return failed >= 0
				}
				return false
			})
			if len(writes) > 0 {
				t.Errorf("the second push sends %d writes: %q", len(writes), writes)
			}
			for p := range told {
				if !again[p] {
					t.Errorf("the second push does not tell again of %.200s", p)
				}
			}
			want := factsOf(t, source)
			dir := filepath.Join(t.TempDir(), "mlruns")
			pulled := openFolder(t, dir)
			for _, it := range copyAll(t, pulled, on) {
				if !it.Whole() {
					t.Errorf("pulled: %+v", it)
				}
			}
			for p, err := range pulled.Verify(t.Context(), mlruns.VerifyQuery{}) {
				if err != nil || p.Kind != mlruns.ProblemNotPortable {
					t.Errorf("Verify: %v, %v", p, err)
				}
			}
			got := factsOf(t, pulled)
			met := compare(t, "the folder", told, want, got)
			t.Logf("%d facts, losses %v", len(want), met)
			read := got.readable().opened()
			files := read.withFiles()
			if older(s.version, "3.0") { // MLflow's client gets no file whose name is not ASCII
				compare(t, "MLflow's client", told, want.readable().without("artifacts/"), mlflowReads(t, s.python, s.uri, nil))
			} else {
				compare(t, "MLflow's client", told, want.readable(), mlflowReads(t, s.python, s.uri, files))
			}
			reader := "2.22"
			if got.have("input") { // MLflow 2 raises where a run used a model
				reader = "3.x"
			}
			same(t, "the file store of MLflow "+reader, read, mlflowReads(t, fileStore(t, reader), dir, files))
		})
	}
}

// readable leaves out what a dump does not tell.
func (f facts) readable() facts {
	kept := maps.Clone(f)
	maps.DeleteFunc(kept, func(p place, _ string) bool {
		kind, _, _ := strings.Cut(p.field, ".")
		return p.kind != "experiment" && p.kind != "run" || slices.Contains([]string{"deleted", "input", "output"}, kind)
	})
	return kept
}

// opened leaves out the files of runs that have one with a % in its name. MLflow's client decodes
// the name, and looks for another file.
func (f facts) opened() facts {
	kept := maps.Clone(f)
	for p := range f {
		if strings.HasPrefix(p.field, "artifacts/") && strings.Contains(p.field, "%") {
			maps.DeleteFunc(kept, func(q place, _ string) bool {
				return q.kind == p.kind && q.id == p.id && strings.HasPrefix(q.field, "artifacts/")
			})
		}
	}
	return kept
}

// without leaves out the fields that begin so.
func (f facts) without(prefix string) facts {
	maps.DeleteFunc(f, func(p place, _ string) bool { return strings.HasPrefix(p.field, prefix) })
	return f
}

// have reports whether there are facts of a kind of field, such as "params".
func (f facts) have(kind string) bool {
	for p := range f {
		if field, _, _ := strings.Cut(p.field, "."); field == kind {
			return true
		}
	}
	return false
}

// withFiles gives the ids of the runs that have files.
func (f facts) withFiles() (ids []string) {
	for p := range f {
		if p.kind == "run" && strings.HasPrefix(p.field, "artifacts/") {
			ids = append(ids, f[place{p.kind, p.id, "id"}])
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// same fails where facts differ.
func same(t *testing.T, what string, want, got facts) {
	t.Helper()
	all := maps.Clone(want)
	maps.Copy(all, got)
	for p := range all {
		if want[p] != got[p] {
			t.Errorf("%s: %.200s (-want +got):\n%s", what, p, cmp.Diff(want[p], got[p]))
		}
	}
}

// copyAll copies all, deleted things too, and gives what was told.
func copyAll(t *testing.T, dst, src mlruns.Store) (items []transfer.Item) {
	t.Helper()
	for it, err := range transfer.Copy(t.Context(), dst, src, transfer.Query{Deleted: true}) {
		if err == nil { // the last one sums up those of items
			items = append(items, it)
		}
	}
	return items
}

// requests counts what is sent to a server.
type requests struct {
	uri  string
	mu   sync.Mutex
	sent []string
}

// countRequests starts a proxy before a server.
func countRequests(t *testing.T, uri string) *requests {
	t.Helper()
	to, err := url.Parse(uri)
	if err != nil {
		t.Fatal(err)
	}
	r := &requests{}
	proxy := &httputil.ReverseProxy{Rewrite: func(p *httputil.ProxyRequest) {
		p.SetURL(to)
		r.mu.Lock()
		defer r.mu.Unlock()
		if p.In.Method != http.MethodGet && !strings.HasSuffix(p.In.URL.Path, "/search") {
			r.sent = append(r.sent, fmt.Sprint(p.In.Method, " ", p.In.URL.Path))
		}
	}}
	server := httptest.NewServer(proxy)
	t.Cleanup(server.Close)
	r.uri = server.URL
	return r
}

// writes gives the requests that write and that were not given before.
func (r *requests) writes() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	sent := r.sent
	r.sent = nil
	return sent
}
