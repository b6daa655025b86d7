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
	turn    int // counts the runs
	metrics map[string]*asked[search.Summary]
	params  map[string]*asked[string]
	tags    map[string]*asked[string]
	inputs  asked[[]search.Dataset]
	key     search.Key // memory for the next
	cached  cachedRun
	hits    int64 // what was taken from the index
}

var _ search.Record = (*runRecord)(nil)

// asked is a value that a query asks of every run.
type asked[T any] struct {
	column string // the path of its file from the run's folder; "" if no file can be the key's
	turn   int    // of the run that the value is of
	value  T
	ok     bool
}

func (r *runRecord) reset(ref records.RunRef, info mlruns.RunInfo) {
	r.ref, r.info = ref, info
	r.turn++
}

// recall gives what was read before of the run, or reads it.
func recall[T any](r *runRecord, all *map[string]*asked[T], sub, key string, read func(r *runRecord, key, column string) (T, bool)) (T, bool) {
	a := (*all)[key]
	if a == nil {
		a = &asked[T]{}
		if validate.Key("key", key) == nil && !records.IsForeignKey(key) {
			a.column = layout.Join(sub, key)
		}
		if *all == nil {
			*all = map[string]*asked[T]{}
		}
		(*all)[key] = a
	}
	if a.turn != r.turn && a.column != "" {
		a.turn = r.turn
		a.value, a.ok = read(r, key, a.column)
	}
	return a.value, a.ok
}

// texts gives what the run is with its texts, which the index has apart.
func (r *runRecord) texts() *mlruns.RunInfo {
	if r.cached.info != nil {
		r.info, _ = unpackInfo(r.cached.info, r.ref)
		r.cached.info = nil
	}
	return &r.info
}

// Text implements search.Record.
func (r *runRecord) Text(a search.Attribute) (string, bool) {
	switch a {
	case search.RunID:
		return r.info.ID, true
	case search.RunName:
		name := r.texts().Name
		if name == "" {
			return r.Tag(mlruns.TagRunName)
		}
		return name, true
	case search.UserID:
		return r.texts().User, true
	case search.Status:
		return r.info.Status.String(), true
	case search.ArtifactURI:
		uri := r.texts().ArtifactURI
		return uri, uri != ""
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
	return recall(r, &r.metrics, layout.Metrics, key, (*runRecord).readMetric)
}

func (r *runRecord) readMetric(key, column string) (search.Summary, bool) {
	history := slices.ContainsFunc(r.needs.Metrics, func(m search.MetricNeed) bool { return m.Key == key && m.History })
	value, found, missing, at := r.lookUp(column)
	if missing {
		return search.Summary{}, false
	}
	if found {
		if m, ok := unpackMetric(value); ok && (m.history || !history) {
			r.hits++
			if !history {
				m.summary = search.Summary{Latest: m.latest.Value}
			}
			return m.summary, r.hasOwn(layout.Metrics, key)
		}
	}
	problems, told := r.apart(at)
	name := r.ref.ID + "/" + column
	k := records.KeyFile{Key: key, Folder: r.from(), Name: name, Path: layout.Join(r.ref.Experiment.Dir, name)}
	m, found, err := r.measure(k, history, problems)
	found = r.read(k.Path, err) && found && r.hasOwn(layout.Metrics, key)
	if told() && found {
		r.keepRead(column, at, packMetric(m))
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
	return recall(r, &r.params, layout.Params, key, (*runRecord).readParam)
}

// Tag implements search.Record.
func (r *runRecord) Tag(key string) (string, bool) {
	return recall(r, &r.tags, layout.Tags, key, (*runRecord).readTag)
}

func (r *runRecord) readParam(key, column string) (string, bool) {
	return r.readValue(layout.Params, key, column)
}

func (r *runRecord) readTag(key, column string) (string, bool) {
	return r.readValue(layout.Tags, key, column)
}

func (r *runRecord) readValue(sub, key, column string) (string, bool) {
	cell, found, missing, at := r.lookUp(column)
	if missing {
		return "", false
	}
	if found {
		if value, ok := unpackText(cell); ok {
			r.hits++
			return value, r.hasOwn(sub, key)
		}
	}
	r.opened.Add(1)
	name := r.ref.ID + "/" + column
	value, err := records.ReadValue(r.ctx, r.from(), name)
	if !r.read(layout.Join(r.ref.Experiment.Dir, name), err) || !r.hasOwn(sub, key) {
		return value, false
	}
	r.keepRead(column, at, packText(value))
	return value, true
}

// hasOwn reports whether what was found under a key is that key's.
func (r *runRecord) hasOwn(sub, key string) bool {
	return r.search.tree.KeyMatches(r.ref.Dir, sub, key)
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
	if r.inputs.turn != r.turn {
		r.inputs.turn, r.inputs.value = r.turn, nil
		in := r.readInputs()
		for _, d := range in.Datasets {
			c, ok := d.Tags[mlruns.TagDatasetContext]
			r.inputs.value = append(r.inputs.value, search.Dataset{Name: d.Dataset.Name, Digest: d.Dataset.Digest, Context: c, HasContext: ok})
		}
	}
	return r.inputs.value
}

func (r *runRecord) readInputs() mlruns.Inputs {
	datasets := r.search.datasets(r.cached.session, r.experiment)
	links, found, folder := r.lookUpInputs()
	if found {
		if in, err := join(r.ctx, links, r.ref.Experiment, datasets); err == nil {
			return in
		}
	}
	from := r.experiment
	if r.cached.session != nil && r.cached.session.index.Served && r.cached.served.known() {
		from = r.cached.reading
	}
	run, err := from.OpenFolder(r.ref.ID)
	if err != nil {
		if !vfs.IsGone(err) {
			r.end(r.problems.Unreadable(r.ctx, mlruns.ProblemUnreadable, r.ref.Dir, err))
		}
		return mlruns.Inputs{}
	}
	defer run.Close()
	problems, told := r.apart(folder)
	in, links, err := records.Inputs(r.ctx, run, r.ref, datasets, problems)
	r.opened.Add(int64(len(links)))
	if r.cached.session == nil {
		r.opened.Add(int64(len(in.Datasets)))
	}
	if told() && err == nil {
		r.keepInputs(folder, links)
	}
	if err != nil {
		r.end(err)
		return mlruns.Inputs{}
	}
	return in
}
