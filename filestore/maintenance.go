package filestore

import (
	"context"
	"iter"

	"github.com/mlruns/mlruns"
)

var (
	_ mlruns.Repairer  = (*Store)(nil)
	_ mlruns.Collector = (*Store)(nil)
	_ mlruns.Relocator = (*Store)(nil)
)

// Repair implements mlruns.Repairer. It mends one run at a time under its lock and that of its
// experiment, each thing with one commit point. Originals go to one folder in .mlruns.trash, named
// by the time, at their own paths below it. With SyncMeta and SyncAlways what was mended is durable
// when it is yielded. Points that MLflow, which takes no locks, appends to a metric file meanwhile
// are carried over where the file system has hard links.
func (s *Store) Repair(ctx context.Context, q mlruns.RepairQuery) iter.Seq2[mlruns.Repair, error] {
	return maintained(ctx, s, "repair", q.DryRun, func() iter.Seq2[mlruns.Repair, error] { return s.checker.Repair(ctx, q) })
}

// GC implements mlruns.Collector. Each experiment and run has a commit point of its own: the rename
// of its folder into the private folder, where its content is then removed. A removal that was
// interrupted is a leftover there; the next GC finishes it, and yields it with its path only.
//
// An experiment in the trash goes whole, whatever the stages of its runs. A run goes if its
// meta.yaml says deleted, in an active experiment and in a deleted one that OlderThan spares; so
// does a logged model, whose age counts from its last change. What
// has an unreadable meta.yaml goes with its experiment only, and a deleted experiment of which it
// is unreadable stays whole. Artifacts of a run that lie elsewhere in the store, because the
// experiment has a location there, go before the rest of the run, unless another run has its id.
// Links are removed, never followed, whatever WithLinkTargets allows: nothing outside of the store
// is touched, and nothing of which a link says that it lies in the trash. What has a file system
// mounted in it, or at it, is passed over as it is. A folder that the file system cannot rename is
// removed where it lies: the commit point is the rename of its meta.yaml.
//
// What cannot be removed is passed over; the first such failure is the error at the end. It is
// mlruns.ErrNotDurable if all was removed but would perhaps not stay so after a power cut. Calling
// again goes on. A negative OlderThan is mlruns.ErrInvalid.
func (s *Store) GC(ctx context.Context, q mlruns.GCQuery) iter.Seq2[mlruns.Removal, error] {
	return maintained(ctx, s, "gc", q.DryRun, func() iter.Seq2[mlruns.Removal, error] { return s.maintain.GC(ctx, q) })
}

// Relocate implements mlruns.Relocator. It is for MLflow, which looks for artifacts where they are
// recorded: this module finds those of a moved store anyway. Each meta.yaml has a commit point of
// its own, its replacement, and nothing in it changes but the location, which keeps its form;
// deleted experiments, runs and logged models are relocated too, and traces, whose location is a
// tag. Locations below WithArtifactRoot stay, of other schemes too.
//
// A location is that of another place of this store if it ends in "/<experiment>", that of a run in
// "/<experiment>/<run>/artifacts". It is kept, and yielded with the reason, if it is relative; if
// it is a run's that has no artifacts here and may have some there; or if it is an experiment's and
// there is a folder that is none. To know, it is asked whether what is recorded exists. Only what
// lies below a directory of WithArtifactRoots is opened.
//
// What cannot be rewritten is passed over; the first such failure is the error at the end. It is
// mlruns.ErrNotDurable if all was rewritten but may be lost in a power cut. Calling again goes on.
func (s *Store) Relocate(ctx context.Context, q mlruns.RelocateQuery) iter.Seq2[mlruns.Relocation, error] {
	return maintained(ctx, s, "relocate", q.DryRun, func() iter.Seq2[mlruns.Relocation, error] { return s.maintain.Relocate(ctx, q) })
}

// maintained goes through what a call yields that writes, unless it is only to tell what it would
// do. Its errors are those of the operation op.
func maintained[T any](ctx context.Context, s *Store, op string, dryRun bool, all func() iter.Seq2[T, error]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		if err := s.beginMaintenance(ctx, dryRun); err != nil {
			var none T
			yield(none, fail(op, "", err))
			return
		}
		for item, err := range all() {
			if !yield(item, fail(op, "", err)) {
				return
			}
		}
	}
}

// beginMaintenance is how a call begins that writes unless it is only to tell what it would do.
func (s *Store) beginMaintenance(ctx context.Context, dryRun bool) error {
	if dryRun {
		return s.begin(ctx)
	}
	return s.beginWrite(ctx)
}
