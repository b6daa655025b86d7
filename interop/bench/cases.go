//go:build interop

package main

import (
	"github.com/mlruns/mlruns/filestore"
)

// A benchCase is one row of the table. Each side runs it in a process of its own: it opens the
// store, makes the first call, then repeats it.
type benchCase struct {
	name string
	// what is measured, as the table says it.
	what string
	// store is the data set the case works on, "" for a store made for it alone.
	store string
	// calls are how many calls one repetition has; its time is divided by them.
	calls int
	// first adds a row for the first call of a process, memory one for the most memory the process
	// had.
	first, memory bool
}

const (
	storeRuns1k      = "runs1k"
	storeRuns10k     = "runs10k"
	storePoints      = "points"
	storeExperiments = "experiments"
)

var benchCases = []benchCase{
	{name: "log_metric", what: "log_metric", calls: 2000},
	{name: "log_batch_1", what: "log_batch of 1,000 points of one key", calls: 50},
	{name: "log_batch_100", what: "log_batch of 1,000 points of 100 known keys", calls: 50},
	{name: "log_param", what: "log_param", calls: 300},
	{name: "create_run", what: "create_run (ours: SyncMeta, the default)", calls: 50},
	{name: "create_run_nosync", what: "create_run (ours: SyncNever)", calls: 50},
	{name: "get_run", what: "get_run among 10,000 runs", store: storeRuns10k, calls: 100},
	{name: "search", what: "search of 1,000 runs", store: storeRuns1k, calls: 1, first: true},
	{name: "search", what: "search of 10,000 runs", store: storeRuns10k, calls: 1, first: true, memory: true},
	{name: "search_all", what: "the first 1,000 of 1,000 runs, no filter", store: storeRuns1k, calls: 1},
	{name: "search_all", what: "the first 1,000 of 10,000 runs, no filter", store: storeRuns10k, calls: 1},
	{name: "search_page", what: "the first 10 of 10,000 runs, no filter", store: storeRuns10k, calls: 1},
	{name: "history_small", what: "history of 100,000 points", store: storePoints, calls: 1},
	{name: "history_large", what: "history of 1,000,000 points", store: storePoints, calls: 1, memory: true},
	{name: "get_run_large", what: "get_run of the run with 1,000,000 points", store: storePoints, calls: 1},
	{name: "get_run", what: "get_run among 1,000 experiments", store: storeExperiments, calls: 50},
	{name: "log_metric", what: "log_metric among 1,000 experiments", store: storeExperiments, calls: 200},
	{name: "experiments", what: "list 1,000 experiments", store: storeExperiments, calls: 1},
	{name: "by_name", what: "experiment by name among 1,000", store: storeExperiments, calls: 1},
}

// indexed are the modes of the index that make a case quicker.
func (c benchCase) indexed() []filestore.IndexMode {
	switch c.name {
	case "search", "search_all", "search_page":
		return []filestore.IndexMode{filestore.IndexChecked, filestore.IndexTrustEnded}
	case "experiments", "by_name":
		return []filestore.IndexMode{filestore.IndexChecked}
	}
	return nil
}
