package storetest

import (
	"context"
	"errors"
	"iter"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/mlruns/mlruns"
)

// scenario is one test. allow names the kinds of problems that it makes on purpose.
type scenario struct {
	name  string
	run   func(*fixture)
	allow []mlruns.ProblemKind
}

type fixture struct {
	*testing.T
	ctx    context.Context
	client *mlruns.Client
}

func newFixture(t *testing.T, s mlruns.Store) *fixture {
	return &fixture{T: t, ctx: t.Context(), client: mlruns.NewClient(s)}
}

// verify checks the store, if it can be checked.
func (f *fixture) verify(allow ...mlruns.ProblemKind) {
	f.Helper()
	v, ok := f.client.Store().(mlruns.Verifier)
	if !ok {
		return
	}
	for p, err := range v.Verify(f.ctx, mlruns.VerifyQuery{}) {
		if err != nil {
			f.Errorf("Verify: %v", err)
		} else if !slices.Contains(allow, p.Kind) {
			f.Errorf("Verify: %v", p)
		}
	}
}

// must ends the test if there is an error.
func (f *fixture) must(err error) {
	f.Helper()
	if err != nil {
		f.Fatalf("unexpected error: %v", err)
	}
}

// need takes the results of a call and gives the first, if there is no error:
// need(f.client.Run(f.ctx, id))(f).
func need[T any](v T, err error) func(*fixture) T {
	return func(f *fixture) T {
		f.Helper()
		f.must(err)
		return v
	}
}

// OwnWords is a store that gives the errors of a server that is not ours: they are held to their
// sentinels, not to their codes and texts.
type OwnWords interface{ OwnWords() }

// refused checks an error's sentinel, code and message.
func (f *fixture) refused(err, sentinel error, code mlruns.Code, message string) {
	f.Helper()
	if !errors.Is(err, sentinel) {
		f.Errorf("error %v\n\tis not %v", err, sentinel)
		return
	}
	if _, own := f.client.Store().(OwnWords); own {
		return
	}
	if got := mlruns.CodeOf(err); got != code {
		f.Errorf("code of %v\n\tgot  %s\n\twant %s", err, got, code)
	}
	if got := mlruns.MessageOf(err); got != message {
		f.Errorf("message\n\tgot  %s\n\twant %s", got, message)
	}
	if typed := (*mlruns.Error)(nil); !errors.As(err, &typed) || typed.Op == "" {
		f.Errorf("%v is no *mlruns.Error with an operation", err)
	}
}

// equal compares with NaN equal to NaN and an empty list or map equal to none.
func equal[T any](f *fixture, what string, got, want T) {
	f.Helper()
	if diff := cmp.Diff(want, got, cmpopts.EquateNaNs(), cmpopts.EquateEmpty()); diff != "" {
		f.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// collect gives what an iterator yields.
func collect[T any](f *fixture, seq iter.Seq2[T, error]) []T {
	f.Helper()
	var list []T
	for v, err := range seq {
		f.must(err)
		list = append(list, v)
	}
	return list
}

// lastError gives the error of an iterator, which must be its last element.
func lastError[T any](f *fixture, seq iter.Seq2[T, error]) error {
	f.Helper()
	var last error
	for _, err := range seq {
		if last != nil {
			f.Errorf("an element follows the error %v", last)
		}
		last = err
	}
	return last
}

// newRun makes a run in the default experiment.
func (f *fixture) newRun() string {
	f.Helper()
	return need(f.client.CreateRun(f.ctx, mlruns.RunSpec{}))(f).Info.ID
}

func (f *fixture) newExperiment(name string) string {
	f.Helper()
	return need(f.client.CreateExperiment(f.ctx, mlruns.ExperimentSpec{Name: name}))(f).ID
}

// read gives a run that must have no problems.
func (f *fixture) read(id string) *mlruns.Run {
	f.Helper()
	run := need(f.client.Run(f.ctx, id))(f)
	equal(f, "problems of the run", run.Problems, nil)
	return run
}

func (f *fixture) history(id, key string) []mlruns.Metric {
	f.Helper()
	return collect(f, f.client.MetricHistory(f.ctx, id, key, mlruns.HistoryQuery{}))
}

// at is a time in milliseconds since 1970.
func at(ms int64) time.Time { return time.UnixMilli(ms).UTC() }

// between checks a time that the store took from its clock.
func (f *fixture) between(what string, got, from time.Time) {
	f.Helper()
	if got.Before(from.Truncate(time.Millisecond)) || got.After(time.Now()) {
		f.Errorf("%s is %v, not between %v and now", what, got, from)
	}
	if got.Location() != time.UTC || !got.Equal(got.Truncate(time.Millisecond)) {
		f.Errorf("%s is %v, not UTC in milliseconds", what, got)
	}
}
