package main

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/mlruns/mlruns"
)

// note tells people something beside the output. It goes to standard error, so that what is piped
// stays rows.
func (a *app) note(format string, args ...any) {
	_ = a.out.Flush()
	for i, arg := range args {
		if s, ok := arg.(string); ok {
			args[i] = safe(s)
		}
	}
	_, _ = fmt.Fprintf(a.err, "mlruns: "+format+"\n", args...)
}

const (
	mostListed  = 10 // of a list in a note
	mostWarned  = 20 // on a terminal, which has to show the table too
	longestItem = 60 // columns
)

// firstFew is the beginning of a list, in one line that can be read, and how much more there is.
func firstFew(items []string) string {
	few := make([]string, 0, mostListed)
	for _, item := range items[:min(mostListed, len(items))] {
		few = append(few, text.Snip(safe(item), longestItem, "…"))
	}
	line := strings.Join(few, ", ")
	if more := len(items) - len(few); more > 0 {
		line += fmt.Sprintf(" … and %s more", thousands(more))
	}
	return line
}

// warn tells people of damage that a read met. Off terminals each has its line.
func (a *app) warn(problems []mlruns.Problem) {
	told := problems
	if a.line.terminal != nil && len(told) > mostWarned {
		told = told[:mostWarned]
	}
	for _, p := range told {
		a.note("warning: %s", p.String())
	}
	if more := len(problems) - len(told); more > 0 {
		a.note("… and %s more warnings; a pipe gets them all, such as 2>warnings.txt", thousands(more))
	}
}

// tellOfSignal says why a command has not ended that was told to. With --json there is nothing but
// the error on standard error.
func (a *app) tellOfSignal() {
	if slices.Contains(os.Args, "--json") {
		return
	}
	// The lock may be held by a write that does not return.
	if a.line.mu.TryLock() {
		defer a.line.mu.Unlock()
		a.line.clear()
	}
	what := "a call to the operating system that has not returned"
	if a.serving.Load() {
		what = "the requests under way"
	}
	_, _ = fmt.Fprintf(os.Stderr, "mlruns: interrupted; waiting for %s: interrupt once more to end at once\n", what)
}
