package filestore

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/internal/pyfmt"
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

// experimentOf reads the document of the experiment in a folder. The stage is that of the place; what the file says is returned beside it.
func experimentOf(d scalars, folder string, stage mlruns.LifecycleStage) (e mlruns.Experiment, recorded mlruns.LifecycleStage, err error) {
	e = mlruns.Experiment{ID: folder, Stage: stage}
	id, ok := d.text(keyExperimentID)
	if !ok {
		return e, "", missingKey(keyExperimentID)
	}
	if id != folder {
		return e, "", &mismatch{key: keyExperimentID, recorded: id, folder: folder}
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

// scalars are the texts of a meta.yaml's keys. A key that is missing, null or a collection has none.
type scalars interface {
	text(key string) (string, bool)
	// find gives a key's place, negative where the key is missing.
	find(key string) int
}

// integerOf gives a number; false where the key is missing or null.
func integerOf(d scalars, key string) (n int64, ok bool, err error) {
	text, ok := d.text(key)
	if !ok {
		return 0, false, nil
	}
	n, err = pyfmt.ParseInt(text)
	if errors.Is(err, strconv.ErrRange) {
		return 0, false, &damage{reason: fmt.Sprintf("%s: %q is beyond 64 bits", key, text)}
	}
	if err != nil {
		return 0, false, &damage{reason: fmt.Sprintf("%s: %q is not an integer", key, text)}
	}
	return n, true, nil
}

// mismatch is an id in a meta.yaml that differs from its folder's name.
type mismatch struct{ key, recorded, folder string }

func (m *mismatch) Error() string {
	return fmt.Sprintf("%s is %q but the folder is %q", m.key, m.recorded, m.folder)
}

func missingKey(key string) error { return &damage{reason: "the key " + key + " is missing"} }

func stageOf(d scalars) (mlruns.LifecycleStage, error) {
	text, ok := d.text(keyLifecycleStage)
	if !ok {
		return mlruns.StageActive, nil
	}
	stage := mlruns.LifecycleStage(text)
	if stage != mlruns.StageActive && stage != mlruns.StageDeleted {
		return "", &damage{told: true, reason: fmt.Sprintf("Invalid lifecycle stage '%s'", text)}
	}
	return stage, nil
}

func timeOf(d scalars, key string) (time.Time, error) {
	ms, ok, err := integerOf(d, key)
	if err != nil || !ok {
		return time.Time{}, err
	}
	return time.UnixMilli(ms).UTC(), nil
}
