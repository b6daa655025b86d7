//go:build unix

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/mlruns/mlruns/internal/proof"
)

// widths are those of a narrow window, the usual one and a wide screen.
var widths = []uint16{20, 80, 200}

// shownVerbs are the verbs that read, as they are run on every store.
func shownVerbs(s shownStore) [][]string {
	return [][]string{
		{"experiments", "search"},
		{"experiments", "search", "--view", "all", "-v"},
		{"experiments", "search", "--explain"},
		{"experiments", "get", s.experiment},
		{"runs", "search"},
		{"runs", "search", "--view", "all", "--experiment", s.experiment, "--max-results", "3"},
		{"runs", "search", "--explain", "--filter", "metrics.m > 0"},
		{"runs", "search", "--filter", "metrics.m >"},
		{"runs", "describe", s.run},
		{"metrics", "history", s.run, s.metric},
		{"metrics", "history", s.run, s.metric, "--csv"},
		{"artifacts", "list", s.run},
		{"models", "search"},
		{"models", "search", "--view", "all", "--order-by", "metrics.acc"},
		{"models", "search", "--explain", "--dataset", "d"},
		{"models", "get", s.model},
		{"models", "artifacts", s.model},
		{"traces", "search"},
		{"traces", "search", "--explain"},
		{"traces", "get", s.trace},
		{"artifacts", "download", s.run, "none"},
		{"store", "info"},
		{"store", "index"},
		{"store", "verify"},
		{"store", "repair", "--dry-run"},
		{"store", "gc", "--dry-run"},
		{"store", "gc", "--dry-run", "--older-than", "1d"},
		{"store", "relocate", "--dry-run"},
	}
}

// changingVerbs are the verbs that write, in an order in which each can be done, and what is typed.
func changingVerbs(run, model, trace string) [][2][]string {
	typed := `{"metrics": [{"key": "typed", "value": 1}]}` + "\n"
	list := [][2][]string{{{"runs", "log-batch", run}, {typed}}}
	for _, args := range [][]string{
		{"runs", "log-metric", run, "loss", "-0.5"},
		{"runs", "log-param", run, "lr", "1"},
		{"runs", "set-tag", run, "k", "v"},
		{"runs", "delete-tag", run, "k"},
		{"runs", "update", run, "--name", "other"},
		{"runs", "end", run},
		{"runs", "delete", run},
		{"runs", "restore", run},
		{"artifacts", "log", run, "file"},
		{"artifacts", "download", run, "file", "--to", "to"},
		{"models", "set-tag", model, "k", "v"},
		{"models", "delete-tag", model, "k"},
		{"models", "create", "one", "--run", run},
		{"models", "log-param", model, "k", "v"},
		{"models", "finalize", model},
		{"models", "log-artifact", model, "file"},
		{"models", "artifacts", model},
		{"models", "download", model, "file", "--to", "to"},
		{"models", "delete-artifacts", model, "file"},
		{"traces", "set-tag", trace, "k", "v"},
		{"traces", "delete-tag", trace, "k"},
		{"traces", "delete", trace},
		{"models", "delete", model},
		{"copy", usual, "copied"},
		{"experiments", "create", "new"},
		{"experiments", "rename", "new", "newer"},
		{"experiments", "set-tag", "newer", "k", "v"},
		{"experiments", "delete-tag", "newer", "k"},
		{"experiments", "delete", "newer"},
		{"experiments", "restore", "newer"},
		{"runs", "create", "--experiment", "newer"},
		{"experiments", "delete", "newer"},
		{"store", "repair"},
		{"store", "relocate"},
		{"store", "gc"},
		{"serve", "--port", "0", "--idle-timeout", "1ms", "--ui", "none"},
		{"store", "verify"},
	} {
		list = append(list, [2][]string{args, {}})
	}
	return list
}

// TestTerminalKnowsEveryVerb holds the lists above against the command: a verb that is added must
// be seen on a terminal too.
func TestTerminalKnowsEveryVerb(t *testing.T) {
	listed := map[string]bool{}
	for _, args := range shownVerbs(shownStore{}) {
		listed[verbName(args)] = true
	}
	for _, verb := range changingVerbs("", "", "") {
		listed[verbName(verb[0])] = true
	}
	var visit func(cmd *cobra.Command)
	visit = func(cmd *cobra.Command) {
		for _, sub := range cmd.Commands() {
			visit(sub)
		}
		if name := strings.TrimPrefix(cmd.CommandPath(), "mlruns "); !cmd.HasSubCommands() && !listed[name] {
			t.Errorf("%q is not run on a terminal", name)
		}
	}
	visit(newApp(nil, os.Stdout, nil).root())
}

