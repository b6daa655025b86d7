package mlruns_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/internal/failure"
)

func TestCodeOf(t *testing.T) {
	for _, c := range []struct {
		err  error
		code mlruns.Code
	}{
		{nil, ""},
		{errors.New("other"), mlruns.CodeInternal},
		{context.Canceled, mlruns.CodeInternal},
		{mlruns.ErrInvalid, mlruns.CodeInvalidParameter},
		{mlruns.ErrOutside, mlruns.CodeInvalidParameter},
		{mlruns.ErrNotActive, mlruns.CodeInvalidParameter},
		{mlruns.ErrNotFound, mlruns.CodeNotFound},
		{mlruns.ErrExists, mlruns.CodeExists},
		{mlruns.ErrUnsupported, mlruns.CodeFeatureDisabled},
		{mlruns.ErrBusy, mlruns.CodeUnavailable},
		{mlruns.ErrReadOnly, mlruns.CodePermissionDenied},
		{mlruns.ErrCorrupt, mlruns.CodeInvalidState},
		{mlruns.ErrNotDurable, mlruns.CodeInternal},
		{mlruns.ErrClosed, mlruns.CodeInternal},
		{mlruns.ErrUnconfirmed, mlruns.CodeInternal},
		{failure.RunNotFound("r"), mlruns.CodeNotFound},
		{failure.RunNotActive("r"), mlruns.CodeInvalidParameter},
		{failure.RunInvalidState("r"), mlruns.CodeInvalidState},
		{failure.ExperimentNotFound("e"), mlruns.CodeNotFound},
		{failure.ExperimentTaken("n", false), mlruns.CodeExists},
		{failure.ParamChanged("k", "a", "b", "r"), mlruns.CodeInvalidParameter},
		{failure.TagNotFound("k", "r"), mlruns.CodeNotFound},
		{&failure.Reason{Kind: mlruns.ErrNotActive, Code: failure.CodeInvalidState}, mlruns.CodeInvalidState},
		{&mlruns.UnsupportedRegistryError{}, mlruns.CodeFeatureDisabled},
	} {
		for _, err := range []error{c.err, wrapped(c.err)} {
			if got := mlruns.CodeOf(err); got != c.code {
				t.Errorf("CodeOf(%v) = %s, want %s", err, got, c.code)
			}
		}
	}
}

func wrapped(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("outer: %w", &mlruns.Error{Op: "op", Err: err})
}

// TestReasonCodes holds the codes that a reason names to those that users compare with.
func TestReasonCodes(t *testing.T) {
	for code, want := range map[string]mlruns.Code{
		failure.CodeInternal: mlruns.CodeInternal, failure.CodeInvalidState: mlruns.CodeInvalidState, failure.CodeNotFound: mlruns.CodeNotFound,
	} {
		if got := mlruns.CodeOf(&failure.Reason{Kind: mlruns.ErrBusy, Code: code}); got != want {
			t.Errorf("the code %s is %s, want %s", code, got, want)
		}
	}
}

func TestMessageOf(t *testing.T) {
	for _, c := range []struct {
		err     error
		message string
	}{
		{nil, ""},
		{errors.New("plain"), "plain"},
		{wrapped(failure.RunNotFound("r")), "Run 'r' not found"},
		{failure.RunNotActive("r"), "The run r must be in 'active' lifecycle_stage."},
		{failure.RunInvalidState("r"), "Run 'r' metadata is in invalid state."},
		{failure.ExperimentNotFound("7"), "Could not find experiment with ID 7"},
		{failure.ExperimentTaken("n", false), "Experiment 'n' already exists."},
		{failure.ExperimentTaken("n", true), "Experiment 'n' already exists in deleted state. You can restore the experiment, or permanently delete the experiment from the .trash " +
			"folder (under tracking server's root folder) in order to use this experiment name again."},
		{failure.ParamChanged("k", "a", "b", "r"), "Changing param values is not allowed. Param with key='k' was already logged with value='a' for run ID='r'. Attempted logging new value 'b'."},
		{failure.TagNotFound("k", "r"), "No tag with name: k in run with id r"},
		{wrapped(&mlruns.UnsupportedRegistryError{URI: "u"}), "Model Registry features are not supported by the store with URI: 'u'. Stores with the following URI schemes are supported: []."},
	} {
		if got := mlruns.MessageOf(c.err); got != c.message {
			t.Errorf("MessageOf(%v)\n\tgot  %s\n\twant %s", c.err, got, c.message)
		}
	}
}

func TestError(t *testing.T) {
	cause := errors.New("cause")
	reason := &failure.Reason{Kind: mlruns.ErrCorrupt, Text: "text", Cause: cause}
	for _, c := range []struct {
		err  mlruns.Error
		want string
	}{
		{mlruns.Error{Op: "op", Err: reason}, "op: text"},
		{mlruns.Error{Op: "op", ID: "id", Err: reason}, "op id: text"},
		{mlruns.Error{Op: "op", ID: "id", Path: "a/b", Err: reason}, "op id: a/b: text"},
		{mlruns.Error{Op: "op", ID: "a\x1b[2J\nb", Path: "é\u202e", Err: reason}, `op a\x1b[2J\nb: é\u202e: text`},
	} {
		if got := c.err.Error(); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
		for _, target := range []error{mlruns.ErrCorrupt, cause, reason} {
			if !errors.Is(&c.err, target) {
				t.Errorf("%v is not %v", &c.err, target)
			}
		}
	}
	if err := failure.Invalid("text"); !errors.Is(err, mlruns.ErrInvalid) || errors.Is(err, mlruns.ErrNotFound) {
		t.Errorf("Invalid gave %v", err)
	}
}

func TestProblemString(t *testing.T) {
	for _, c := range []struct {
		problem mlruns.Problem
		want    string
	}{
		{mlruns.Problem{Kind: mlruns.ProblemEmpty, Path: "0/r/metrics/m", Reason: "why"}, "0/r/metrics/m: empty: why"},
		{mlruns.Problem{Kind: mlruns.ProblemMalformed, Path: "a\nb", Line: 3, Reason: "x\x1by"}, `a\nb:3: malformed: x\x1by`},
	} {
		if got := c.problem.String(); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}
