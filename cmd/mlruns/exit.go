package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/search"
)

const (
	exitDone     = 0
	exitFailed   = 1
	exitUsage    = 2
	exitProblems = 3
)

// errProblems ends "store verify" that found problems, "store repair" that left some, or a copy of
// artifacts that is not whole. They are printed already.
var errProblems = errors.New("the store has problems")

// usageError is a wrong command line.
type usageError struct{ text string }

func (e *usageError) Error() string { return e.text }

// Unwrap makes the code INVALID_PARAMETER_VALUE.
func (e *usageError) Unwrap() error { return mlruns.ErrInvalid }

func unknownCommand(cmd *cobra.Command, name string) error {
	text := fmt.Sprintf("unknown command %q for %q", name, cmd.CommandPath())
	if near := cmd.SuggestionsFor(name); len(near) > 0 {
		text += fmt.Sprintf("; did you mean %q?", strings.Join(near, `" or "`))
	}
	return &usageError{text}
}

// fail prints the error and gives the exit code.
func (a *app) fail(args []string, err error) int {
	if err == errProblems { //nolint:errorlint // joined with another error it is a failure
		return exitProblems
	}
	usage := (*usageError)(nil)
	if !errors.As(err, &usage) && !a.entered {
		usage = &usageError{err.Error()}
		err = usage
	}
	if a.json || slices.Contains(args, "--json") {
		a.failJSON(err)
	} else {
		_, _ = fmt.Fprintln(a.err, "mlruns: "+errorText(err))
	}
	if usage != nil {
		return exitUsage
	}
	return exitFailed
}

func (a *app) failJSON(err error) {
	// Two strings cannot fail to be encoded.
	text, _ := json.Marshal(struct {
		Code    mlruns.Code `json:"error_code"`
		Message string      `json:"message"`
	}{mlruns.CodeOf(err), flagged(mlruns.MessageOf(err))})
	_, _ = a.err.Write(append(escapeJSON(text), '\n'))
}

// errorText is on one line, but for the caret under a filter.
func errorText(err error) string {
	text := flagged(err.Error())
	if query := (*search.Error)(nil); !errors.As(err, &query) {
		return safe(text)
	}
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = safe(line)
	}
	return strings.Join(lines, "\n")
}

// linkHint is how the library says what can be done about a link that leads out.
const linkHint = "WithLinkTargets allows links into a directory"

// flagged names the flag where the library names its option, and leaves out options for which there
// is no flag.
func flagged(text string) string { return flags.Replace(text) }

var flags = strings.NewReplacer("WithArtifactRoots", "--allow-artifacts",
	`WithArtifactMapping(".", dir)`, "--map-artifacts .=DIR", "WithArtifactMapping(location, dir)", "--map-artifacts LOCATION=DIR, such as mlflow-artifacts:=mlartifacts",
	linkHint, "--allow-links DIR allows links into DIR", "WithLinkTargets", "--allow-links",
	"; let every user of the store write its folders and lock files",
	"; who writes to the store needs the permission to write to that file and to the folder it lies in")
