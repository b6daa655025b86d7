package codec

import (
	"fmt"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/internal/pyfmt"
)

// The meta.yaml of a run, the profile that MLflow 1.8 … 3.11 all read. deleted_time is there only
// while the run is deleted.
//
//	artifact_uri: file:///d/mlruns/1/60599a4ff1d043ebbbcfcd8afb9be114/artifacts
//	end_time: null
//	entry_point_name: ''
//	experiment_id: '1'
//	lifecycle_stage: active
//	run_id: 60599a4ff1d043ebbbcfcd8afb9be114
//	run_name: my run
//	run_uuid: 60599a4ff1d043ebbbcfcd8afb9be114
//	source_name: ''
//	source_type: 4
//	source_version: ''
//	start_time: 1588888888000
//	status: 1
//	tags: []
//	user_id: alice
const (
	KeyArtifactURI    = "artifact_uri"
	KeyDeletedTime    = "deleted_time"
	KeyEndTime        = "end_time"
	keyEntryPointName = "entry_point_name"
	KeyRunID          = "run_id"
	KeyRunName        = "run_name"
	KeyRunUUID        = "run_uuid"
	keySourceName     = "source_name"
	keySourceType     = "source_type"
	keySourceVersion  = "source_version"
	KeyStartTime      = "start_time"
	KeyStatus         = "status"
	KeyUserID         = "user_id"
)

// sourceTypeLocal is MLflow's SourceType.LOCAL, the constant it has written since 1.0.
const sourceTypeLocal = 4

// NewRunDocument is the document of a new run.
func NewRunDocument(info mlruns.RunInfo) Document {
	var d Document
	d.SetString(KeyArtifactURI, info.ArtifactURI)
	d.setNull(KeyEndTime)
	d.SetString(keyEntryPointName, "")
	d.SetString(KeyExperimentID, info.ExperimentID)
	d.SetString(KeyLifecycleStage, string(info.Stage))
	d.SetString(KeyRunID, info.ID)
	d.SetString(KeyRunName, info.Name)
	d.SetString(KeyRunUUID, info.ID)
	d.SetString(keySourceName, "")
	d.setInt(keySourceType, sourceTypeLocal)
	d.SetString(keySourceVersion, "")
	if info.Start.IsZero() { // of a run that was imported without one
		d.setNull(KeyStartTime)
	} else {
		d.setInt(KeyStartTime, info.Start.UnixMilli())
	}
	d.setInt(KeyStatus, int64(info.Status))
	d.setValue(KeyTags, pyfmt.Sequence(nil))
	d.SetString(KeyUserID, info.User)
	return d
}

// RunInfoOf reads a run's document. Only the ids are required: hand-made and very old files lack
// much.
func RunInfoOf(d Scalars, experimentID, runID string) (mlruns.RunInfo, error) {
	info := mlruns.RunInfo{ID: runID, ExperimentID: experimentID}
	id, ok := d.Text(KeyRunID)
	if !ok {
		id, ok = d.Text(KeyRunUUID)
	}
	if !ok {
		return info, missingKey(KeyRunID)
	}
	if id != runID {
		return info, &Mismatch{key: KeyRunID, recorded: id, folder: runID}
	}
	recorded, ok := d.Text(KeyExperimentID)
	if !ok {
		return info, missingKey(KeyExperimentID)
	}
	if recorded != experimentID {
		return info, &Mismatch{key: KeyExperimentID, recorded: recorded, folder: experimentID}
	}
	if info.Name, _ = d.Text(KeyRunName); info.Name == "" {
		info.Name, _ = d.Text(KeyName) // before 1.0 the name was here
	}
	info.User, _ = d.Text(KeyUserID)
	info.ArtifactURI, _ = d.Text(KeyArtifactURI)
	var err error
	if info.Stage, err = StageOf(d); err != nil {
		return info, err
	}
	if info.Status, err = statusOf(d); err != nil {
		return info, err
	}
	for _, t := range [...]struct {
		key string
		to  *time.Time
	}{{KeyStartTime, &info.Start}, {KeyEndTime, &info.End}, {KeyDeletedTime, &info.Deleted}} {
		if *t.to, err = timeOf(d, t.key); err != nil {
			return info, err
		}
	}
	return info, nil
}

// statusOf accepts the name of a status too: a person who edits the file writes FINISHED.
func statusOf(d Scalars) (mlruns.Status, error) {
	text, ok := d.Text(KeyStatus)
	if !ok {
		return mlruns.StatusRunning, nil
	}
	if s, err := mlruns.ParseStatus(text); err == nil {
		return s, nil
	}
	n, err := pyfmt.ParseInt(text)
	if s := mlruns.Status(n); err == nil && int64(s) == n && s.Valid() {
		return s, nil
	}
	return 0, &Damage{Told: true, Reason: fmt.Sprintf("Could not get string corresponding to run status %s. Valid run statuses: [1, 2, 3, 4, 5]", text)}
}

// SetRunInfo brings a run's document up to date and keeps its unknown keys. Both ids are written:
// MLflow ≤ 2.22 needs run_uuid, 3 needs run_id.
func SetRunInfo(d *Document, info mlruns.RunInfo) {
	d.SetString(KeyRunID, info.ID)
	d.SetString(KeyRunUUID, info.ID)
	d.SetString(KeyRunName, info.Name)
	d.setInt(KeyStatus, int64(info.Status))
	d.SetString(KeyLifecycleStage, string(info.Stage))
	if info.End.IsZero() {
		d.setNull(KeyEndTime)
	} else {
		d.setInt(KeyEndTime, info.End.UnixMilli())
	}
	if info.Deleted.IsZero() {
		d.drop(KeyDeletedTime)
	} else {
		d.setInt(KeyDeletedTime, info.Deleted.UnixMilli())
	}
}
