// Package layout is the arithmetic of paths in an mlruns directory, both ways: it builds the path
// of a thing and tells what thing a path is.
//
// Paths are relative to the store's root and have slashes on every platform. Nothing here reads or
// writes.
package layout

import (
	"path"
	"strings"
)

// Names that have a meaning in the tree.
const (
	// Meta is the metadata file of an experiment, run, data set, input or output.
	Meta = "meta.yaml"
	// Trash holds deleted experiments.
	Trash = ".trash"
	// Private is this module's own folder in the root: things being made, and being thrown away.
	// Every MLflow version skips names that end in .trash.
	Private = ".mlruns.trash"
	// saved begins the names of the folders in Private that hold the originals of repairs.
	saved = "repaired-"
	// Lock is the empty lock file of the root and of a run.
	Lock = ".mlruns.lock"
	// CopyLock is the empty lock file, in the root, of a copy into the store.
	CopyLock = ".mlruns-copy.lock"
	// Moving is an empty file in the copy of an experiment, from before the copy takes its place
	// until what it was made of is gone.
	Moving = ".mlruns-moving"
	// Removed is what the meta.yaml of an experiment or a run is renamed to when the folder is to
	// be removed where it lies.
	Removed = ".mlruns-removed"
	// Registry is the model registry of MLflow ≥ 2.1, in the root. It is carried, never read.
	Registry = "models"

	// The folders of a run.
	Metrics   = "metrics"
	Params    = "params"
	Tags      = "tags"
	Artifacts = "artifacts"
	Inputs    = "inputs"
	Outputs   = "outputs"

	// The folders of an experiment that are no runs, beside Tags.
	Datasets = "datasets"
	Models   = "models"
	Traces   = "traces"

	// TraceInfo is the metadata file of a trace; Metadata and Assessments are its folders, beside
	// Tags and Artifacts.
	TraceInfo   = "trace_info.yaml"
	Metadata    = "request_metadata"
	Assessments = "assessments"
	// AssessmentEnd follows the id in the name of an assessment's file.
	AssessmentEnd = ".yaml"
	// TraceData is the file of a trace's artifacts that has its spans.
	TraceData = "traces.json"
)

// ExperimentLock is the lock file of an experiment. It lies in the root, because the experiment's
// folder moves while the lock is held.
func ExperimentLock(id string) string { return ".mlruns." + id + ".lock" }

// LockedExperiment is the inverse of ExperimentLock.
func LockedExperiment(name string) (id string, ok bool) {
	id, prefixed := strings.CutPrefix(name, ".mlruns.")
	id, ok = strings.CutSuffix(id, ".lock")
	return id, ok && prefixed
}

// Saved is the folder in which a repair keeps originals, each at its path below it. The repair is
// named by its time.
func Saved(repair string) string { return Private + "/" + saved + repair }

// IsSaved reports whether a name in Private is that of such a folder.
func IsSaved(name string) bool { return strings.HasPrefix(name, saved) }

// Experiment is the folder of an experiment, in the trash or not.
func Experiment(id string, trashed bool) string {
	if trashed {
		return Trash + "/" + id
	}
	return id
}

// Run is the folder of a run in the folder of its experiment.
func Run(experiment, runID string) string { return experiment + "/" + runID }

// Model is the folder of a logged model in the folder of its experiment.
func Model(experiment, modelID string) string { return experiment + "/" + Models + "/" + modelID }

// Trace is the folder of a trace in the folder of its experiment.
func Trace(experiment, traceID string) string { return experiment + "/" + Traces + "/" + traceID }

// Join puts names together with slashes; each part must be a path as this package makes them. Of
// them the first may be the root, "".
func Join(parts ...string) string {
	if len(parts) > 0 && parts[0] == "" {
		parts = parts[1:]
	}
	return strings.Join(parts, "/")
}

// Parent is the folder of a path; that of a name in the root is "".
func Parent(name string) string {
	if dir := path.Dir(name); dir != "." {
		return dir
	}
	return ""
}

// ReservedInExperiment reports whether a folder of this name in an experiment is no run. Where the
// store's root is the artifact location of an experiment, <root>/<run id>/artifacts looks like a
// run of the experiment <run id>.
func ReservedInExperiment(name string) bool {
	switch name {
	case Tags, Datasets, Traces, Models, Artifacts:
		return true
	}
	return false
}

// ReservedInRoot reports whether a folder of this name in the root is no experiment: the trash,
// private folders of tools, the registry.
func ReservedInRoot(name string) bool {
	return strings.HasSuffix(name, ".trash") || name == Registry
}
