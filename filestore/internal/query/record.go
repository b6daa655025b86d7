package query

import (
	"context"
	"slices"
	"sync/atomic"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/codec"
	"github.com/mlruns/mlruns/filestore/internal/records"
	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/validate"
	"github.com/mlruns/mlruns/internal/vfs"
	"github.com/mlruns/mlruns/search"
)

// runRecord is what a filter sees of a run. It opens a file when the filter first asks for it, and
// never twice. A value that cannot be read is missing, and reported. It belongs to one goroutine.
type runRecord struct {
	// a search.Record has no other way to be cancelled
	ctx            context.Context //nolint:containedctx
	search         *Searcher
	experiment     vfs.Folder // the open folder of the run's experiment
	experimentName func() string
	problems       *records.Problems
	needs          search.Needs
	opened         *atomic.Int64

	err     error // what ends the call
	ref     records.RunRef
	info    mlruns.RunInfo
	metrics map[string]memo[search.Summary]
	params  map[string]memo[string]
	tags    map[string]memo[string]
	key     search.Key // memory for the next
	cached  cachedRun
}

var _ search.Record = (*runRecord)(nil)

// memo is a value that was asked for once.
type memo[T any] struct {
	value T
	ok    bool
}

func (r *runRecord) reset(ref records.RunRef, info mlruns.RunInfo) {
	r.ref, r.info = ref, info
	clear(r.metrics)
	clear(r.params)
	clear(r.tags)
}

// recall gives what was read before, or reads it.
func recall[T any](m *map[string]memo[T], key string, read func() (T, bool)) (T, bool) {
	if found, ok := (*m)[key]; ok {
		return found.value, found.ok
	}
	value, ok := read()
	if *m == nil {
		*m = map[string]memo[T]{}
	}
	(*m)[key] = memo[T]{value, ok}
	return value, ok
}

// Text implements search.Record.
func (r *runRecord) Text(a search.Attribute) (string, bool) {
	switch a {
	case search.RunID:
		return r.info.ID, true
	case search.RunName:
		if r.info.Name == "" {
			return r.Tag(mlruns.TagRunName)
		}
		return r.info.Name, true
	case search.UserID:
		return r.info.User, true
	case search.Status:
		return r.info.Status.String(), true
	case search.ArtifactURI:
		return r.info.ArtifactURI, r.info.ArtifactURI != ""
	case search.ExperimentID:
		return r.info.ExperimentID, true
	case search.ExperimentName:
		name := r.experimentName()
		return name, name != ""
	}
	return "", false
}

// Time implements search.Record.
func (r *runRecord) Time(a search.Attribute) (int64, bool) {
	switch a {
	case search.StartTime:
		return milliseconds(r.info.Start)
	case search.EndTime:
		return milliseconds(r.info.End)
	}
	return 0, false
}

func milliseconds(t time.Time) (int64, bool) { return t.UnixMilli(), !t.IsZero() }

// Metric implements search.Record.
func (r *runRecord) Metric(key string) (search.Summary, bool) {
	return recall(&r.metrics, key, func() (search.Summary, bool) { return r.readMetric(key) })
}

func (r *runRecord) readMetric(key string) (search.Summary, bool) {
	name, ok := r.file(layout.Metrics, key)
	if !ok {
		return search.Summary{}, false
	}
	history := slices.ContainsFunc(r.needs.Metrics, func(m search.MetricNeed) bool { return m.Key == key && m.History })
	value, found, missing, at := r.lookUp(name)
	if missing {
		return search.Summary{}, false
	}
	if found {
		if m, ok := unpackMetric(value); ok && (m.history || !history) {
			r.cached.session.hits.Add(1)
			if !history {
				m.summary = search.Summary{Latest: m.latest.Value}
			}
			return m.summary, r.hasOwn(layout.Metrics, key)
		}
	}
	problems, told := r.apart(at)
	k := records.KeyFile{Key: key, Folder: r.experiment, Name: name, Path: layout.Join(r.ref.Experiment.Dir, name)}
	m, found, err := r.measure(k, history, problems)
	found = r.read(k.Path, err) && found && r.hasOwn(layout.Metrics, key)
	if told() && found {
		r.cached.keep(name[len(r.ref.ID)+1:], at, packMetric(m))
	}
	if !found {
		return search.Summary{}, false
	}
	return m.summary, true
}

