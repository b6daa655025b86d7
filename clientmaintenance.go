package mlruns

import (
	"context"
	"iter"
)

// Verify is Verifier.Verify; it yields ErrUnsupported if the store cannot check itself.
func (c *Client) Verify(ctx context.Context, q VerifyQuery) iter.Seq2[Problem, error] {
	v, err := capability[Verifier](c, "verify")
	if err != nil {
		return unsupportedSeq[Problem]("verify")
	}
	return v.Verify(ctx, q)
}

// Repair is Repairer.Repair; it yields ErrUnsupported if the store cannot mend itself.
func (c *Client) Repair(ctx context.Context, q RepairQuery) iter.Seq2[Repair, error] {
	r, err := capability[Repairer](c, "repair")
	if err != nil {
		return unsupportedSeq[Repair]("repair")
	}
	return r.Repair(ctx, q)
}

// GC is Collector.GC; it yields ErrUnsupported if the store cannot remove what is deleted.
func (c *Client) GC(ctx context.Context, q GCQuery) iter.Seq2[Removal, error] {
	r, err := capability[Collector](c, "gc")
	if err != nil {
		return unsupportedSeq[Removal]("gc")
	}
	return r.GC(ctx, q)
}

// Relocate is Relocator.Relocate; it yields ErrUnsupported if the store's locations cannot be
// rewritten.
func (c *Client) Relocate(ctx context.Context, q RelocateQuery) iter.Seq2[Relocation, error] {
	r, err := capability[Relocator](c, "relocate")
	if err != nil {
		return unsupportedSeq[Relocation]("relocate")
	}
	return r.Relocate(ctx, q)
}
