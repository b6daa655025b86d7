package transfer

import (
	"fmt"

	"github.com/mlruns/mlruns"
)

// Kind is what an Item is about.
type Kind string

// The kinds of items.
const (
	KindExperiment Kind = "experiment"
	KindRun        Kind = "run"
	// KindModel is a logged model of MLflow 3.
	KindModel Kind = "model"
	KindTrace Kind = "trace"
	// KindCopy is a whole copy, of which Watch tells that it failed.
	KindCopy Kind = "copy"
)

// Action is what was done, or would be.
type Action string

// The actions of a copy.
const (
	// ActionNone: the destination has all of it, or is to be left as it is.
	ActionNone Action = "unchanged"
	// ActionCreated: the destination had nothing of it.
	ActionCreated Action = "created"
	// ActionUnited: the destination had it, and lacked something.
	ActionUnited Action = "united"
)

// Conflict is a value that is another one on both sides.
type Conflict struct {
	// Field is such as "name", "status", "params.lr", "tags.owner", "assessments.a-1" or
	// "artifacts/model.bin".
	Field string `json:"field"`
	// Source and Destination are the two values. Those of files tell their sizes or digests.
	Source      string `json:"source"`
	Destination string `json:"destination"`
	// Decided says that the Query prefers one of them. A conflict that is not decided leaves the
	// destination as it is.
	Decided bool `json:"decided,omitempty"`
}

func (c Conflict) String() string {
	return fmt.Sprintf("%s: %q in the source, %q in the destination", c.Field, c.Source, c.Destination)
}

// Refusal is something that the destination does not take, or not as it is.
type Refusal struct {
	// Field is as in Conflict, "metrics.loss" for points.
	Field  string `json:"field"`
	Reason string `json:"reason"`
}

func (r Refusal) String() string { return r.Field + ": " + r.Reason }

// Item is what a copy did about one experiment or run, or would do.
type Item struct {
	Kind   Kind   `json:"kind"`
	Action Action `json:"action"`
	// SourceID is its id in the source, ID that in the destination, "" where it is not there.
	SourceID string `json:"source_id"`
	ID       string `json:"id,omitempty"`
	// ExperimentID is the run's experiment in the destination, "" where that is not there.
	ExperimentID string `json:"experiment_id,omitempty"`
	Name         string `json:"name,omitempty"`

	// The counts are of what was written, or would be.
	Params int `json:"params,omitempty"`
	Tags   int `json:"tags,omitempty"`
	Points int `json:"points,omitempty"`
	Inputs int `json:"inputs,omitempty"` // data sets and models, outputs too
	// Metadata and Assessments are those of a trace; its spans are one of the Files.
	Metadata    int   `json:"metadata,omitempty"`
	Assessments int   `json:"assessments,omitempty"`
	Files       int   `json:"files,omitempty"`
	Bytes       int64 `json:"bytes,omitempty"`

	// Removed are runs and logged models of an experiment of the destination that were deleted, or
	// would be: a copy that was killed had left them, with nothing in them, beside those that are
	// kept up to date.
	Removed []string `json:"removed,omitempty"`

	Conflicts []Conflict `json:"conflicts,omitempty"`
	Refused   []Refusal  `json:"refused,omitempty"`
	// Problems is what could not be read of the source, and is therefore not copied.
	Problems []mlruns.Problem `json:"problems,omitempty"`
	// Err is why it was not copied, or not whole. The copy goes on with the next.
	Err error `json:"-"`
}

// Whole reports whether the destination now has all of it, and no value is another one.
func (it *Item) Whole() bool {
	for _, c := range it.Conflicts {
		if !c.Decided {
			return false
		}
	}
	return it.Err == nil && len(it.Refused) == 0 && len(it.Problems) == 0
}

// written records that something was written to what was there.
func (it *Item) written() {
	if it.Action == ActionNone {
		it.Action = ActionUnited
	}
}

// notMade records that what was to be created could not be.
func (it *Item) notMade() {
	it.Action = ActionNone
	it.Params, it.Tags, it.Points, it.Inputs, it.Metadata, it.Assessments = 0, 0, 0, 0, 0, 0
}

func (it *Item) refuse(field string, reason string) {
	it.Refused = append(it.Refused, Refusal{Field: field, Reason: reason})
}

// differ records two values, and reports whether the source's is to be written.
func (it *Item) differ(prefer Prefer, changeable bool, field, source, destination string) bool {
	decided := changeable && prefer != PreferNeither
	it.Conflicts = append(it.Conflicts, Conflict{Field: field, Source: source, Destination: destination, Decided: decided})
	return decided && prefer == PreferSource
}
