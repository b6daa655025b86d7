package filestore

import (
	"fmt"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/internal/pyfmt"
)

// The meta.yaml of a run, the profile that MLflow 1.8 … 3.11 all read. deleted_time is there only while the run is deleted.
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
	keyArtifactURI    = "artifact_uri"
	keyDeletedTime    = "deleted_time"
	keyEndTime        = "end_time"
	keyEntryPointName = "entry_point_name"
	keyRunID          = "run_id"
	keyRunName        = "run_name"
	keyRunUUID        = "run_uuid"
	keySourceName     = "source_name"
	keySourceType     = "source_type"
	keySourceVersion  = "source_version"
	keyStartTime      = "start_time"
	keyStatus         = "status"
	keyUserID         = "user_id"
)

// sourceTypeLocal is MLflow's SourceType.LOCAL, the constant it has written since 1.0.
const sourceTypeLocal = 4

func newRunDocument(info mlruns.RunInfo) document {
	var d document
	d.setString(keyArtifactURI, info.ArtifactURI)
	d.setNull(keyEndTime)
	d.setString(keyEntryPointName, "")
	d.setString(keyExperimentID, info.ExperimentID)
	d.setString(keyLifecycleStage, string(info.Stage))
	d.setString(keyRunID, info.ID)
	d.setString(keyRunName, info.Name)
	d.setString(keyRunUUID, info.ID)
	d.setString(keySourceName, "")
	d.setInt(keySourceType, sourceTypeLocal)
	d.setString(keySourceVersion, "")
	d.setInt(keyStartTime, info.Start.UnixMilli())
	d.setInt(keyStatus, int64(info.Status))
	d.setValue(keyTags, pyfmt.Sequence(nil))
	d.setString(keyUserID, info.User)
	return d
}

// runInfoOf reads a run's document. Only the ids are required: hand-made and very old files lack much.
func runInfoOf(d scalars, experimentID, runID string) (mlruns.RunInfo, error) {
	info := mlruns.RunInfo{ID: runID, ExperimentID: experimentID}
	id, ok := d.text(keyRunID)
	if !ok {
		id, ok = d.text(keyRunUUID)
	}
	if !ok {
		return info, missingKey(keyRunID)
	}
	if id != runID {
		return info, &mismatch{key: keyRunID, recorded: id, folder: runID}
	}
	recorded, ok := d.text(keyExperimentID)
	if !ok {
		return info, missingKey(keyExperimentID)
	}
	if recorded != experimentID {
		return info, &mismatch{key: keyExperimentID, recorded: recorded, folder: experimentID}
	}
	if info.Name, _ = d.text(keyRunName); info.Name == "" {
		info.Name, _ = d.text(keyName) // before 1.0 the name was here
	}
	info.User, _ = d.text(keyUserID)
	info.ArtifactURI, _ = d.text(keyArtifactURI)
	var err error
	if info.Stage, err = stageOf(d); err != nil {
		return info, err
	}
	if info.Status, err = statusOf(d); err != nil {
		return info, err
	}
	for _, t := range [...]struct {
		key string
		to  *time.Time
	}{{keyStartTime, &info.Start}, {keyEndTime, &info.End}, {keyDeletedTime, &info.Deleted}} {
		if *t.to, err = timeOf(d, t.key); err != nil {
			return info, err
		}
	}
	return info, nil
}

// statusOf accepts the name of a status too: a person who edits the file writes FINISHED.
func statusOf(d scalars) (mlruns.Status, error) {
	text, ok := d.text(keyStatus)
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
	return 0, &damage{told: true, reason: fmt.Sprintf("Could not get string corresponding to run status %s. Valid run statuses: [1, 2, 3, 4, 5]", text)}
}

// setRunInfo brings a run's document up to date and keeps its unknown keys. Both ids are written: MLflow ≤ 2.22 needs run_uuid, 3 needs run_id.
func setRunInfo(d *document, info mlruns.RunInfo) {
	d.setString(keyRunID, info.ID)
	d.setString(keyRunUUID, info.ID)
	d.setString(keyRunName, info.Name)
	d.setInt(keyStatus, int64(info.Status))
	d.setString(keyLifecycleStage, string(info.Stage))
	if info.End.IsZero() {
		d.setNull(keyEndTime)
	} else {
		d.setInt(keyEndTime, info.End.UnixMilli())
	}
	if info.Deleted.IsZero() {
		d.drop(keyDeletedTime)
	} else {
		d.setInt(keyDeletedTime, info.Deleted.UnixMilli())
	}
}
