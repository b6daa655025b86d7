package mlruns_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/mlruns/mlruns"
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
		{mlruns.RunNotFound("r"), mlruns.CodeNotFound},
		{mlruns.RunNotActive("r"), mlruns.CodeInvalidParameter},
		{mlruns.RunInvalidState("r"), mlruns.CodeInvalidState},
		{mlruns.ExperimentNotFound("e"), mlruns.CodeNotFound},
		{mlruns.ExperimentTaken("n", mlruns.StageActive), mlruns.CodeExists},
		{mlruns.ParamChanged("k", "a", "b", "r"), mlruns.CodeInvalidParameter},
		{mlruns.TagNotFound("k", "r"), mlruns.CodeNotFound},
		{&mlruns.Reason{Kind: mlruns.ErrNotActive, Code: mlruns.CodeInvalidState}, mlruns.CodeInvalidState},
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

func TestMessageOf(t *testing.T) {
	for _, c := range []struct {
		err     error
		message string
	}{
		{nil, ""},
		{errors.New("plain"), "plain"},
		{wrapped(mlruns.RunNotFound("r")), "Run 'r' not found"},
		{mlruns.RunNotActive("r"), "The run r must be in 'active' lifecycle_stage."},
		{mlruns.RunInvalidState("r"), "Run 'r' metadata is in invalid state."},
		{mlruns.ExperimentNotFound("7"), "Could not find experiment with ID 7"},
		{mlruns.ExperimentTaken("n", mlruns.StageActive), "Experiment 'n' already exists."},
		{mlruns.ExperimentTaken("n", mlruns.StageDeleted), "Experiment 'n' already exists in deleted state. You can restore the experiment, or permanently delete the experiment from the .trash " +
			"folder (under tracking server's root folder) in order to use this experiment name again."},
		{mlruns.ParamChanged("k", "a", "b", "r"), "Changing param values is not allowed. Param with key='k' was already logged with value='a' for run ID='r'. Attempted logging new value 'b'."},
		{mlruns.TagNotFound("k", "r"), "No tag with name: k in run with id r"},
		{wrapped(&mlruns.UnsupportedRegistryError{URI: "u"}), "Model Registry features are not supported by the store with URI: 'u'. Stores with the following URI schemes are supported: []."},
	} {
		if got := mlruns.MessageOf(c.err); got != c.message {
			t.Errorf("MessageOf(%v)\n\tgot  %s\n\twant %s", c.err, got, c.message)
		}
	}
}

func TestError(t *testing.T) {
	cause := errors.New("cause")
	reason := &mlruns.Reason{Kind: mlruns.ErrCorrupt, Text: "text", Cause: cause}
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
	if err := mlruns.Invalid("text"); !errors.Is(err, mlruns.ErrInvalid) || errors.Is(err, mlruns.ErrNotFound) {
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
