package filestore

import (
	"fmt"
	"time"

	"github.com/mlruns/mlruns"
)

// The meta.yaml of an experiment, the profile that MLflow 1.8 … 3.11 all read:
//
//	artifact_location: file:///d/mlruns/1
//	creation_time: 1795436407309
//	experiment_id: '1'
//	last_update_time: 1795436407309
//	lifecycle_stage: active
//	name: exp one
const (
	keyArtifactLocation = "artifact_location"
	keyCreationTime     = "creation_time"
	keyExperimentID     = "experiment_id"
	keyLastUpdateTime   = "last_update_time"
	keyLifecycleStage   = "lifecycle_stage"
	keyName             = "name"
	keyTags             = "tags"
)

func newExperimentDocument(e mlruns.Experiment) document {
	var d document
	d.setString(keyArtifactLocation, e.ArtifactLocation)
	d.setInt(keyCreationTime, e.Created.UnixMilli())
	d.setString(keyExperimentID, e.ID)
	d.setInt(keyLastUpdateTime, e.Updated.UnixMilli())
	d.setString(keyLifecycleStage, string(e.Stage))
	d.setString(keyName, e.Name)
	return d
}

// experimentOf reads an experiment's document. The stage is that of the place; what the file says is returned beside it.
func experimentOf(d *document, ref experimentRef) (e mlruns.Experiment, recorded mlruns.LifecycleStage, err error) {
	e = mlruns.Experiment{ID: ref.id, Stage: ref.stage()}
	id, ok := d.text(keyExperimentID)
	if !ok {
		return e, "", missingKey(keyExperimentID)
	}
	if id != ref.id {
		return e, "", &mismatch{key: keyExperimentID, recorded: id, folder: ref.id}
	}
	if e.Name, ok = d.text(keyName); !ok {
		return e, "", missingKey(keyName)
	}
	e.ArtifactLocation, _ = d.text(keyArtifactLocation)
	if recorded, err = stageOf(d); err != nil {
		return e, "", err
	}
	if e.Created, err = timeOf(d, keyCreationTime); err != nil {
		return e, "", err
	}
	e.Updated, err = timeOf(d, keyLastUpdateTime)
	return e, recorded, err
}

// touchExperiment sets what every rewrite of an experiment's meta.yaml sets: MLflow's time filters need both times,
// and the dump of tags that MLflow leaves there is read by nobody.
func touchExperiment(d *document, stage mlruns.LifecycleStage, now time.Time) {
	if _, ok := d.text(keyCreationTime); !ok {
		d.setInt(keyCreationTime, now.UnixMilli())
	}
	d.setInt(keyLastUpdateTime, now.UnixMilli())
	d.setString(keyLifecycleStage, string(stage))
	d.drop(keyTags)
}

// mismatch is an id in a meta.yaml that differs from its folder's name.
type mismatch struct{ key, recorded, folder string }

func (m *mismatch) Error() string {
	return fmt.Sprintf("%s is %q but the folder is %q", m.key, m.recorded, m.folder)
}

func missingKey(key string) error { return &damage{reason: "the key " + key + " is missing"} }

func stageOf(d *document) (mlruns.LifecycleStage, error) {
	text, ok := d.text(keyLifecycleStage)
	if !ok {
		return mlruns.StageActive, nil
	}
	stage := mlruns.LifecycleStage(text)
	if stage != mlruns.StageActive && stage != mlruns.StageDeleted {
		return "", &damage{reason: fmt.Sprintf("Invalid lifecycle stage '%s'", text)}
	}
	return stage, nil
}

func timeOf(d *document, key string) (time.Time, error) {
	ms, ok, err := d.integer(key)
	if err != nil || !ok {
		return time.Time{}, err
	}
	return time.UnixMilli(ms).UTC(), nil
}
