package main

import (
	"errors"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/server"
)

func TestMain(m *testing.M) {
	// A shell may export the width of its own terminal. To the command, which this program is too,
	// the scripts give one.
	if filepath.Base(os.Args[0]) != "mlruns" {
		_ = os.Unsetenv("COLUMNS")
	}
	testscript.Main(m, map[string]func(){"mlruns": main})
}

// TestScripts runs testdata/script. Beside testscript's own commands there are
//
//	exits N COMMAND…    runs the command and wants this exit code
//	capture VAR         sets VAR to the last standard output, without the blanks around it
//	waitfor FILE        waits until there is such a file
//	printable           wants no control character in the last standard output and standard error
//	served DIR VAR      has a server answer for a store that it makes in DIR, and sets VAR to its URI
//	hostile DIR         makes a store in DIR whose names and values hold control characters, and sets EXP and RUN
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			// What the scripts name is theirs to set.
			env.Vars = append(env.Vars, "MLFLOW_TRACKING_URI=", "COLUMNS=")
			// Looking upward ends at the home folder, so no store above the temporary directory is
			// found.
			env.Vars = append(env.Vars, "HOME="+env.WorkDir, "USERPROFILE="+env.WorkDir)
			// The race detector makes every process sleep a second when it ends.
			env.Vars = append(env.Vars, "GORACE=atexit_sleep_ms=0")
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"exits":     exits,
			"capture":   capture,
			"printable": printable,
			"waitfor":   waitFor,
			"hostile":   hostile,
			"served":    serveFolder,
		},
	})
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits N COMMAND…")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		exit := (*exec.ExitError)(nil)
		if !errors.As(err, &exit) {
			ts.Fatalf("%v", err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("%q exits with %d, want %d; stderr: %s", args[1:], got, want, ts.ReadFile("stderr"))
	}
}

func capture(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: capture VAR")
	}
	ts.Setenv(args[0], strings.TrimSpace(ts.ReadFile("stdout")))
}

func waitFor(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: waitfor FILE")
	}
	for begun := time.Now(); time.Since(begun) < time.Minute; time.Sleep(5 * time.Millisecond) {
		if _, err := os.Stat(ts.MkAbs(args[0])); err == nil {
			return
		}
	}
	ts.Fatalf("%s does not come", args[0])
}

func printable(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) > 0 {
		ts.Fatalf("usage: printable")
	}
	for _, stream := range []string{"stdout", "stderr"} {
		for _, line := range strings.Split(ts.ReadFile(stream), "\n") {
			if i := strings.IndexFunc(line, func(r rune) bool { return !unicode.IsPrint(r) }); i >= 0 {
				ts.Fatalf("%s has a control character at %d in %q", stream, i, line)
			}
			if strings.HasPrefix(line, "forged") {
				ts.Fatalf("%s has a line that the store forged: %q", stream, line)
			}
		}
	}
}

func hostile(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: hostile DIR")
	}
	experiment, run, err := makeHostile(ts.MkAbs(args[0]))
	ts.Check(err)
	ts.Setenv("EXP", experiment)
	ts.Setenv("RUN", run)
}

func serveFolder(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: served DIR VAR")
	}
	store, err := filestore.Open(ts.MkAbs(args[0]))
	ts.Check(err)
	s := httptest.NewServer(server.New(store))
	ts.Defer(func() { s.Close(); _ = store.Close() })
	ts.Setenv(args[1], s.URL)
}

func writeFile(name, text string) error { return os.WriteFile(name, []byte(text), 0o666) }
