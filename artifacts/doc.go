// Package artifacts handles the files under a run's artifact location: where the location is, and
// what can be done there.
//
// A location is recorded in a store as a URI or as a plain path. FileURI, LocalPath, Append and
// Absolute read and write those texts as MLflow's file store does. Locate decides which folder a
// run's artifacts are in, and whether it may be opened at all: a text found in a store never widens
// what the caller allowed. Repository does the reading and writing.
package artifacts
