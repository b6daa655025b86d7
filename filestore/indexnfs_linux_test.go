package filestore_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/internal/proof"
)

// nfsStore is a store of runs that have ended, made by the other of two clients. It gives the paths
// of both.
func nfsStore(t *testing.T, runs int) (here, there string) {
	t.Helper()
	twoClients(t)
	here, there = oneFolder(t)
	here, there = filepath.Join(here, "mlruns"), filepath.Join(there, "mlruns")
	if err := place(filepath.Join(there, "0", "meta.yaml"), "artifact_location: /x/0\nexperiment_id: '0'\nlifecycle_stage: active\nname: Default\n"); err != nil {
		t.Fatal(err)
	}
	for i := range runs {
		run := filepath.Join(there, "0", fmt.Sprintf("%032x", i))
		for name, text := range map[string]string{"meta.yaml": endedMeta(i, "3"), "metrics/m": "1 5 1\n2 3 2\n", "params/p": "x", "tags/a/b": "y"} {
			if err := place(filepath.Join(run, name), text); err != nil {
				t.Fatal(err)
			}
		}
	}
	return here, there
}

// TestIndexCallsOverNFS counts what searches ask of an NFS server, and takes their time.
func TestIndexCallsOverNFS(t *testing.T) {
	mount, _ := twoClients(t)
	here, _ := nfsStore(t, 300)
	filter := mlruns.RunQuery{Filter: "metrics.m = 3 AND params.p = 'none'"}
	open := func(mode filestore.IndexMode, indexes string) *filestore.Store {
		dropCaches(t)
		store, err := filestore.Open(here, filestore.WithReadOnly(), filestore.WithIndex(mode), filestore.WithIndexDir(indexes))
		if err != nil {
			t.Fatal(err)
		}
		if store.IndexMode() != mode {
			t.Fatalf("the mode is %v on %+v", store.IndexMode(), store.Drive())
		}
		return store
	}
	ask := func(store *filestore.Store, q mlruns.RunQuery, what string) int {
		began := time.Now()
		n, names := callsDuring(t, mount, func() { answerOf(store, q) })
		t.Logf("%s: %d calls in %v: %s", what, n, time.Since(began).Round(time.Millisecond), names)
		return n
	}
	made, shared := filepath.Join(t.TempDir(), "indexes"), filepath.Join(t.TempDir(), "indexes")
	for _, what := range []string{"by a metric and a param, ended, the first", "the second", "the third"} {
		store := open(filestore.IndexTrustEnded, made)
		ask(store, filter, what)
		if err := store.Close(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(1100 * time.Millisecond) // what was sighted is kept that long after
	}
	store := open(filestore.IndexTrustEnded, shared)
	if err := store.RebuildIndex(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		name string
		q    mlruns.RunQuery
	}{{"by a metric and a param", filter}, {"the newest 10", mlruns.RunQuery{MaxResults: 10}}, {"all", mlruns.RunQuery{}}} {
		calls := map[filestore.IndexMode]int{}
		for _, mode := range []filestore.IndexMode{filestore.IndexNone, filestore.IndexTrustEnded} {
			store := open(mode, shared)
			for _, when := range []string{"nothing remembered", "at once again"} {
				calls[mode] += ask(store, row.q, fmt.Sprintf("%s, %v, %s", row.name, mode, when))
			}
			if err := store.Close(); err != nil {
				t.Fatal(err)
			}
		}
		if none, ended := calls[filestore.IndexNone], calls[filestore.IndexTrustEnded]; ended*3 > none*2 {
			t.Errorf("%s: %d calls without the index and %d with it, want two thirds", row.name, none, ended)
		}
	}
}

// dropCaches makes the kernel forget what it can, if this process may.
func dropCaches(t *testing.T) {
	t.Helper()
	if err := os.WriteFile("/proc/sys/vm/drop_caches", []byte("3"), 0); err != nil {
		t.Log(err)
	}
}

// TestTrustEndedOverNFS asks by the index of one client while another edits: runs that end, go on
// and end again, within a tick of the server's clock too.
func TestTrustEndedOverNFS(t *testing.T) {
	here, there := nfsStore(t, 40)
	rng := proof.Rand(t)
	indexed, err := filestore.Open(here, filestore.WithReadOnly(), filestore.WithIndex(filestore.IndexTrustEnded), filestore.WithIndexDir(filepath.Join(t.TempDir(), "indexes")))
	if err != nil {
		t.Fatal(err)
	}
	defer indexed.Close()
	plain, err := filestore.Open(there, filestore.WithReadOnly(), filestore.WithIndex(filestore.IndexNone))
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close()
	if err := indexed.RebuildIndex(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	hits := 0
	for i := range proof.Choose(40, 150, 600) {
		n := rng.IntN(40)
		run := filepath.Join(there, "0", fmt.Sprintf("%032x", n))
		write := func(name, text string) {
			name = filepath.Join(run, name)
			err := rewrite(name, text, rng.IntN(2) == 0) // in place
			if rng.IntN(3) == 0 {
				err = errors.Join(os.WriteFile(name+".new", []byte(text), 0o666), os.Rename(name+".new", name))
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		for range 1 + rng.IntN(3) {
			write("meta.yaml", endedMeta(n, "1"))
			if rng.IntN(2) == 0 {
				answerOf(indexed, mlruns.RunQuery{})
			}
			write("params/p", pick(rng, []string{"x", "y", "z"}))
			write("metrics/m", fmt.Sprintf("1 %d 1\n", rng.IntN(8)))
			write("meta.yaml", endedMeta(n, pick(rng, []string{"3", "4"})))
			if rng.IntN(2) == 0 {
				answerOf(indexed, mlruns.RunQuery{Filter: "params.p = 'x' AND metrics.m > 3"})
			}
		}
		for _, q := range []mlruns.RunQuery{{}, {Filter: "params.p = 'x' AND metrics.m > 3"}, {Filter: "attributes.status = 'FAILED'"}} {
			want, _ := answerOf(plain, q)
			got, scan := answerOf(indexed, q)
			hits += scan.Indexed
			if diff := diffOf(want, got); diff != "" {
				t.Fatalf("round %d, %q: on the other client (-), and by the index of this one (+):\n%s", i, q.Filter, diff)
			}
		}
		if rng.IntN(4) == 0 {
			time.Sleep(time.Duration(rng.IntN(1500)) * time.Millisecond)
		}
	}
	t.Logf("%d values were taken from the index", hits)
	if hits == 0 {
		t.Error("nothing was taken from the index")
	}
}
