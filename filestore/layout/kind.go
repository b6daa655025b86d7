package layout

import "strings"

// Kind is what a path names.
type Kind uint8

// The kinds of things in the tree. Other is everything that no rule names.
const (
	Other Kind = iota
	ExperimentMeta
	ExperimentTag
	RunMeta
	Metric
	Param
	RunTag
	Artifact
	DatasetMeta
	InputMeta
	OutputMeta
	ModelMeta
	ModelMetric
	ModelParam
	ModelTag
	// TraceMeta is trace_info.yaml.
	TraceMeta
	TraceMetadata
	TraceTag
	Assessment
	// Carried is a file of the model registry.
	Carried
	// Ours is a private file or folder of this module.
	Ours
)

// Place says what a path is.
type Place struct {
	Kind Kind
	// Experiment, Run, Model and Trace are ids, "" where there is none.
	Experiment, Run, Model, Trace string
	Trashed                       bool
	// Key is the key of a metric, param, tag or metadata, the path of an artifact, the id of a data
	// set, input or output, or the name of an assessment's file.
	Key string
}

// ours begins the names of all that is private to this module.
const ours = ".mlruns"

// Parse tells what the file at path p is, by its place alone; the inverse of the functions that
// build paths. It does not judge ids and keys.
func Parse(p string) Place {
	first, rest, _ := strings.Cut(p, "/")
	switch {
	case strings.HasPrefix(first, ours):
		return Place{Kind: Ours}
	case first == Registry:
		return Place{Kind: Carried}
	case first == Trash && rest != "":
		place := Parse(rest)
		place.Trashed = true
		return place
	case rest == "":
		return Place{}
	}
	place := inExperiment(rest)
	place.Experiment = first
	return place
}

func inExperiment(p string) Place {
	first, rest, _ := strings.Cut(p, "/")
	switch {
	case p == Meta:
		return Place{Kind: ExperimentMeta}
	case strings.HasPrefix(first, ours):
		return Place{Kind: Ours}
	case rest == "":
		return Place{}
	case first == Tags:
		return Place{Kind: ExperimentTag, Key: rest}
	case first == Datasets:
		return Place{Kind: metaOf(DatasetMeta, rest), Key: idOf(rest)}
	case first == Models:
		id, rest, _ := strings.Cut(rest, "/")
		return inPart(rest, Place{Model: id}, modelFolders)
	case first == Traces:
		id, rest, _ := strings.Cut(rest, "/")
		return inPart(rest, Place{Trace: id}, traceFolders)
	}
	place := inRun(rest)
	place.Run = first
	return place
}

func inRun(p string) Place {
	first, rest, _ := strings.Cut(p, "/")
	switch {
	case p == Meta:
		return Place{Kind: RunMeta}
	case strings.HasPrefix(p, ours):
		return Place{Kind: Ours}
	case rest == "":
		return Place{}
	}
	switch first {
	case Metrics:
		return Place{Kind: Metric, Key: rest}
	case Params:
		return Place{Kind: Param, Key: rest}
	case Tags:
		return Place{Kind: RunTag, Key: rest}
	case Artifacts:
		return Place{Kind: Artifact, Key: rest}
	case Inputs:
		return Place{Kind: metaOf(InputMeta, rest), Key: idOf(rest)}
	case Outputs:
		return Place{Kind: metaOf(OutputMeta, rest), Key: idOf(rest)}
	}
	return Place{}
}

// What the folders of a logged model and of a trace hold; "" is the file that tells of it.
var (
	modelFolders = map[string]Kind{"": ModelMeta, Metrics: ModelMetric, Params: ModelParam, Tags: ModelTag, Artifacts: Artifact}
	traceFolders = map[string]Kind{"": TraceMeta, Metadata: TraceMetadata, Tags: TraceTag, Assessments: Assessment, Artifacts: Artifact}
)

// inPart is for a path in the folder of a logged model or a trace, which the place names.
func inPart(p string, place Place, folders map[string]Kind) Place {
	first, rest, _ := strings.Cut(p, "/")
	switch {
	case strings.HasPrefix(place.Model+place.Trace, ours): // in the folder of all of them
		return Place{Kind: Ours}
	case strings.HasPrefix(first, ours):
		place.Kind = Ours
	case p == Meta && place.Model != "" || p == TraceInfo && place.Trace != "":
		place.Kind = folders[""]
	case rest != "":
		place.Kind, place.Key = folders[first], rest
	}
	if place.Kind == Other {
		place.Key = ""
	}
	return place
}

// MetaOf is the name of the file without which a folder is no experiment, run, logged model or
// trace.
func MetaOf(dir string) string {
	if Parse(Join(dir, TraceInfo)).Kind == TraceMeta {
		return TraceInfo
	}
	return Meta
}

// metaOf gives kind where rest is <id>/meta.yaml.
func metaOf(kind Kind, rest string) Kind {
	if id, file, _ := strings.Cut(rest, "/"); id != "" && file == Meta {
		return kind
	}
	return Other
}

func idOf(rest string) string {
	id, _, _ := strings.Cut(rest, "/")
	return id
}
