package transfer

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"

	"github.com/mlruns/mlruns"
)

// traces are those of one experiment of the source while they are copied.
type traces struct {
	*copier
	from mlruns.TraceStore
	// into is nil where the destination holds no traces; why says so.
	into interface {
		mlruns.TraceStore
		mlruns.TraceImporter
	}
	why      string
	at       place
	fromFile *files
	intoFile *files
	there    map[string]string // ids in the destination, by them and by where they came from
}

// copyTraces copies the traces of an experiment, when its runs and models are there: traces lead to
// them. With a filter, those that the runs made which match.
func (v *visit) copyTraces(ctx context.Context) error {
	from, ok := v.src.(mlruns.TraceStore)
	if !ok {
		return nil
	}
	t := &traces{copier: v.copier, from: from, at: v.at, fromFile: traceFiles(v.src), intoFile: traceFiles(v.dst), there: map[string]string{}}
	listed := false
	pool := newPool(workers) // not that of runs: a trace is in memory, and is made durable by itself
	defer pool.wait()
	q := mlruns.TraceQuery{Experiments: []string{v.experiment.ID}, OnProblem: v.q.onProblem()}
	for trace, err := range from.Traces(ctx, q) {
		if errors.Is(err, mlruns.ErrUnsupported) {
			return nil
		}
		if err != nil {
			return err
		}
		if v.q.Filter != "" && !v.matched[trace.Metadata[mlruns.TraceMetadataRun]] {
			continue
		}
		looks := t.looks(ctx, trace)
		if looks != 0 && looks == v.seenBefore(trace.ID) {
			continue
		}
		if !listed {
			listed = true
			if err := t.list(ctx); err != nil {
				return err
			}
		}
		pool.do(func() {
			if ctx.Err() != nil {
				return
			}
			end := v.working.begin()
			it := t.copy(ctx, trace)
			end()
			if looks != 0 && it.Err == nil {
				v.remember(trace.ID, looks)
			}
			v.tell(it)
		})
	}
	return nil
}

// looks is copier.looks for a trace; 0 where it is not known, or it is no watch.
func (t *traces) looks(ctx context.Context, trace *mlruns.Trace) uint64 {
	if t.seen == nil {
		return 0
	}
	h := fnv.New64a()
	_, _ = fmt.Fprintf(h, "%v %s", *trace, trace.Assessments) // maps are printed by key
	if t.fromFile != nil {
		sizes, err := t.fromFile.sizes(ctx, trace.ID)
		if err != nil {
			return 0
		}
		_, _ = fmt.Fprint(h, sizes)
	}
	return h.Sum64()
}

// list notes the traces of the destination's experiment.
func (t *traces) list(ctx context.Context) error {
	into, ok := t.dst.(interface {
		mlruns.TraceStore
		mlruns.TraceImporter
	})
	if !ok {
		t.why = "the destination holds no traces"
		return nil
	}
	if t.at.id == "" {
		t.into = into
		return nil
	}
	for trace, err := range into.Traces(ctx, mlruns.TraceQuery{Experiments: []string{t.at.id}, OnProblem: ignore}) {
		if errors.Is(err, mlruns.ErrUnsupported) {
			t.why = "the destination holds no traces: " + mlruns.MessageOf(err)
			return nil
		}
		if errors.Is(err, mlruns.ErrNotFound) { // a dry run has not made the experiment
			break
		}
		if err != nil {
			return err
		}
		t.there[trace.ID] = trace.ID
		t.there[originOf(trace.ID, trace.Tags[mlruns.TagSourceTrace])] = trace.ID
	}
	t.into = into
	return nil
}

// copy copies a trace.
func (t *traces) copy(ctx context.Context, trace *mlruns.Trace) Item {
	it := Item{Kind: KindTrace, Action: ActionNone, SourceID: trace.ID, Name: trace.Tags[mlruns.TagTraceName], ExperimentID: t.at.id, Problems: trace.Problems}
	if t.into == nil {
		it.refuse("trace", t.why)
		return it
	}
	job := traceJob{traces: t, source: trace, it: &it}
	if it.Err = job.do(ctx); it.Err == nil {
		it.Err = job.unread.asError()
	}
	return it
}

// traceFiles gives the files of traces; nil where a store has none.
func traceFiles(s mlruns.Store) *files {
	r, ok := s.(mlruns.TraceRecorder)
	if !ok {
		return nil
	}
	return &files{r.TraceArtifacts, r.OpenTraceArtifact, r.WriteTraceArtifact}
}
