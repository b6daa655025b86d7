package server

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/internal/failure"
)

// Limits of experiments/search-datasets, MLflow's.
const (
	maxSummaries          = 1000
	maxSummaryExperiments = 20
)

// datasetSummary is a data set that some run of an experiment used.
type datasetSummary struct {
	Experiment string `json:"experiment_id"`
	Name       string `json:"name"`
	Digest     string `json:"digest"`
	Context    string `json:"context,omitempty"`
}

// datasetSummaries is what experiments/search-datasets answers.
type datasetSummaries struct {
	Summaries []datasetSummary `json:"dataset_summaries"`
}

// searchDatasets names the data sets of experiments, by which the page filters runs.
func (s *server) searchDatasets(c *call) (any, error) {
	ids := c.Texts("experiment_ids")
	if err := c.Err(); err != nil {
		return nil, err
	}
	switch {
	case len(ids) == 0:
		return nil, failure.Invalid("SearchDatasets request must specify at least one experiment_id.")
	case len(ids) > maxSummaryExperiments:
		return nil, failure.Invalid(fmt.Sprintf("SearchDatasets request cannot specify more than %d experiment_ids. Received %d experiment_ids.", maxSummaryExperiments, len(ids)))
	}
	seen := map[datasetSummary]bool{}
	// Only the inputs of a run are read to find that it has none.
	for run, err := range s.store.Runs(c.ctx, mlruns.RunQuery{Experiments: ids, Filter: "dataset.name LIKE '%'", OnProblem: ignore}) {
		if err != nil {
			return nil, err
		}
		for _, d := range run.Inputs.Datasets {
			seen[datasetSummary{run.Info.ExperimentID, d.Dataset.Name, d.Dataset.Digest, d.Tags[mlruns.TagDatasetContext]}] = true
		}
		if len(seen) >= maxSummaries {
			break
		}
	}
	list := slices.SortedFunc(maps.Keys(seen), func(a, b datasetSummary) int {
		return cmp.Or(cmp.Compare(a.Experiment, b.Experiment), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Digest, b.Digest), cmp.Compare(a.Context, b.Context))
	})
	return datasetSummaries{list[:min(len(list), maxSummaries)]}, nil
}
