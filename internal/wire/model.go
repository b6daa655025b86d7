package wire

import "github.com/mlruns/mlruns"

// LoggedModel is a logged model, whole.
type LoggedModel struct {
	Info LoggedModelInfo `json:"info"`
	Data LoggedModelData `json:"data"`
}

// LoggedModelInfo is what a model's meta.yaml tells, and its tags.
type LoggedModelInfo struct {
	ID               string `json:"model_id"`
	ExperimentID     string `json:"experiment_id"`
	Name             string `json:"name"`
	Created          int64  `json:"creation_timestamp_ms"`
	Updated          int64  `json:"last_updated_timestamp_ms"`
	ArtifactLocation string `json:"artifact_uri"`
	Status           string `json:"status"`
	Type             string `json:"model_type,omitempty"`
	SourceRunID      string `json:"source_run_id,omitempty"`
	StatusMessage    string `json:"status_message,omitempty"`
	Tags             []Tag  `json:"tags"`
}

// LoggedModelData is the params of a model and the latest point of each metric and data set.
type LoggedModelData struct {
	Params  []Tag         `json:"params"`
	Metrics []ModelMetric `json:"metrics"`
}

// ModelMetric is a point of a logged model.
type ModelMetric struct {
	Metric
	ModelID string `json:"model_id,omitempty"`
}

// modelStatuses are the names that MLflow's REST interface has for the statuses of a model.
var modelStatuses = map[mlruns.ModelStatus]string{
	mlruns.ModelUnspecified: "LOGGED_MODEL_STATUS_UNSPECIFIED", mlruns.ModelPending: "LOGGED_MODEL_PENDING",
	mlruns.ModelReady: "LOGGED_MODEL_READY", mlruns.ModelFailed: "LOGGED_MODEL_UPLOAD_FAILED",
}

// NewLoggedModel gives the shape of a model.
func NewLoggedModel(m *mlruns.LoggedModel) LoggedModel {
	out := LoggedModel{
		Info: LoggedModelInfo{
			ID: m.ID, ExperimentID: m.ExperimentID, Name: m.Name, Created: m.Created.UnixMilli(), Updated: m.Updated.UnixMilli(),
			ArtifactLocation: m.ArtifactLocation, Status: modelStatuses[m.Status], Type: m.Type, SourceRunID: m.SourceRunID, StatusMessage: m.StatusMessage, Tags: tags(m.Tags),
		},
		Data: LoggedModelData{Params: tags(m.Params), Metrics: make([]ModelMetric, 0, len(m.Metrics))},
	}
	for _, p := range m.Metrics {
		shape := ModelMetric{NewMetric(p), p.ModelID}
		shape.RunID = p.RunID
		out.Data.Metrics = append(out.Data.Metrics, shape)
	}
	return out
}

// LoggedModelAnswer is what the calls that get, make or change a logged model answer.
type LoggedModelAnswer struct {
	Model    LoggedModel      `json:"model"`
	Problems []mlruns.Problem `json:"problems,omitempty"`
}

// NewLoggedModelAnswer gives the shape of a model and of what could not be read of it.
func NewLoggedModelAnswer(m *mlruns.LoggedModel) LoggedModelAnswer {
	return LoggedModelAnswer{NewLoggedModel(m), m.Problems}
}

// LoggedModelPage is what logged-models/search answers.
type LoggedModelPage struct {
	Models        []LoggedModel    `json:"models"`
	NextPageToken string           `json:"next_page_token,omitempty"`
	Problems      []mlruns.Problem `json:"problems,omitempty"`
}

// NewLoggedModelPage gives the shape of a page.
func NewLoggedModelPage(page *mlruns.ModelPage) LoggedModelPage {
	list := make([]LoggedModel, 0, len(page.Models))
	for _, m := range page.Models {
		list = append(list, NewLoggedModel(m))
	}
	return LoggedModelPage{list, page.NextPageToken, page.Problems}
}
