package codec

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
	KeyArtifactLocation = "artifact_location"
	KeyCreationTime     = "creation_time"
	KeyExperimentID     = "experiment_id"
	KeyLastUpdateTime   = "last_update_time"
	KeyLifecycleStage   = "lifecycle_stage"
	KeyName             = "name"
	KeyTags             = "tags"
)

// NewExperimentDocument is the document of a new experiment.
func NewExperimentDocument(e mlruns.Experiment) Document {
	var d Document
	d.SetString(KeyArtifactLocation, e.ArtifactLocation)
	if !e.Created.IsZero() {
		d.setInt(KeyCreationTime, e.Created.UnixMilli())
	}
	d.SetString(KeyExperimentID, e.ID)
	if !e.Updated.IsZero() {
		d.setInt(KeyLastUpdateTime, e.Updated.UnixMilli())
	}
	d.SetString(KeyLifecycleStage, string(e.Stage))
	d.SetString(KeyName, e.Name)
	return d
}

// ExperimentOf reads the document of the experiment in a folder. The stage is that of the place;
// what the file says is returned beside it.
func ExperimentOf(d Scalars, folder string, stage mlruns.LifecycleStage) (e mlruns.Experiment, recorded mlruns.LifecycleStage, err error) {
	e = mlruns.Experiment{ID: folder, Stage: stage}
	id, ok := d.Text(KeyExperimentID)
	if !ok {
		return e, "", missingKey(KeyExperimentID)
	}
	if id != folder {
		return e, "", &Mismatch{key: KeyExperimentID, recorded: id, folder: folder}
	}
	if e.Name, ok = d.Text(KeyName); !ok {
		return e, "", missingKey(KeyName)
	}
	e.ArtifactLocation, _ = d.Text(KeyArtifactLocation)
	if recorded, err = StageOf(d); err != nil {
		return e, "", err
	}
	if e.Created, err = timeOf(d, KeyCreationTime); err != nil {
		return e, "", err
	}
	e.Updated, err = timeOf(d, KeyLastUpdateTime)
	return e, recorded, err
}

// TouchExperiment sets what every rewrite of an experiment's meta.yaml sets: MLflow's time filters
// need both times, and the dump of tags that MLflow leaves there is read by nobody.
func TouchExperiment(d *Document, stage mlruns.LifecycleStage, now time.Time) {
	if _, ok := d.Text(KeyCreationTime); !ok {
		d.setInt(KeyCreationTime, now.UnixMilli())
	}
	d.setInt(KeyLastUpdateTime, now.UnixMilli())
	d.SetString(KeyLifecycleStage, string(stage))
	d.drop(KeyTags)
}

// Scalars are the texts of a meta.yaml's keys. A key that is missing, null or a collection has
// none.
type Scalars interface {
	// Text gives a key's text; false where there is none.
	Text(key string) (string, bool)
	// Find gives a key's place, negative where the key is missing.
	Find(key string) int
}

// integerOf gives a number; false where the key is missing or null.
func integerOf(d Scalars, key string) (n int64, ok bool, err error) {
	text, ok := d.Text(key)
	if !ok {
		return 0, false, nil
	}
	n, err = pyfmt.ParseInt(text)
	if errors.Is(err, strconv.ErrRange) {
		return 0, false, &Damage{Reason: fmt.Sprintf("%s: %q is beyond 64 bits", key, text)}
	}
	if err != nil {
		return 0, false, &Damage{Reason: fmt.Sprintf("%s: %q is not an integer", key, text)}
	}
	return n, true, nil
}

// Mismatch is an id in a meta.yaml that differs from its folder's name.
type Mismatch struct{ key, recorded, folder string }

func (m *Mismatch) Error() string {
	return fmt.Sprintf("%s is %q but the folder is %q", m.key, m.recorded, m.folder)
}

func missingKey(key string) error { return &Damage{Reason: "the key " + key + " is missing"} }

// StageOf reads the lifecycle stage, active where none is recorded.
func StageOf(d Scalars) (mlruns.LifecycleStage, error) {
	text, ok := d.Text(KeyLifecycleStage)
	if !ok {
		return mlruns.StageActive, nil
	}
	stage := mlruns.LifecycleStage(text)
	if stage != mlruns.StageActive && stage != mlruns.StageDeleted {
		return "", &Damage{Told: true, Reason: fmt.Sprintf("Invalid lifecycle stage '%s'", text)}
	}
	return stage, nil
}

func timeOf(d Scalars, key string) (time.Time, error) {
	ms, ok, err := integerOf(d, key)
	if err != nil || !ok {
		return time.Time{}, err
	}
	return time.UnixMilli(ms).UTC(), nil
}
