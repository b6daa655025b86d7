package query

import (
	"context"
	"sync/atomic"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/records"
	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/validate"
	"github.com/mlruns/mlruns/internal/vfs"
	"github.com/mlruns/mlruns/search"
)

// partRecord is what the records of models and traces have in common: an open folder with files of
// keys.
type partRecord struct {
	// a search.Record has no other way to be cancelled
	ctx      context.Context //nolint:containedctx
	search   *Searcher
	folder   vfs.Folder
	dir      string
	problems *records.Problems
	opened   *atomic.Int64 // files
	err      error         // ends the call
}

// value reads a value. One that cannot be read is missing, and reported.
func (r *partRecord) value(sub, key string) (string, bool) {
	k, ok := r.keyFile(sub, key)
	if !ok {
		return "", false
	}
	r.opened.Add(1)
	value, err := records.ReadValue(r.ctx, r.folder, layout.Join(sub, key))
	return value, r.keep(k.Path, err) && err == nil && r.hasOwn(sub, key)
}

// keyFile is the file of a key, false if no file system holds it.
func (r *partRecord) keyFile(sub, key string) (records.KeyFile, bool) {
	if validate.Key("key", key) != nil || records.IsForeignKey(key) {
		return records.KeyFile{}, false
	}
	return records.KeyFile{Key: key, Folder: r.folder, Name: layout.Join(sub, key), Path: layout.Join(r.dir, sub, key)}, true
}

// hasOwn reports whether what was found under a key is that key's.
func (r *partRecord) hasOwn(sub, key string) bool { return r.search.tree.KeyMatches(r.dir, sub, key) }

// keep reports what went wrong with a file, unless it is not there; false if it ends the call.
func (r *partRecord) keep(path string, err error) bool {
	if err != nil && !vfs.IsMissing(err) && !vfs.IsFolder(err) {
		return r.end(r.problems.Unreadable(r.ctx, mlruns.ProblemUnreadable, path, err))
	}
	return true
}

func (r *partRecord) end(err error) bool {
	if err != nil && r.err == nil {
		r.err = err
	}
	return err == nil
}

// Tag implements search.Record.
func (r *partRecord) Tag(key string) (string, bool) { return r.value(layout.Tags, key) }

// Datasets implements search.Record.
func (r *partRecord) Datasets() []search.Dataset { return nil }

// Metric implements search.Record.
func (r *partRecord) Metric(string) (search.Summary, bool) { return search.Summary{}, false }

func (r *partRecord) experimentName(e records.ExperimentRef) (string, bool) {
	r.opened.Add(1)
	experiment, _, err := r.search.records.ExperimentDocument(r.ctx, e)
	r.end(records.CallError(r.ctx, err))
	return experiment.Name, err == nil
}
