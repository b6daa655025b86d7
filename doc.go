// Package mlruns reads and writes experiments and runs as MLflow's FileStore keeps them: a tree of
// YAML metadata and append-only metric files.
//
// This package is the vocabulary: Experiment, Run, Metric and their like, the Store and
// ModelRegistry interfaces, the errors, and Client, which has everything MlflowClient has. The
// store for directories is in the package filestore:
//
//	store, err := filestore.Open("mlruns")
//	…
//	client := mlruns.NewClient(store)
//	run, err := client.StartRun(ctx, "sweep", mlruns.RunSpec{Name: "lr-3e-4"})
//
// # Compatibility
//
// Every store that MLflow 0.8 … 3.x wrote can be read, and what is written here every one of those
// versions reads. layout.md is the format, docs/compat.md lists by name where behaviour differs
// from MLflow 3.11 and why. Messages and codes of errors are MLflow's where it has them.
//
// # Times
//
// Times are UTC with millisecond precision. The zero time means now when writing and absent when
// read.
//
// # Errors
//
// Every error of a store is or wraps an *Error, which names the operation and what it was about.
// The kind of an error is one of the sentinels, found with errors.Is:
//
//	if errors.Is(err, mlruns.ErrNotFound) { … }
//
// CodeOf and MessageOf give MLflow's code and text. The error of a call whose context has ended is
// the context's. An error that an iterator yields is its last element and comes with a zero value.
//
// # Damage
//
// Damage is not an error. What cannot be read becomes a Problem beside the result, and costs no
// more than the file it is in; only an unreadable meta.yaml hides its run.
package mlruns
