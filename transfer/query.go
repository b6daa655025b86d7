package transfer

import "github.com/mlruns/mlruns"

// Prefer says which of two values that differ counts.
type Prefer uint8

// The preferences of a Query.
const (
	// PreferNeither leaves the destination's value and tells both.
	PreferNeither Prefer = iota
	// PreferSource replaces the destination's value, where it can be replaced: a param, a start
	// time and a user cannot.
	PreferSource
	// PreferDestination leaves the destination's value, on purpose.
	PreferDestination
)

// Query says what to copy, and how. The zero Query is all active runs of all active experiments.
type Query struct {
	// Experiments are ids of the source. None named means all. One that does not exist is
	// mlruns.ErrNotFound; of one that is deleted an Item tells, unless Deleted is set.
	Experiments []string
	// Filter is in the language of docs/search.md; "" matches every run. With one, an experiment
	// of which no run matches is not copied either.
	Filter string
	// Deleted copies what is deleted too.
	Deleted bool
	// NoArtifacts leaves the files of runs where they are.
	NoArtifacts bool
	// Prefer decides between values that differ.
	Prefer Prefer
	// DryRun tells what would be done and changes nothing.
	DryRun bool
	// OnProblem is told of what could not be read of the source outside of runs. Nil: nobody is.
	OnProblem func(mlruns.Problem)
	// OnWait is told when the copy waits for another one into the same destination to end. Nil:
	// nobody is.
	OnWait func()
	// Progress is told after each run, from one goroutine at a time. Nil tells nobody.
	Progress func(Progress)
}

func (q Query) view() mlruns.View {
	if q.Deleted {
		return mlruns.ViewAll
	}
	return mlruns.ViewActive
}

func (q Query) onProblem() func(mlruns.Problem) {
	if q.OnProblem == nil {
		return func(mlruns.Problem) {}
	}
	return q.OnProblem
}

// Progress is how far a copy has come.
type Progress struct {
	// Done of Total runs were looked at. Total is 0 where nobody knows it, with a filter for
	// instance.
	Done, Total int
	// Points, Files and Bytes were copied, or would be.
	Points, Files int
	Bytes         int64
}
