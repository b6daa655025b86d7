//go:build interop

package interop

import (
	"maps"
	"slices"
	"strings"
)

// rule is something that a version of MLflow cannot know of a store that it can read.
type rule struct {
	name   string
	forget func(*snapshot)
	// applies reports whether the version has it.
	applies func(*python) bool
	// fileStore is a rule of MLflow's file store, which a client of a server does not have.
	fileStore bool
}

func before(major, minor int) func(*python) bool {
	return func(p *python) bool { return !p.since(major, minor) }
}

var rules = []rule{
	{"experiments have no times before 1.29", eachExperiment(func(e *experiment) { e.Created, e.Updated = nil, nil }), before(1, 29), false},
	{"experiments have no tags before 1.2", eachExperiment(func(e *experiment) { e.Tags = nil }), before(1, 2), false},
	{"params lose the blanks at their ends before 1.7", eachRun(trimParams), before(1, 7), true},
	{"runs have no data sets before 2.4", eachRun(func(r *run) { r.Datasets = nil }), before(2, 4), false},
	{"runs have no models before 3.0", eachRun(func(r *run) { r.ModelsIn, r.ModelsOut = nil, nil }), before(3, 0), false},
	{"MLflow 3 reads the step of a point with a data set as 0", eachRun(dropSteps), func(p *python) bool { return p.since(3, 0) }, true},
}

// dropSteps is the row "step of a point with a data set" of docs/compat.md.
func dropSteps(r *run) {
	for key, h := range r.History {
		for i := range h {
			if h[i].Dataset != [2]string{} {
				h[i].Step = 0
			}
		}
		r.Latest[key] = latest(h)
	}
}

func trimParams(r *run) {
	trimmed := map[string]string{}
	for key, value := range r.Params {
		trimmed[key] = strings.TrimSpace(value)
	}
	r.Params = trimmed
}

func eachExperiment(change func(*experiment)) func(*snapshot) {
	return func(s *snapshot) {
		for id, e := range s.Experiments {
			change(&e)
			s.Experiments[id] = e
		}
	}
}

func eachRun(change func(*run)) func(*snapshot) {
	return func(s *snapshot) {
		for id, r := range s.Runs {
			change(&r)
			s.Runs[id] = r
		}
	}
}

// knownTo is what a version can know of a store.
func knownTo(p *python, s snapshot) snapshot {
	known := snapshot{Experiments: maps.Clone(s.Experiments), Runs: map[string]run{}, Artifacts: s.Artifacts}
	for id, r := range s.Runs {
		r.Latest, r.History = maps.Clone(r.Latest), maps.Clone(r.History)
		for key, h := range r.History {
			r.History[key] = slices.Clone(h)
		}
		known.Runs[id] = r
	}
	for _, rule := range rules {
		if rule.applies(p) {
			rule.forget(&known)
		}
	}
	return known
}

// abilities are the things that make a run unreadable to versions which lack them. A store for such
// a version goes without.
type abilities struct {
	// colons in keys (2.16), data sets of points (3.0), models as inputs (3.0, or before 2.4, which
	// has no inputs), newlines in params (1.7).
	colons, datasetPoints, models, newlines bool
	// buckets: artifacts may be in a bucket. ties: points may have one step and time, or be the
	// same.
	buckets, ties bool
	// deletedModels: logged models may be deleted.
	deletedModels bool
}

func abilitiesOf(p *python) abilities {
	return abilities{colons: p.since(2, 16), datasetPoints: p.since(3, 0), models: p.since(3, 0) || !p.since(2, 4), newlines: p.since(1, 7), buckets: true, ties: true, deletedModels: true}
}
