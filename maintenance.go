package mlruns

import (
	"context"
	"iter"
	"time"
)

// The calls that are about a whole store. Each is an interface that Client finds by type assertion;
// its method gives ErrUnsupported without it. All go on after what they cannot do: an error comes
// last.

// VerifyQuery says what to check. The zero VerifyQuery checks the whole store.
type VerifyQuery struct {
	// Progress is told how far the call has come, see Progress. Nil tells nobody.
	Progress func(Progress)
}

// Verifier is a store that can check itself. Client finds it by type assertion.
type Verifier interface {
	// Verify goes through everything in the store and yields what is wrong as it is found,
	// experiment by experiment and run by run. It changes nothing and never stops at a problem.
	Verify(ctx context.Context, q VerifyQuery) iter.Seq2[Problem, error]
}

// RepairQuery says how to repair. The zero RepairQuery repairs all that is repairable.
type RepairQuery struct {
	// DryRun yields what would be done and changes nothing.
	DryRun bool
	// Progress is told how far the call has come, see Progress. Nil tells nobody.
	Progress func(Progress)
}

// Repair is what was done about a problem, or would be.
type Repair struct {
	Problem
	// Action is what was done, or would be, for people, as a phrase that fits both: "make the
	// folder". It is empty where nothing can be done without guessing; Problem.Repairable is then
	// false. It is empty too where the repair failed: then Problem.Reason says why, and
	// Problem.Repairable is true, for another attempt may succeed.
	Action string `json:"action,omitempty"`
	// SavedTo is where the original went, relative to the store's root; "" where nothing was taken
	// away.
	SavedTo string `json:"saved_to,omitempty"`
}

// Repairer is a store that can mend what Verify calls repairable. Client finds it by type
// assertion.
type Repairer interface {
	// Repair goes through the store as Verify does, mends what is repairable and yields what it did
	// about every problem. Nothing is deleted: originals are kept. A repair that was interrupted is
	// resumed by calling again.
	Repair(ctx context.Context, q RepairQuery) iter.Seq2[Repair, error]
}

// GCQuery says what to remove for good. The zero GCQuery removes all that is deleted.
type GCQuery struct {
	// OlderThan spares runs that were deleted, and deleted experiments and logged models that were
	// changed, less than this long ago, and what has no such time. 0 spares nothing.
	OlderThan time.Duration
	// Experiments, Runs and Models are ids. Where any is named only these are removed, each if it
	// is deleted, where MLflow's gc removes all other deleted ones too. One that is not removed
	// though it is named is an error at the end.
	Experiments, Runs, Models []string
	// DryRun yields what would be removed and changes nothing.
	DryRun bool
	// OnProblem is told of what could not be read, and was therefore left. Nil: the store's logger.
	OnProblem func(Problem)
	// Progress is told how far the call has come, see Progress. Nil tells nobody.
	Progress func(Progress)
}

// Removal is a deleted run, logged model or experiment that was removed for good, or would be.
type Removal struct {
	// Path of its folder, relative to the store's root, with slashes. What an interrupted removal
	// left has a path and nothing else.
	Path         string `json:"path"`
	ExperimentID string `json:"experiment_id,omitempty"`
	// RunID and ModelID are empty for an experiment.
	RunID   string `json:"run_id,omitempty"`
	ModelID string `json:"model_id,omitempty"`
	// Name of the run, model or experiment.
	Name string `json:"name,omitempty"`
	// Deleted is when it was deleted, or an experiment last changed, which deleting is; zero where
	// that is not known.
	Deleted time.Time `json:"-"`
	// Files and Bytes count what is in the folder, artifacts included.
	Files int   `json:"files"`
	Bytes int64 `json:"bytes"`
}

// Collector is a store that can remove what is deleted for good. Client finds it by
// type assertion.
type Collector interface {
	// GC removes deleted experiments with all that is in them, deleted runs and deleted logged
	// models, which frees their names and ids. It removes only what lies in the store, artifacts
	// elsewhere in it too: those that were recorded at another place stay there.
	GC(ctx context.Context, q GCQuery) iter.Seq2[Removal, error]
}

// RelocateQuery says how to rewrite recorded artifact locations. The zero RelocateQuery brings all
// that moved with the store to its present place.
type RelocateQuery struct {
	// DryRun yields what would be rewritten and changes nothing.
	DryRun bool
	// OnProblem is told of what could not be read, and was therefore left. Nil: the store's logger.
	OnProblem func(Problem)
	// Progress is told how far the call has come, see Progress. Nil tells nobody.
	Progress func(Progress)
}

// Relocation is a recorded location that was rewritten, or would be, or that was kept for a reason
// that its user should know.
type Relocation struct {
	// Path of the meta.yaml, relative to the store's root, with slashes.
	Path string `json:"path"`
	// From is what was recorded.
	From string `json:"from"`
	// To is what is recorded now, "" if From was kept.
	To string `json:"to,omitempty"`
	// Kept is why From was kept.
	Kept string `json:"kept,omitempty"`
}

// Relocator is a store that can rewrite recorded artifact locations after it was moved or copied,
// so that MLflow finds the artifacts. Client finds it by type assertion.
type Relocator interface {
	// Relocate rewrites the locations of experiments and runs that were recorded for another place
	// of this store. Locations elsewhere stay.
	Relocate(ctx context.Context, q RelocateQuery) iter.Seq2[Relocation, error]
}

// Progress is how far Verify, Repair, GC or Relocate has come. It is told between any two
// experiments or runs, for Verify and Repair logged models and traces too, by the goroutine that
// ranges over what the call yields.
type Progress struct {
	// Done of Total such things were looked at. Total grows while experiments are being
	// listed.
	Done, Total int
	// Path is what is looked at now, relative to the store's root.
	Path string
}
