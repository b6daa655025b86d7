package mlruns

import (
	"encoding/json"
	"time"
)

// Inputs is what a run used: data sets, which MLflow ≥ 2.4 reads, and models, which MLflow ≥ 3.0
// reads.
type Inputs struct {
	Datasets []DatasetInput
	Models   []ModelInput
}

// Outputs is what a run made: models. MLflow ≥ 3.0 reads it.
type Outputs struct {
	Models []ModelOutput
}

// Dataset describes data without holding it.
type Dataset struct {
	// Name and Digest together identify it within an experiment.
	Name, Digest string
	// SourceType and Source say where it came from; Schema and Profile are free text, JSON as
	// MLflow writes them; "" is recorded as null.
	SourceType, Source, Schema, Profile string
}

// DatasetInput is a data set that a run used, with tags such as TagDatasetContext.
type DatasetInput struct {
	Dataset Dataset
	Tags    map[string]string
}

// ModelInput is a logged model that a run used. MLflow 2.4 … 2.22 cannot read a run that has one.
type ModelInput struct{ ModelID string }

// ModelOutput is a logged model that a run made at a step.
type ModelOutput struct {
	ModelID string
	Step    int64
}

// ModelRecord is a model among a run's artifacts, as RecordLoggedModel adds it to the tag
// mlflow.log-model.history.
type ModelRecord struct {
	// ArtifactPath is where the model lies below the run's artifacts.
	ArtifactPath string
	// Created is now when zero.
	Created time.Time
	// ModelUUID is left out when empty.
	ModelUUID string
	// Flavors maps a flavor's name to its description: JSON, an object as a rule. MLflow leaves out
	// an object's key "config".
	Flavors map[string]json.RawMessage
}
