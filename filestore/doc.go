// Package filestore keeps experiments and runs in the directory that MLflow calls its FileStore: a
// mlruns.Store over afero.
//
//	store, err := filestore.Open("mlruns")
//
// layout.md describes the directory. It is MLflow's, file by file and but for a few quotes byte for
// byte, written without MLflow's faults: nothing is ever half there, processes that use this
// package exclude each other by locks, and what cannot be read costs only itself.
//
// # Durability
//
// A killed process loses nothing that was acknowledged. What survives a power cut is chosen with
// WithSync.
//
// # Commit points
//
// Each write has one commit point, which its method names: the step, a rename for instance, that
// makes the change. A failure before it leaves the directory as it was, unless the method says
// otherwise, and calling again is safe. After it the change stands: the error is
// mlruns.ErrNotDurable, and calling again changes nothing or gives mlruns.ErrExists. Only a point
// of a metric is then written twice.
//
// # Concurrency
//
// A Store is safe for concurrent use, and any number of processes may have one open on the same
// directory. Readers take no locks. Writers lock the run, the experiment or the root with empty
// files: .mlruns.lock in the run and in the root, .mlruns.<id>.lock in the root for an experiment.
// MLflow takes no locks: its writers are met with retries, not excluded.
//
// On local file systems of Linux a Store keeps files of the runs that it logged to last open until
// Close: of up to 64 runs the lock and meta.yaml, and up to 256 metric files. Before each use it
// looks whether the file is still the one at its path. It keeps none with WithLinkTargets or
// LockNone.
//
// # Not supported
//
// Several machines writing one run through a sync service (Dropbox, Syncthing, rsync both ways):
// one machine at a time per run. File systems without locks: WithLocking says what is done there.
// Without hard links, of two programs that make the same file at once one can lose.
package filestore
