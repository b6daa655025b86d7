package filestore

import (
	"maps"
	"slices"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/dir"
	"github.com/mlruns/mlruns/filestore/internal/records"
	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/validate"
)

// placeExperiment makes an experiment's folder whole in the private folder and renames it into the
// root. The caller holds the root lock.
func placeExperiment(tree *dir.Tree, e mlruns.Experiment) error {
	return tree.Place(layout.Experiment(e.ID, false), func(b *dir.Builder) { buildExperiment(b, e) })
}

func copyTags(tags map[string]string) map[string]string {
	if tags == nil {
		return map[string]string{}
	}
	return maps.Clone(tags)
}

func validateTags(tags map[string]string) error {
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		if err := validateTag(mlruns.Tag{Key: key, Value: tags[key]}); err != nil {
			return err
		}
	}
	return dir.Disjoint("tag", slices.Sorted(maps.Keys(tags)))
}

func validateTag(t mlruns.Tag) error {
	if err := validate.Tag(t); err != nil {
		return err
	}
	return records.CheckKey("key", t.Key)
}
