//go:build unix

package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
)

// soon is how long a command may take to end after an interrupt, on a machine that has a lot of
// other work.
const soon = time.Minute

// TestInterruptOnTerminal types Ctrl-C while each verb that can take long is at work. It ends soon,
// says so, and leaves a whole store.
func TestInterruptOnTerminal(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	run, big := "0123456789abcdef0123456789abcdef", filepath.Join(dir, "big")
	if err := makeMany(filepath.Join(dir, usual), run, big); err != nil {
		t.Fatal(err)
	}
	verbs := []struct {
		args  []string
		begun string   // what is shown when it is at work
		made  []string // or the folder in which something new is then
	}{
		{args: []string{"store", "verify"}, begun: "verify "},
		{args: []string{"store", "repair"}, begun: "repair "},
		{args: []string{"store", "relocate"}, begun: "relocate "},
		{args: []string{"store", "gc"}, begun: "gc "},
		{args: []string{"store", "info", "-v"}, begun: "store file:"},
		{args: []string{"runs", "search", "--view", "all", "--order-by", "metrics.m", "-v"}, begun: "store file:"},
		{args: []string{"runs", "log-batch", run}},
		{args: []string{"metrics", "history", run, "long"}, begun: "step"},
		{args: []string{"artifacts", "log", run, big, "--path", "logged"}, made: []string{usual, "1", run}},
		{args: []string{"artifacts", "download", run, "big", "--to", "to"}, made: []string{"to"}},
	}
	// Where there is other work a verb may be done before it is interrupted: then all come again.
	interrupted := 0
	for i := 0; i < len(verbs) || interrupted < 3 && i < 5*len(verbs); i++ {
		verb := verbs[i%len(verbs)]
		folder := filepath.Join(append([]string{dir}, verb.made...)...)
		before := entries(folder)
		term := startTerminal(t, 80, dir, verb.args...)
		switch {
		case verb.begun != "":
			term.until(t, verb.begun, atMost)
		case verb.made != nil:
			for late := time.Now().Add(soon); entries(folder) == before && time.Now().Before(late); {
				time.Sleep(time.Millisecond)
			}
		default:
			time.Sleep(50 * time.Millisecond)
		}
		if _, err := term.WriteString("\x03"); err != nil {
			t.Fatal(err)
		}
		got := term.end(t, soon)
		switch {
		case got.code == exitFailed:
			interrupted++
			// Ctrl-C has the terminal throw away what was just written to it, so that note is not
			// always seen.
			if len(got.notes) > 0 && strings.Contains(got.notes[len(got.notes)-1], ": ") && !known.MatchString(got.notes[len(got.notes)-1]) {
				t.Errorf("%q fails with %q", verb.args, got.notes)
			}
		// the interrupt came before the command could handle it
		case got.code < 0 && verb.begun == "":
		case got.code < 0:
			t.Errorf("%q was killed by the interrupt: %q", verb.args, got.notes)
		default:
			t.Logf("%q was done before the interrupt came", verb.args)
		}
		to := filepath.Join(dir, "to")
		if got.code == 0 {
			if err := os.RemoveAll(filepath.Join(to, "big")); err != nil {
				t.Fatal(err)
			}
		}
		if left, err := os.ReadDir(to); err != nil || len(left) > 0 && got.code >= 0 {
			t.Errorf("%q left %v, %v", verb.args, left, err)
		}
	}
	checkWhole(t, filepath.Join(dir, usual))
	if interrupted < 3 {
		t.Errorf("%d verbs were interrupted at work, want some more", interrupted)
	}
}

// known is what a command says last when it is interrupted: that, or that it waits, or what it had
// done, or which store it used.
var known = regexp.MustCompile(`context canceled|^interrupted; |^(rewritten|removed|store|warning): |^store file:`)

// entries is how many there are in a folder.
func entries(dir string) int {
	list, _ := os.ReadDir(dir) // one that is not there has none
	return len(list)
}

// checkWhole wants nothing wrong in a store but what makeMany left out, and what an interrupted
// write leaves for repair.
func checkWhole(t *testing.T, dir string) {
	t.Helper()
	store, err := filestore.Open(dir, filestore.WithReadOnly())
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	for p, err := range store.Verify(t.Context(), mlruns.VerifyQuery{}) {
		if err != nil {
			t.Fatal(err)
		}
		if p.Kind != mlruns.ProblemMissingFolder && p.Kind != mlruns.ProblemLeftover {
			t.Errorf("after an interrupt: %s", p)
		}
	}
}

// makeMany makes a store of many runs, half of them deleted, of a place that is gone and without a
// folder that repair makes; a run with a long metric and a large artifact; and the folder "to" and
// the file big beside it.
func makeMany(dir, run, big string) error {
	errs := []error{os.MkdirAll(filepath.Join(dir, ".trash"), 0o777), os.Mkdir(filepath.Join(filepath.Dir(dir), "to"), 0o777)}
	experiment := filepath.Join(dir, "1")
	for i := range 600 {
		id := fmt.Sprintf("%032x", i+1)
		errs = append(errs, makeRunFolder(experiment, "1", id, nil), os.Remove(filepath.Join(experiment, id, "params")))
		if i%2 == 0 {
			continue
		}
		meta := filepath.Join(experiment, id, "meta.yaml")
		text, err := os.ReadFile(meta)
		errs = append(errs, err, writeFile(meta, strings.Replace(string(text), "lifecycle_stage: active", "deleted_time: 1700000002000\nlifecycle_stage: deleted", 1)))
	}
	var points strings.Builder
	for i := range 50_000 {
		fmt.Fprintf(&points, "1700000000000 0.5 %d\n", i)
	}
	errs = append(errs, makeRunFolder(experiment, "1", run, map[string]string{"long": points.String()}))
	for _, name := range []string{big, filepath.Join(experiment, run, "artifacts", "big")} {
		errs = append(errs, writeFile(name, ""), os.Truncate(name, 1<<30))
	}
	return errors.Join(errs...)
}
