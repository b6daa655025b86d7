package filestore_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/filestoretest"
)

// TestIndexOfMoreRights has root read what only another user may read, and asks again as a root
// that may not either, as in a container: the index says no more than the files.
func TestIndexOfMoreRights(t *testing.T) {
	const again = "MLRUNS_TEST_FEWER_RIGHTS"
	q := mlruns.RunQuery{Filter: "params.p = 'x'"}
	if dir := os.Getenv(again); dir != "" {
		a, _ := answerOf(openIndexed(t, dir, dir+"-indexes"), q)
		if len(a.Runs) != 60 || len(a.Problems) != 20 {
			t.Fatalf("%d runs, %d problems; want 60 and the 20 that cannot be read", len(a.Runs), len(a.Problems))
		}
		return
	}
	t.Parallel()
	setpriv, err := exec.LookPath("setpriv")
	if err != nil || os.Geteuid() != 0 {
		t.Skip("only root has rights to lose, by setpriv")
	}
	dir, run := endedStore(t, 80, "3")
	for i := range 20 {
		name := filepath.Join(run(i), "params", "p")
		if err := errors.Join(os.Chmod(name, 0o600), os.Chown(name, 12345, 12345)); err != nil {
			t.Skip(err)
		}
	}
	store := openIndexed(t, dir, dir+"-indexes")
	filestoretest.Settle() // what is younger is not kept
	a, _ := answerOf(store, q)
	filestoretest.Must(t, store.Close())
	if len(a.Runs) != 80 || len(filesBelow(dir+"-indexes")) != 1 {
		t.Fatalf("%d runs, indexes %v", len(a.Runs), filesBelow(dir+"-indexes"))
	}
	cmd := exec.CommandContext(t.Context(), setpriv, "--inh-caps=-all", "--bounding-set=-all", os.Args[0], "-test.run", "^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), again+"="+dir)
	if out, err := cmd.CombinedOutput(); err != nil && strings.Contains(string(out), "--- FAIL") {
		t.Errorf("%s", out)
	} else if err != nil {
		t.Skipf("%v: %s", err, out)
	}
}
