//go:build interop

package interop

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
)

// mlflowCommand runs the command of an MLflow that is not skinny.
func mlflowCommand(t *testing.T, p *python, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), p.interpreter, append([]string{"-W", "ignore", "-m", "mlflow"}, args...)...)
	cmd.Env = append(os.Environ(), "MLFLOW_ALLOW_FILE_STORE=true", "PYTHONUTF8=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("mlflow %q: %v\n%s", args, err, out)
	}
}

// tables counts what is in a snapshot by the table of MLflow's database that has it.
func (s snapshot) tables() map[string]int {
	n := map[string]int{"experiments": len(s.Experiments), "experiment_tags": 0, "runs": len(s.Runs), "metrics": 0, "latest_metrics": 0, "params": 0, "tags": 0}
	for _, e := range s.Experiments {
		n["experiment_tags"] += len(e.Tags)
	}
	for _, r := range s.Runs {
		n["latest_metrics"] += len(r.Latest)
		n["params"] += len(r.Params)
		n["tags"] += len(r.Tags)
		for _, h := range r.History {
			n["metrics"] += len(h)
		}
	}
	return n
}

// TestMigrateAndGC lets MLflow's own tools loose on a store that we wrote: migrate-filestore makes
// a database of it, gc removes what is deleted, and migrate-filestore takes the rest once more.
func TestMigrateAndGC(t *testing.T) {
	p := newest()
	if !p.since(3, 10) {
		t.Skipf("MLflow %s has no migrate-filestore", p.mlflow)
	}
	top := t.TempDir()
	dir := filepath.Join(top, "mlruns")
	w := newTold(t)
	store, err := filestore.Open(dir, filestore.WithClock(w.clock), filestore.WithSync(filestore.SyncNever))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	w.Client = mlruns.NewClient(store)
	w.all.Experiments["0"] = experiment{Name: "Default", Stage: "active"}
	a := abilitiesOf(p)
	a.buckets = false // gc would have to reach them
	a.ties = false    // the database has no place for the same point twice
	// MLflow's gc fails on a deleted model whose experiment is deleted too: it looks for it outside
	// of the trash.
	a.deletedModels = false
	writeEverything(w, newWild(7), a)

	migrate := func(name string, want snapshot) {
		t.Helper()
		target := filepath.Join(t.TempDir(), "mlflow.db")
		mlflowCommand(t, p, "migrate-filestore", "--source", top, "--target", "sqlite:///"+target)
		var rows map[string]int
		p.must(t, "rows", map[string]any{"database": target, "tables": keys(want.tables())}, &rows)
		for table, n := range want.tables() {
			if rows[table] != n {
				t.Errorf("%s: %d rows in %s, we wrote %d", name, rows[table], table, n)
			}
		}
	}
	migrate("before gc", w.all)

	mlflowCommand(t, p, "gc", "--backend-store-uri", "file://"+dir, "--tracking-uri", "file://"+dir)
	for id, r := range w.all.Runs {
		if r.Stage == "deleted" {
			delete(w.all.Runs, id)
		}
	}
	for id, e := range w.all.Experiments {
		if e.Stage == "deleted" {
			delete(w.all.Experiments, id)
		}
	}
	left := take(t, w.Client, nil)
	for table, n := range w.all.tables() {
		if got := left.tables()[table]; got != n {
			t.Errorf("after gc we read %d %s, want %d", got, table, n)
		}
	}
	migrate("after gc", w.all)
	sound(t, store, mlruns.ProblemNotPortable)
	report(t, p, "gc and migrate-filestore", "ok: %s are left", w.all.count())
}
