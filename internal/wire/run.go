package wire

import (
	"slices"
	"strings"

	"github.com/mlruns/mlruns"
)

// Run is a run, whole.
type Run struct {
	Info    RunInfo  `json:"info"`
	Data    RunData  `json:"data"`
	Inputs  Inputs   `json:"inputs"`
	Outputs *Outputs `json:"outputs,omitempty"`
}

// RunInfo is what a run's meta.yaml tells.
type RunInfo struct {
	ID string `json:"run_id"`
	// the same id: clients of MLflow < 1.0 read it
	UUID         string `json:"run_uuid"`
	Name         string `json:"run_name"`
	ExperimentID string `json:"experiment_id"`
	User         string `json:"user_id"`
	Status       string `json:"status"`
	Start        *Int   `json:"start_time,omitempty"`
	End          *Int   `json:"end_time,omitempty"`
	// MLflow's answers do not tell it
	Deleted     *Int                  `json:"deleted_time,omitempty"`
	ArtifactURI string                `json:"artifact_uri"`
	Stage       mlruns.LifecycleStage `json:"lifecycle_stage"`
}

// RunData is the latest point of each metric, and the params and tags.
type RunData struct {
	Metrics []Metric `json:"metrics"`
	Params  []Tag    `json:"params"`
	Tags    []Tag    `json:"tags"`
}

// NewRun gives the shape of a run.
func NewRun(r *mlruns.Run) Run {
	out := Run{Info: NewRunInfo(r.Info), Inputs: newInputs(r.Inputs), Outputs: newOutputs(r.Outputs)}
	out.Data = RunData{Metrics: make([]Metric, 0, len(r.Data.Metrics)), Params: tags(r.Data.Params), Tags: tags(r.Data.Tags)}
	for _, m := range r.Data.Metrics {
		out.Data.Metrics = append(out.Data.Metrics, NewMetric(m))
	}
	slices.SortFunc(out.Data.Metrics, func(x, y Metric) int { return strings.Compare(x.Key, y.Key) })
	return out
}

// NewRunInfo gives the shape of what a run's meta.yaml tells.
func NewRunInfo(i mlruns.RunInfo) RunInfo {
	return RunInfo{
		ID: i.ID, UUID: i.ID, Name: i.Name, ExperimentID: i.ExperimentID, User: i.User, Status: i.Status.String(),
		Start: millis(i.Start), End: millis(i.End), Deleted: millis(i.Deleted), ArtifactURI: i.ArtifactURI, Stage: i.Stage,
	}
}

// RunAnswer is what runs/get and the calls that make or change a run answer.
type RunAnswer struct {
	Run      Run              `json:"run"`
	Problems []mlruns.Problem `json:"problems,omitempty"`
}

// NewRunAnswer gives the shape of a run and of what could not be read of it.
func NewRunAnswer(r *mlruns.Run) RunAnswer { return RunAnswer{NewRun(r), r.Problems} }

// RunPage is what runs/search answers.
type RunPage struct {
	Runs          []Run            `json:"runs"`
	NextPageToken string           `json:"next_page_token,omitempty"`
	Problems      []mlruns.Problem `json:"problems,omitempty"`
}

// NewRunPage gives the shape of a page.
func NewRunPage(page *mlruns.RunPage) RunPage {
	list := make([]Run, 0, len(page.Runs))
	for _, r := range page.Runs {
		list = append(list, NewRun(r))
	}
	return RunPage{list, page.NextPageToken, page.Problems}
}
