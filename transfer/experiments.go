package transfer

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/mlruns/mlruns"
)

// renamed reports whether two experiments with one id and different names are one that was renamed.
// MLflow ≥ 2.0 draws 18 digits; before that the ids were 1, 2, 3 in every store, so that they say
// nothing.
func renamed(a, b *mlruns.Experiment) bool {
	const drawn = 16
	return a.ID == mlruns.DefaultExperimentID || len(a.ID) >= drawn || !a.Created.IsZero() && a.Created.Equal(b.Created)
}

// remote reports whether a location is that of an object store, which every machine can reach.
func remote(location string) bool {
	scheme, _, found := strings.Cut(location, ":")
	return found && len(scheme) > 1 && scheme != "file" && scheme != "mlflow-artifacts"
}

// uniteExperiment adds the tags that an experiment of the destination lacks.
func uniteExperiment(ctx context.Context, c *copier, e, have *mlruns.Experiment, it *Item) error {
	rename := have.Name != e.Name && it.differ(c.q.Prefer, have.Stage == mlruns.StageActive, "name", e.Name, have.Name)
	lacks := uniteTags(e.Tags, have.Tags, c.q.Prefer, it, func(key string) bool { return strings.HasPrefix(key, "mlruns.") })
	if have.Stage == mlruns.StageDeleted {
		for key := range lacks {
			it.refuse("tags."+key, "the experiment is deleted")
		}
		return nil
	}
	it.Tags = len(lacks)
	if c.q.DryRun {
		if it.Tags > 0 || rename {
			it.written()
		}
		return nil
	}
	if rename {
		if err := c.dst.RenameExperiment(ctx, have.ID, e.Name); err != nil {
			return err
		}
		it.written()
	}
	for _, key := range slices.Sorted(maps.Keys(lacks)) {
		err := c.dst.SetExperimentTag(ctx, have.ID, key, lacks[key])
		switch {
		case errors.Is(err, mlruns.ErrInvalid):
			it.refuse("tags."+key, mlruns.MessageOf(err))
			it.Tags--
		case err != nil:
			return err
		default:
			it.written()
		}
	}
	return nil
}
