package transfer

import (
	"context"
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
	if it.Tags = len(lacks); it.Tags > 0 || rename {
		it.Action = ActionUnited
	}
	if c.q.DryRun {
		return nil
	}
	if rename {
		if err := c.dst.RenameExperiment(ctx, have.ID, e.Name); err != nil {
			return err
		}
	}
	for key, value := range lacks {
		if err := c.dst.SetExperimentTag(ctx, have.ID, key, value); err != nil {
			return err
		}
	}
	return nil
}
