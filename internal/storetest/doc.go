// Package storetest is what every mlruns.Store must do, as tests: the documented behaviour of each
// operation (Run), what holds when many goroutines and handles work at once (RunShared), and random
// operations against a model (RunModel).
//
// A store that is a mlruns.Verifier is verified at the end of every test, and must have nothing to
// say.
package storetest

import (
	"testing"

	"github.com/mlruns/mlruns"
)

// Run tests a store through one handle and one goroutine. open gives a new and empty store, which
// the caller closes by t.Cleanup.
func Run(t *testing.T, open func(t *testing.T) mlruns.Store) {
	for _, area := range []struct {
		name  string
		cases []scenario
	}{
		{"Experiments", experimentScenarios},
		{"ExperimentLifecycle", experimentLifecycleScenarios},
		{"Runs", runScenarios},
		{"RunLifecycle", runLifecycleScenarios},
		{"Metrics", metricScenarios},
		{"Values", valueScenarios},
		{"Batches", batchScenarios},
		{"Inputs", inputScenarios},
		{"Search", searchScenarios},
		{"Models", modelScenarios},
		{"Traces", traceScenarios},
		{"TraceRecorder", traceRecorderScenarios},
		{"ActiveRun", activeRunScenarios},
	} {
		t.Run(area.name, func(t *testing.T) {
			for _, c := range area.cases {
				t.Run(c.name, func(t *testing.T) {
					f := newFixture(t, open(t))
					c.run(f)
					f.verify(c.allow...)
				})
			}
		})
	}
}

// A Place makes an empty place for a store and gives a function that opens a handle of it, any
// number of times at once. Handles are closed by t.Cleanup.
type Place func(t *testing.T) (open func() mlruns.Store)

// RunShared tests a store through many goroutines and several handles of one place.
func RunShared(t *testing.T, place Place) {
	for _, c := range sharedScenarios {
		t.Run(c.name, func(t *testing.T) {
			open := place(t)
			f := newFixture(t, open())
			c.run(f, open)
			f.verify()
		})
	}
}
