package codec

import (
	"fmt"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/internal/pyfmt"
)

// The meta.yaml of a logged model, which MLflow ≥ 3.0 writes. A change of status drops
// lifecycle_stage.
//
//	artifact_location: file:///d/mlruns/1/models/m-495a38d09ce6481bb6154826b1548e26/artifacts
//	creation_timestamp: 1700000026000
//	experiment_id: '1'
//	last_updated_timestamp: 1700000026000
//	lifecycle_stage: active
//	model_id: m-495a38d09ce6481bb6154826b1548e26
//	model_type: null
//	name: resnet
//	source_run_id: 88c500e318764808a78f41798cde0a1b
//	status: 1
//	status_message: null
const (
	keyCreationTimestamp    = "creation_timestamp"
	keyLastUpdatedTimestamp = "last_updated_timestamp"
	KeyModelID              = "model_id"
	keyModelType            = "model_type"
	keySourceRunID          = "source_run_id"
	keyStatusMessage        = "status_message"
)

// NewLoggedModelDocument is the document of a new model.
func NewLoggedModelDocument(m mlruns.LoggedModel) Document {
	var d Document
	d.SetString(KeyArtifactLocation, m.ArtifactLocation)
	d.setInt(keyCreationTimestamp, m.Created.UnixMilli())
	d.SetString(KeyExperimentID, m.ExperimentID)
	d.setInt(keyLastUpdatedTimestamp, m.Updated.UnixMilli())
	d.SetString(KeyLifecycleStage, string(mlruns.StageActive))
	d.SetString(KeyModelID, m.ID)
	d.setText(keyModelType, m.Type)
	d.SetString(KeyName, m.Name)
	d.setText(keySourceRunID, m.SourceRunID)
	d.setInt(KeyStatus, int64(m.Status))
	d.setText(keyStatusMessage, m.StatusMessage)
	return d
}

// LoggedModelOf reads a model's document. Only the ids are required. Every stage but deleted is
// active, as in MLflow.
func LoggedModelOf(d Scalars, experimentID, modelID string) (mlruns.LoggedModel, error) {
	m := mlruns.LoggedModel{ID: modelID, ExperimentID: experimentID, Stage: mlruns.StageActive}
	for _, id := range [...]struct{ key, folder string }{{KeyModelID, modelID}, {KeyExperimentID, experimentID}} {
		recorded, ok := d.Text(id.key)
		if !ok {
			return m, missingKey(id.key)
		}
		if recorded != id.folder {
			return m, &Mismatch{key: id.key, recorded: recorded, folder: id.folder}
		}
	}
	m.Name, _ = d.Text(KeyName)
	m.Type, _ = d.Text(keyModelType)
	m.SourceRunID, _ = d.Text(keySourceRunID)
	m.StatusMessage, _ = d.Text(keyStatusMessage)
	m.ArtifactLocation, _ = d.Text(KeyArtifactLocation)
	if stage, _ := d.Text(KeyLifecycleStage); stage == string(mlruns.StageDeleted) {
		m.Stage = mlruns.StageDeleted
	}
	var err error
	if m.Created, err = timeOf(d, keyCreationTimestamp); err != nil {
		return m, err
	}
	if m.Updated, err = timeOf(d, keyLastUpdatedTimestamp); err != nil {
		return m, err
	}
	m.Status, err = modelStatusOf(d)
	return m, err
}

// HasModelType and HasSourceRun report whether a model's document tells them, "" being a text too:
// a filter takes null for missing.
func HasModelType(d Scalars) bool { _, ok := d.Text(keyModelType); return ok }

// HasSourceRun is HasModelType for the run that made the model.
func HasSourceRun(d Scalars) bool { _, ok := d.Text(keySourceRunID); return ok }

// modelStatusOf accepts the name of a status too, as that of a run.
func modelStatusOf(d Scalars) (mlruns.ModelStatus, error) {
	text, ok := d.Text(KeyStatus)
	if !ok {
		return mlruns.ModelReady, nil
	}
	if s, err := mlruns.ParseModelStatus(text); err == nil {
		return s, nil
	}
	n, err := pyfmt.ParseInt(text)
	if s := mlruns.ModelStatus(n); err == nil && int64(s) == n && s.Valid() {
		return s, nil
	}
	return 0, &Damage{Told: true, Reason: fmt.Sprintf("Unknown model status: %s", text)}
}

// SetModelStatus brings a model's document up to date after a change of status. As in MLflow the
// stage, which is active, is written no more.
func SetModelStatus(d *Document, m mlruns.LoggedModel) {
	d.setInt(KeyStatus, int64(m.Status))
	d.setInt(keyLastUpdatedTimestamp, m.Updated.UnixMilli())
	d.drop(KeyLifecycleStage)
}

// SetModelDeleted brings a model's document up to date after its deletion.
func SetModelDeleted(d *Document, m mlruns.LoggedModel) {
	d.setInt(keyLastUpdatedTimestamp, m.Updated.UnixMilli())
	d.SetString(KeyLifecycleStage, string(mlruns.StageDeleted))
}
