package fsck

import "github.com/mlruns/mlruns"

// damage is what is known of one kind of problem.
type damage struct {
	// examine looks at other files to say whether a problem that was found can be repaired without
	// guessing, and what a person should know. nil: what was found says it.
	examine func(*Checker, *mlruns.Problem) error
	// remedy is for a problem that can be repaired. nil: a person must decide.
	remedy func(*repair, finding, mlruns.Problem) remedy
	// ofLines says that it is one of a metric file's lines, all of which one remedy mends.
	ofLines bool
}

// damages has every kind of problem. Who reads finds most of them, in package records, and each
// walk of this package the rest. layout.md §13 has the same table in words.
//
// One thing is not in it: what is in doubt keeps a repair from other problems of the same file
// (leaveDoubtful).
var damages = map[mlruns.ProblemKind]damage{
	// Found by records, wherever a meta.yaml is read.
	mlruns.ProblemMissingMeta:    {examine: (*Checker).examineMissingMeta},
	mlruns.ProblemUnreadableMeta: {examine: (*Checker).examineUnreadableMeta},
	mlruns.ProblemIDMismatch:     {},
	mlruns.ProblemStage:          {remedy: (*repair).setStage},

	// Found by records, wherever metrics are read; duplicates by metricstate.go.
	mlruns.ProblemMalformed:     {remedy: (*repair).mendMetric, ofLines: true},
	mlruns.ProblemUnterminated:  {remedy: (*repair).mendMetric, ofLines: true},
	mlruns.ProblemDuplicateLine: {remedy: (*repair).mendMetric, ofLines: true},
	mlruns.ProblemEmpty:         {remedy: (*repair).mendMetric, ofLines: true},

	// Found by records, wherever values, inputs and folders are read.
	mlruns.ProblemUnreadable:  {},
	mlruns.ProblemForeign:     {examine: (*Checker).examineForeign, remedy: (*repair).moveForeign},
	mlruns.ProblemConflict:    {examine: (*Checker).examineConflict, remedy: (*repair).mergeConflict},
	mlruns.ProblemGitConflict: {},
	mlruns.ProblemGitPointer:  {},
	mlruns.ProblemDangling:    {},

	// Found by locate, wherever artifacts are looked for.
	mlruns.ProblemArtifacts: {},
	mlruns.ProblemLeftOut:   {},

	// Found by the walk of this package only: inspect.go, inspectrun.go, inspectparts.go,
	// incomplete.go.
	mlruns.ProblemIncompleteMeta: {},
	mlruns.ProblemMissingFolder:  {remedy: (*repair).makeMissing},
	mlruns.ProblemSuspicious:     {},
	mlruns.ProblemLeftover:       {examine: (*Checker).examineLeftover, remedy: (*repair).clearLeftover},
	mlruns.ProblemNotPortable:    {},
	mlruns.ProblemDuplicate:      {},
	mlruns.ProblemNoArtifacts:    {},
}

// remedyFor is what can be done about a problem.
func (r *repair) remedyFor(f finding, p mlruns.Problem) remedy {
	if choose := damages[p.Kind].remedy; choose != nil && p.Repairable {
		return choose(r, f, p)
	}
	return remedy{}
}
