package wire

import "github.com/mlruns/mlruns"

// Experiment is an experiment.
type Experiment struct {
	ID               string                `json:"experiment_id"`
	Name             string                `json:"name"`
	ArtifactLocation string                `json:"artifact_location"`
	Stage            mlruns.LifecycleStage `json:"lifecycle_stage"`
	Created          *Int                  `json:"creation_time,omitempty"`
	Updated          *Int                  `json:"last_update_time,omitempty"`
	Tags             []Tag                 `json:"tags"`
}

// NewExperiment gives the shape of an experiment.
func NewExperiment(e mlruns.Experiment) Experiment {
	return Experiment{
		ID: e.ID, Name: e.Name, ArtifactLocation: e.ArtifactLocation, Stage: e.Stage,
		Created: millis(e.Created), Updated: millis(e.Updated), Tags: tags(e.Tags),
	}
}

// ExperimentAnswer is what experiments/get answers.
type ExperimentAnswer struct {
	Experiment Experiment `json:"experiment"`
}

// ExperimentPage is what experiments/search answers.
type ExperimentPage struct {
	Experiments   []Experiment     `json:"experiments"`
	NextPageToken string           `json:"next_page_token,omitempty"`
	Problems      []mlruns.Problem `json:"problems,omitempty"`
}

// NewExperimentPage gives the shape of a page.
func NewExperimentPage(page *mlruns.ExperimentPage) ExperimentPage {
	list := make([]Experiment, 0, len(page.Experiments))
	for _, e := range page.Experiments {
		list = append(list, NewExperiment(e))
	}
	return ExperimentPage{list, page.NextPageToken, page.Problems}
}
