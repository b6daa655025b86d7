package wire

import "github.com/mlruns/mlruns"

// Model is a logged model.
type Model struct {
	Info ModelInfo `json:"info"`
	Data ModelData `json:"data"`
}

// ModelInfo is what a model's meta.yaml tells, and its tags.
type ModelInfo struct {
	ID            string `json:"model_id"`
	ExperimentID  string `json:"experiment_id"`
	Name          string `json:"name"`
	Created       *Int   `json:"creation_timestamp_ms,omitempty"`
	Updated       *Int   `json:"last_updated_timestamp_ms,omitempty"`
	ArtifactURI   string `json:"artifact_uri"`
	Status        string `json:"status"`
	StatusMessage string `json:"status_message,omitempty"`
	Type          string `json:"model_type,omitempty"`
	SourceRunID   string `json:"source_run_id,omitempty"`
	Tags          []Tag  `json:"tags"`
	// Stage is told of a deleted model only; MLflow's answers never tell it.
	Stage mlruns.LifecycleStage `json:"lifecycle_stage,omitempty"`
}

// ModelData is the params, and the latest point of each metric and data set.
type ModelData struct {
	Params  []Tag    `json:"params"`
	Metrics []Metric `json:"metrics"`
}

// modelStatuses are the names of statuses on the wire, from that which is 1.
var modelStatuses = []string{"LOGGED_MODEL_PENDING", "LOGGED_MODEL_READY", "LOGGED_MODEL_UPLOAD_FAILED"}

const modelUnspecified = "LOGGED_MODEL_STATUS_UNSPECIFIED"

// ModelStatusName is the name of a status on the wire.
func ModelStatusName(s mlruns.ModelStatus) string {
	if s >= mlruns.ModelPending && s <= mlruns.ModelFailed {
		return modelStatuses[s-1]
	}
	return modelUnspecified
}

// NewModel gives the shape of a logged model.
func NewModel(m *mlruns.LoggedModel) Model {
	metrics := make([]Metric, 0, len(m.Metrics))
	for _, point := range m.Metrics {
		metrics = append(metrics, NewMetric(point))
	}
	stage := m.Stage
	if stage == mlruns.StageActive {
		stage = ""
	}
	return Model{
		Info: ModelInfo{
			ID: m.ID, ExperimentID: m.ExperimentID, Name: m.Name, Created: millis(m.Created), Updated: millis(m.Updated), ArtifactURI: m.ArtifactLocation,
			Status: ModelStatusName(m.Status), StatusMessage: m.StatusMessage, Type: m.Type, SourceRunID: m.SourceRunID, Tags: tags(m.Tags), Stage: stage,
		},
		Data: ModelData{Params: tags(m.Params), Metrics: metrics},
	}
}

// ModelAnswer is what the calls answer that make, get or change a model.
type ModelAnswer struct {
	Model    Model            `json:"model"`
	Problems []mlruns.Problem `json:"problems,omitempty"`
}

// ModelPage is what logged-models/search answers.
type ModelPage struct {
	Models        []Model          `json:"models"`
	NextPageToken string           `json:"next_page_token,omitempty"`
	Problems      []mlruns.Problem `json:"problems,omitempty"`
}

// NewModelPage gives the shape of a page.
func NewModelPage(page *mlruns.ModelPage) ModelPage {
	list := make([]Model, 0, len(page.Models))
	for _, m := range page.Models {
		list = append(list, NewModel(m))
	}
	return ModelPage{list, page.NextPageToken, page.Problems}
}

// ModelSpec reads what model to make.
func (r *Request) ModelSpec() mlruns.ModelSpec {
	return mlruns.ModelSpec{
		ExperimentID: r.RequiredText("experiment_id"), Name: r.Text("name"), Type: r.Text("model_type"), SourceRunID: r.Text("source_run_id"),
		Params: r.Tags("params"), Tags: r.Tags("tags"),
	}
}

// ModelStatus reads the status that a model gets.
func (r *Request) ModelStatus() mlruns.ModelStatus {
	if !r.Has("status") {
		r.Missing("status")
	}
	if r.Text("status") == modelUnspecified {
		return mlruns.ModelUnspecified
	}
	return mlruns.ModelStatus(r.Enum("status", modelStatuses...))
}

// ModelQuery reads a search of models.
func (r *Request) ModelQuery() mlruns.ModelQuery {
	q := mlruns.ModelQuery{
		Experiments: r.Texts("experiment_ids"), Filter: r.Text("filter"), View: r.View("view_type"),
		MaxResults: r.Limit("max_results", mlruns.DefaultModelResults, mlruns.MaxResultsLimit), PageToken: r.Text("page_token"),
	}
	for _, d := range r.Items("datasets") {
		q.Datasets = append(q.Datasets, mlruns.ModelDataset{Name: d.RequiredText("dataset_name"), Digest: d.Text("dataset_digest")})
	}
	for _, o := range r.Items("order_by") {
		q.OrderBy = append(q.OrderBy, mlruns.ModelOrder{
			Field: o.RequiredText("field_name"), Descending: o.Has("ascending") && !o.Bool("ascending"),
			Dataset: mlruns.ModelDataset{Name: o.Text("dataset_name"), Digest: o.Text("dataset_digest")},
		})
	}
	return q
}