// verbName is the verb with its noun, if it has one.
func verbName(args []string) string {
	if strings.HasPrefix(args[1], "-") || args[0] == "copy" {
		return args[0]
	}
	return args[0] + " " + args[1]
}

// TestTerminalShowsWhatAPipeGets runs every verb that reads on terminals of several widths, over
// whole and damaged stores. Each ends in time, drives no terminal, prints no row that is wider, and
// tells what it tells a pipe.
func TestTerminalShowsWhatAPipeGets(t *testing.T) {
	for _, s := range shownStores(t) {
		for _, args := range proof.Sample(t, shownVerbs(s)) {
			// what --explain counts is not the same twice with an index
			args = append(args, "--store", s.dir, "--index", "none")
			t.Run(s.name+" "+strings.Join(args[:2], " "), func(t *testing.T) {
				t.Parallel()
				file := inFile(t, args)
				for _, width := range widths {
					shown := onTerminal(t, width, args)
					if err := shown.checkScreen(int(width)); err != nil {
						t.Errorf("%q on %d columns:\n%v", args, width, err)
					}
					if err := shown.checkFacts(file); err != nil {
						t.Errorf("%q on %d columns:\n%v", args, width, err)
					}
				}
			})
		}
	}
}

// TestTerminalChangesTheStore runs every verb that writes on terminals of several widths. Each does
// what it is told and ends with a whole store.
func TestTerminalChangesTheStore(t *testing.T) {
	for _, width := range widths {
		t.Run(fmt.Sprint(width), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if err := os.Mkdir(filepath.Join(dir, "to"), 0o777); err != nil {
				t.Fatal(err)
			}
			if err := writeFile(filepath.Join(dir, "file"), "x"); err != nil {
				t.Fatal(err)
			}
			started(t, width, dir, "", "experiments", "create", "first")
			made := started(t, width, dir, "", "runs", "create", "--experiment", "first")
			if made.code != 0 || len(made.lines) != 1 {
				t.Fatalf("runs create: %+v", made)
			}
			run := strings.TrimSpace(made.lines[0])
			model, trace, err := makeModels(filepath.Join(dir, usual))
			if err != nil {
				t.Fatal(err)
			}
			for _, verb := range changingVerbs(run, model, trace) {
				got := started(t, width, dir, strings.Join(verb[1], ""), verb[0]...)
				if err := got.checkScreen(int(width)); err != nil && len(verb[1]) == 0 {
					t.Errorf("%q:\n%v", verb[0], err)
				}
				if got.code != 0 {
					t.Errorf("%q exits with %d: %q", verb[0], got.code, got.notes)
				}
			}
			if history := inFile(t, []string{"metrics", "history", run, "typed", "--store", filepath.Join(dir, usual)}); len(history.lines) != 2 {
				t.Errorf("what was typed is not there: %+v", history)
			}
		})
	}
}

// TestTerminalWithFiveThousandMetrics keeps every line of a run with very many keys short enough to
// be read.
func TestTerminalWithFiveThousandMetrics(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "wide")
	if err := makeWide(dir, 5000, "0123456789abcdef0123456789abcdef"); err != nil {
		t.Fatal(err)
	}
	for _, width := range widths {
		shown := onTerminal(t, width, []string{"runs", "search", "--store", dir})
		if err := shown.checkScreen(int(width)); err != nil {
			t.Errorf("%d columns: %v", width, err)
		}
		if n := len(shown.lines); n != 2 {
			t.Errorf("%d columns: %d lines, want a title and a run", width, n)
		}
		more := false
		for _, note := range shown.notes {
			if len(note) > 1000 {
				t.Errorf("%d columns: a note of %d bytes: %.200q", width, len(note), note)
			}
			if strings.Contains(note, " … and ") && strings.HasSuffix(note, " more") {
				more = true
			}
		}
		if !more || len(shown.notes) != 1+mostWarned+1 {
			t.Errorf("%d columns: %d notes, want one that ends with how much more there is, %d warnings and their count", width, len(shown.notes), mostWarned)
		}
	}
}
