package transfer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/mlruns/mlruns"
)

// A run can be in a destination that draws ids more than once: two copies were under way at once,
// or one was killed while its request to make the run was on its way, and the next one looked
// before that was done.

// twin is a run of the destination that was copied from one of the source.
type twin struct {
	id         string
	experiment string
	deleted    bool
	marked     bool // with TagPushed
	empty      bool // it has nothing but what it was made with
}

func twinOf(r *mlruns.Run) twin {
	_, marked := r.Data.Tags[TagPushed]
	return twin{r.Info.ID, r.Info.ExperimentID, r.Info.Stage == mlruns.StageDeleted, marked, isEmpty(r)}
}

// isEmpty reports whether a run has nothing but what a copy makes one with.
func isEmpty(r *mlruns.Run) bool {
	for key := range r.Data.Tags {
		if key == TagPushed || key != mlruns.TagUser && key != mlruns.TagRunName && !strings.HasPrefix(key, "mlruns.") {
			return false
		}
	}
	return r.Info.Status == mlruns.StatusRunning && r.Info.End.IsZero() && len(r.Data.Metrics)+len(r.Data.Params) == 0 &&
		len(r.Inputs.Datasets)+len(r.Inputs.Models)+len(r.Outputs.Models) == 0
}

// compare puts the one first that is kept up to date: always the same.
func (a twin) compare(b twin) int {
	last := func(is bool) int {
		if is {
			return 1
		}
		return 0
	}
	return cmp.Or(last(a.empty)-last(b.empty), last(a.deleted)-last(b.deleted), last(b.marked)-last(a.marked), cmp.Compare(a.id, b.id))
}

// note notes a run of the destination, and the one that it was copied from, "" for none.
func (t *pushing) note(c twin, source string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.own[c.id] = true
	if source != "" {
		t.copies[source] = append(t.copies[source], c)
		slices.SortFunc(t.copies[source], twin.compare)
	}
}

// noteAll notes what a search gives. Of what others refer to as their parent nothing is empty.
func (t *pushing) noteAll(ctx context.Context, q mlruns.RunQuery) error {
	sources, parents := map[twin]string{}, map[string]bool{}
	for r, err := range t.dst.Runs(ctx, q) {
		if err != nil {
			return err
		}
		parents[r.Data.Tags[mlruns.TagParentRunID]] = true
		if !t.isOwn(r.Info.ID) {
			sources[twinOf(r)] = r.Data.Tags[TagSourceRun]
		}
	}
	for c, source := range sources {
		c.empty = c.empty && !parents[c.id]
		t.note(c, source)
	}
	return nil
}

func (t *pushing) isOwn(id string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.own[id]
}

// tellTwins tells of a run that is in the destination more than once.
func (t *pushing) tellTwins(r *mlruns.Run, it *Item) {
	t.mu.Lock()
	defer t.mu.Unlock()
	var active []string
	for _, c := range t.copies[origin(r)] {
		if !c.deleted {
			active = append(active, c.id)
		}
	}
	if n := len(active); n > 1 {
		it.refuse("run", fmt.Sprintf("it is in the destination %d times: %s is kept up to date, delete the others: %s", n, active[0], strings.Join(active[1:], ", ")))
	}
}

// removeEmpty deletes of the twins in an experiment those that are empty, beside one that is kept:
// a copy that was killed has left them.
func (t *pushing) removeEmpty(ctx context.Context, experiment string, it *Item) error {
	t.mu.Lock()
	var all [][]twin
	for _, twins := range t.copies {
		if len(twins) > 1 {
			all = append(all, slices.Clone(twins))
		}
	}
	t.mu.Unlock()
	for _, twins := range all {
		keep, err := t.kept(ctx, twins)
		if err != nil {
			return err
		}
		for _, c := range twins {
			if c.id == keep || !c.empty || c.deleted || c.experiment != experiment {
				continue
			}
			if err := t.remove(ctx, c.id, it); err != nil {
				return err
			}
		}
	}
	slices.Sort(it.Removed)
	return nil
}

// kept is the one of some twins that is kept: the first, but where all are empty one that has made
// a model, as a copy that was killed then leaves it.
func (t *pushing) kept(ctx context.Context, twins []twin) (id string, err error) {
	models, ok := t.dst.(mlruns.ModelStore)
	if !ok || !twins[0].empty {
		return twins[0].id, nil
	}
	for _, c := range twins {
		for m, err := range models.LoggedModels(ctx, mlruns.ModelQuery{Experiments: []string{c.experiment}, OnProblem: ignore}) {
			switch {
			case errors.Is(err, mlruns.ErrUnsupported):
				return twins[0].id, nil
			case err != nil:
				return "", err
			case m.SourceRunID == c.id:
				t.change(c.id, func(c *twin) { c.empty = false })
				return c.id, nil
			}
		}
	}
	return twins[0].id, nil
}

// change changes what is known of a twin.
func (t *pushing) change(id string, change func(*twin)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, list := range t.copies {
		for i := range list {
			if list[i].id == id {
				change(&list[i])
				slices.SortFunc(list, twin.compare)
				return
			}
		}
	}
}

// remove deletes a run that is still empty.
func (t *pushing) remove(ctx context.Context, id string, it *Item) error {
	r, err := missingIsNil(t.dst.Run(ctx, id))
	if r == nil || err != nil || !isEmpty(r) {
		return err
	}
	if t.into != nil {
		if there, err := t.into.sizes(ctx, id); err != nil && !errors.Is(err, mlruns.ErrUnsupported) || len(there) > 0 {
			return err
		}
	}
	if !t.q.DryRun {
		if err := t.dst.DeleteRun(ctx, id); err != nil {
			return err
		}
	}
	t.change(id, func(c *twin) { c.deleted = true })
	it.Removed = append(it.Removed, id)
	it.written()
	return nil
}