// measure reads the latest point of a metric, and with its history all of the summary.
func (r *runRecord) measure(k records.KeyFile, history bool, p *records.Problems) (m measured, found bool, err error) {
	r.opened.Add(1)
	if !history {
		pt, found, err := records.ReadLatest(r.ctx, k, p)
		return measured{latest: pt.Metric(""), summary: search.Summary{Latest: pt.Value}}, found, err
	}
	var all search.History
	var latest codec.Point
	s := records.Scanner{Path: k.Path, Problems: p}
	err = s.Read(r.ctx, k, s.Points(func(pt codec.Point) bool {
		if !found || pt.After(latest) {
			latest, found = pt, true
		}
		all.Add(pt.Value, pt.Millis, pt.Step)
		return true
	}))
	m = measured{latest: latest.Metric(""), history: true}
	m.summary, found = all.Summary()
	return m, found, err
}

// apart gives where the problems of a file are told that is perhaps kept, and who passes them on
// and says whether there were none.
func (r *runRecord) apart(at seen) (p *records.Problems, told func() bool) {
	if !at.kept {
		return r.problems, func() bool { return false }
	}
	p = &records.Problems{}
	return p, func() bool {
		for _, problem := range p.List {
			r.problems.Add(problem)
		}
		return len(p.List) == 0
	}
}

// Param implements search.Record.
func (r *runRecord) Param(key string) (string, bool) {
	return recall(&r.params, key, func() (string, bool) { return r.readValue(layout.Params, key) })
}

// Tag implements search.Record.
func (r *runRecord) Tag(key string) (string, bool) {
	return recall(&r.tags, key, func() (string, bool) { return r.readValue(layout.Tags, key) })
}

func (r *runRecord) readValue(sub, key string) (string, bool) {
	name, ok := r.file(sub, key)
	if !ok {
		return "", false
	}
	cell, found, missing, at := r.lookUp(name)
	if missing {
		return "", false
	}
	if found {
		if value, ok := unpackText(cell); ok {
			r.cached.session.hits.Add(1)
			return value, r.hasOwn(sub, key)
		}
	}
	r.opened.Add(1)
	value, err := records.ReadValue(r.ctx, r.experiment, name)
	if !r.read(layout.Join(r.ref.Experiment.Dir, name), err) || !r.hasOwn(sub, key) {
		return value, false
	}
	r.cached.keep(name[len(r.ref.ID)+1:], at, packText(value))
	return value, true
}

// hasOwn reports whether what was found under a key is that key's.
func (r *runRecord) hasOwn(sub, key string) bool {
	return r.search.tree.KeyMatches(r.ref.Dir, sub, key)
}

// file is the path of a key's file from the experiment's folder; false if no file can be that
// key's.
func (r *runRecord) file(sub, key string) (string, bool) {
	if validate.Key("key", key) != nil || records.IsForeignKey(key) {
		return "", false
	}
	return layout.Join(r.ref.ID, sub, key), true
}

// read reports whether a file was read, and if it is damaged, that.
func (r *runRecord) read(path string, err error) bool {
	if err != nil && !vfs.IsMissing(err) && !vfs.IsFolder(err) {
		r.end(r.problems.Unreadable(r.ctx, mlruns.ProblemUnreadable, path, err))
	}
	return err == nil
}

// end takes the error that ends the call, if it is one.
func (r *runRecord) end(err error) {
	if r.err == nil {
		r.err = err
	}
}

// Datasets implements search.Record.
func (r *runRecord) Datasets() []search.Dataset {
	run, err := r.experiment.OpenFolder(r.ref.ID)
	if err != nil {
		if !vfs.IsGone(err) {
			r.end(r.problems.Unreadable(r.ctx, mlruns.ProblemUnreadable, r.ref.Dir, err))
		}
		return nil
	}
	defer run.Close()
	in, err := r.search.records.Inputs(r.ctx, run, r.ref, r.problems)
	if err != nil {
		r.end(err)
		return nil
	}
	list := make([]search.Dataset, len(in.Datasets))
	for i, d := range in.Datasets {
		r.opened.Add(2)
		c, ok := d.Tags[mlruns.TagDatasetContext]
		list[i] = search.Dataset{Name: d.Dataset.Name, Digest: d.Dataset.Digest, Context: c, HasContext: ok}
	}
	return list
}
