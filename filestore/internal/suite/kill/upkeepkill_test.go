package kill

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/filestore/internal/filestoretest"
	"github.com/mlruns/mlruns/internal/proof"
)

// upkeepTask is what a process does that is killed in one of the MaintenanceCalls: it says what is
// done.
func upkeepTask(ctx context.Context, s *filestore.Store, name string) error {
	call := filestoretest.MaintenanceCalls[slices.IndexFunc(filestoretest.MaintenanceCalls, func(c filestoretest.MaintenanceCall) bool { return c.Name == name })]
	fmt.Println("begin")
	for done, err := range call.Do(ctx, s) {
		if err != nil {
			return err
		}
		fmt.Println("did " + done)
	}
	fmt.Println("end")
	return nil
}

// killUpkeep starts such a process and kills it within the call. It gives what the process had said
// was done, and whether the call had ended.
func killUpkeep(t *testing.T, dir, call string, lasts *time.Duration) (said []string, ended bool) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestTask$", "-test.count=1")
	cmd.Env = append(os.Environ(), filestoretest.EnvTask+"=upkeep", filestoretest.EnvDir+"="+dir, filestoretest.EnvKind+"="+call, filestoretest.EnvID+"=0")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	filestoretest.Must(t, err, cmd.Start())
	lines := bufio.NewScanner(stdout)
	if !lines.Scan() || lines.Text() != "begin" {
		t.Fatalf("the process said %q first\n%s", lines.Text(), stderr.String())
	}
	time.Sleep(time.Duration(rand.Float64() * float64(*lasts)))
	_ = cmd.Process.Kill()
	for lines.Scan() {
		switch done, ok := strings.CutPrefix(lines.Text(), "did "); {
		case ok:
			said = append(said, done)
		case lines.Text() == "end":
			ended = true
		case lines.Text() != "PASS":
			t.Fatalf("the process said %q\n%s", lines.Text(), stderr.String())
		}
	}
	if err := cmd.Wait(); !ended && (err == nil || !strings.Contains(err.Error(), "killed")) {
		t.Fatalf("the process was not killed: %v\n%s", err, stderr.String())
	}
	if ended {
		*lasts = *lasts * 2 / 3
	} else {
		*lasts = *lasts * 3 / 2
	}
	return said, ended
}

// TestUpkeepKills kills processes inside GC, Relocate and Repair, one after the other in one store
// until there is nothing more to do, while others write to the same store.
func TestUpkeepKills(t *testing.T) {
	kills, size := proof.Choose(1, 3, 20), proof.Choose(2, 4, 12)
	for _, call := range filestoretest.MaintenanceCalls {
		t.Run(call.Name, func(t *testing.T) {
			t.Parallel()
			files, dir := filestoretest.NeedsMaintenance(t, call, size), filepath.Join(t.TempDir(), "mlruns")
			place := func() filestoretest.MaintenancePlace {
				filestoretest.Must(t, os.RemoveAll(dir))
				files.WriteTo(t, dir)
				return filestoretest.MaintenancePlace{Store: filestoretest.Open(t, dir, filestore.WithMustExist()), Files: os.DirFS(dir), Aged: func() { filestoretest.AgeTree(t, dir) }}
			}
			g := filestoretest.NewMaintenance(t, call, place)
			within, stores, done, lasts := 0, 0, 0, 100*time.Millisecond
			for within < kills && !t.Failed() {
				p := place()
				stores++
				var said []string
				for ended := false; !ended && within < kills && !t.Failed(); {
					beside := startWorker(t, dir, fmt.Sprint(filestoretest.BesidePrefix, stores, "x", within), "")
					reports := make(chan struct{})
					go func() { // or its pipe fills up
						defer close(reports)
						for beside.report() {
						}
					}()
					var more []string
					if more, ended = killUpkeep(t, dir, call.Name, &lasts); !ended {
						within++
					}
					_ = beside.stdin.Close()
					<-reports
					beside.stop(t)
					said = append(said, more...)
					done += len(more)
					for _, wrong := range g.Judge(t, p, said) {
						t.Errorf("%s, kill %d: %s", call.Name, within, wrong)
					}
					facts, err := filestoretest.FactsOf(t.Context(), p.Store)
					filestoretest.Must(t, err)
					for _, wrong := range beside.w.Judge(facts, nil) {
						t.Errorf("beside %s, kill %d: %s", call.Name, within, wrong)
					}
				}
				g.Finish(t, p)
			}
			t.Logf("%d kills within %s, which had said %d times that something was done, in %d stores of %d files", within, call.Name, done, stores, len(files))
		})
	}
}
