package wire

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/internal/failure"
	"github.com/mlruns/mlruns/internal/pyfmt"
)

// modelTime is how MLflow writes when a model was made, in UTC.
const modelTime = "2006-01-02 15:04:05.999999"

// modelJSON is an MLmodel as JSON, as far as the list of a run's models keeps it. A pointer tells
// what is missing from what is empty.
type modelJSON struct {
	ArtifactPath *string                    `json:"artifact_path"`
	Flavors      map[string]json.RawMessage `json:"flavors"`
	Created      *string                    `json:"utc_time_created"`
	RunID        *string                    `json:"run_id"`
	ModelUUID    string                     `json:"model_uuid,omitempty"`
}

// ModelRecord reads the model that runs/log-model records: the text of an MLmodel as JSON.
func (r *Request) ModelRecord() mlruns.ModelRecord {
	text := r.RequiredText("model_json")
	if text == "" {
		return mlruns.ModelRecord{}
	}
	var m modelJSON
	if err := json.Unmarshal([]byte(text), &m); err != nil {
		r.refuse(failure.Invalid("Malformed model info. \n " + pyfmt.JSON(text) + " \n failed to load model json: " + err.Error()))
		return mlruns.ModelRecord{}
	}
	if missing := m.missing(); missing != nil {
		r.refuse(failure.Invalid("Model json is missing mandatory fields: {'" + strings.Join(missing, "', '") + "'}"))
		return mlruns.ModelRecord{}
	}
	created, err := time.Parse(modelTime, *m.Created)
	if err != nil {
		r.refuse(failure.Invalid("Malformed model info: utc_time_created " + pyfmt.JSON(*m.Created) + " is not of the form " + modelTime))
	}
	return mlruns.ModelRecord{ArtifactPath: *m.ArtifactPath, ModelUUID: m.ModelUUID, Flavors: m.Flavors, Created: created}
}

// EncodeModelRecord gives the text that runs/log-model records.
func EncodeModelRecord(runID string, m mlruns.ModelRecord) (string, error) {
	flavors := m.Flavors
	if flavors == nil {
		flavors = map[string]json.RawMessage{}
	}
	created := m.Created.UTC().Format(modelTime)
	text, err := json.Marshal(modelJSON{ArtifactPath: &m.ArtifactPath, Flavors: flavors, Created: &created, RunID: &runID, ModelUUID: m.ModelUUID})
	if err != nil {
		return "", failure.Invalid("The model cannot be written as JSON: " + err.Error())
	}
	return string(text), nil
}

func (m modelJSON) missing() (names []string) {
	for _, f := range []struct {
		name   string
		absent bool
	}{{"artifact_path", m.ArtifactPath == nil}, {"flavors", m.Flavors == nil}, {"run_id", m.RunID == nil}, {"utc_time_created", m.Created == nil}} {
		if f.absent {
			names = append(names, f.name)
		}
	}
	return names
}
