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
	// Carried is a file of a logged model, a trace or the model registry.
	Carried
	// Ours is a private file or folder of this module.
	Ours
)

// Place says what a path is.
type Place struct {
	Kind Kind
	// Experiment and Run are ids, "" where there is none.
	Experiment, Run string
	Trashed         bool
	// Key is the key of a metric, param or tag, the path of an artifact, or the id of a data set,
	// input or output.
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
	case first == Models || first == Traces:
		return Place{Kind: Carried}
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
