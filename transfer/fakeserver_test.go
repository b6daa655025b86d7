package transfer_test

import (
	"cmp"
	"context"
	"errors"
	"io"
	"iter"
	"maps"
	"math"
	"slices"
	"strings"
	"sync"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
)

// longestTag of an experiment is refused above.
const longestTag = 20000

// fakeServer is a store that draws ids of its own, as servers do: it is no Importer. With database
// it keeps points as a database does. Before each call that writes, fault may fail it, or take
// effect and lose its answer.
type fakeServer struct {
	mlruns.Store
	mlruns.TraceStore
	mlruns.TraceRecorder
	files    *filestore.Store
	database bool
	old      bool   // points have no data sets: those that have one are refused
	drops    string // a param or metric that it takes and does not keep

	mu     sync.Mutex
	writes []string
	fault  func(n int) (before, after error)
}

func (s *fakeServer) write(call string, do func() error) error {
	s.mu.Lock()
	n := len(s.writes)
	s.writes = append(s.writes, call)
	fault := s.fault
	s.mu.Unlock()
	if fault == nil {
		return do()
	}
	before, after := fault(n)
	if before != nil {
		return before
	}
	return errors.Join(do(), after)
}

func written[T any](s *fakeServer, call string, do func() (T, error)) (v T, err error) {
	err = s.write(call, func() (err error) { v, err = do(); return err })
	if err != nil {
		var none T
		return none, err
	}
	return v, nil
}

func (s *fakeServer) CreateExperiment(ctx context.Context, spec mlruns.ExperimentSpec) (*mlruns.Experiment, error) {
	if spec.ID != "" {
		return nil, mlruns.ErrUnsupported
	}
	if slices.ContainsFunc(slices.Collect(maps.Values(spec.Tags)), func(v string) bool { return len(v) > longestTag }) {
		return nil, mlruns.ErrInvalid
	}
	return written(s, "create experiment", func() (*mlruns.Experiment, error) { return s.files.CreateExperiment(ctx, spec) })
}

func (s *fakeServer) CreateRun(ctx context.Context, spec mlruns.RunSpec) (*mlruns.Run, error) {
	if spec.ID != "" {
		return nil, mlruns.ErrUnsupported
	}
	return written(s, "create run", func() (*mlruns.Run, error) { return s.files.CreateRun(ctx, spec) })
}

func (s *fakeServer) LogBatch(ctx context.Context, id string, b mlruns.Batch) error {
	if s.old && slices.ContainsFunc(b.Metrics, func(m mlruns.Metric) bool { return m.DatasetName != "" }) {
		return mlruns.ErrUnsupported
	}
	if s.database {
		b.Metrics = slices.Clone(b.Metrics)
		for i, m := range b.Metrics {
			if math.IsInf(m.Value, 0) {
				b.Metrics[i].Value = math.Copysign(math.MaxFloat64, m.Value)
			}
			if m.Value == 0 {
				b.Metrics[i].Value = 0
			}
			b.Metrics[i].DatasetName, b.Metrics[i].DatasetDigest = "", ""
		}
	}
	b.Params = slices.DeleteFunc(slices.Clone(b.Params), func(p mlruns.Param) bool { return p.Key == s.drops })
	b.Metrics = slices.DeleteFunc(slices.Clone(b.Metrics), func(m mlruns.Metric) bool { return m.Key == s.drops })
	return s.write("log batch", func() error { return s.files.LogBatch(ctx, id, b) })
}

func (s *fakeServer) LogInputs(ctx context.Context, id string, in mlruns.Inputs) error {
	return s.write("log inputs", func() error { return s.files.LogInputs(ctx, id, in) })
}

func (s *fakeServer) LogOutputs(ctx context.Context, id string, out mlruns.Outputs) error {
	return s.write("log outputs", func() error { return s.files.LogOutputs(ctx, id, out) })
}

func (s *fakeServer) SetTag(ctx context.Context, id, key, value string) error {
	return s.write("set tag", func() error { return s.files.SetTag(ctx, id, key, value) })
}

func (s *fakeServer) SetExperimentTag(ctx context.Context, id, key, value string) error {
	if len(value) > longestTag {
		return mlruns.ErrInvalid
	}
	return s.write("set experiment tag", func() error { return s.files.SetExperimentTag(ctx, id, key, value) })
}

func (s *fakeServer) UpdateRun(ctx context.Context, id string, u mlruns.RunUpdate) error {
	return s.write("update run", func() error { return s.files.UpdateRun(ctx, id, u) })
}

func (s *fakeServer) DeleteRun(ctx context.Context, id string) error {
	return s.write("delete run", func() error { return s.files.DeleteRun(ctx, id) })
}

func (s *fakeServer) RestoreRun(ctx context.Context, id string) error {
	return s.write("restore run", func() error { return s.files.RestoreRun(ctx, id) })
}

func (s *fakeServer) DeleteExperiment(ctx context.Context, id string) error {
	return s.write("delete experiment", func() error { return s.files.DeleteExperiment(ctx, id) })
}

// MetricHistory of a database is sorted, and has each point once.
func (s *fakeServer) MetricHistory(ctx context.Context, id, key string, q mlruns.HistoryQuery) iter.Seq2[mlruns.Metric, error] {
	if !s.database {
		return s.files.MetricHistory(ctx, id, key, q)
	}
	return func(yield func(mlruns.Metric, error) bool) {
		var all []mlruns.Metric
		for m, err := range s.files.MetricHistory(ctx, id, key, q) {
			if err != nil {
				yield(m, err)
				return
			}
			all = append(all, m)
		}
		order := func(a, b mlruns.Metric) int {
			return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.Step, b.Step), cmp.Compare(a.Value, b.Value))
		}
		slices.SortStableFunc(all, order)
		all = slices.CompactFunc(all, func(a, b mlruns.Metric) bool { return order(a, b) == 0 })
		for _, m := range all {
			if !yield(m, nil) {
				return
			}
		}
	}
}

func (s *fakeServer) LogArtifact(ctx context.Context, id, local, path string) error {
	return s.write("log artifact", func() error { return s.files.LogArtifact(ctx, id, local, path) })
}

func (s *fakeServer) LogArtifacts(ctx context.Context, id, local, path string) error {
	return s.write("log artifacts", func() error { return s.files.LogArtifacts(ctx, id, local, path) })
}

func (s *fakeServer) WriteArtifact(ctx context.Context, id, path string, r io.Reader) error {
	if strings.HasPrefix(path, "bad") {
		return mlruns.ErrInvalid
	}
	return s.write("write artifact", func() error { return s.files.WriteArtifact(ctx, id, path, r) })
}

func (s *fakeServer) Artifacts(ctx context.Context, id, path string) ([]mlruns.FileInfo, error) {
	return s.files.Artifacts(ctx, id, path)
}

func (s *fakeServer) OpenArtifact(ctx context.Context, id, path string) (io.ReadCloser, error) {
	return s.files.OpenArtifact(ctx, id, path)
}

func (s *fakeServer) DownloadArtifacts(ctx context.Context, id, path, dir string) (string, error) {
	return s.files.DownloadArtifacts(ctx, id, path, dir)
}

func (s *fakeServer) DeleteArtifacts(ctx context.Context, id, path string) error {
	return s.write("delete artifacts", func() error { return s.files.DeleteArtifacts(ctx, id, path) })
}

func (s *fakeServer) ArtifactRoot(ctx context.Context, id string) (string, error) {
	return s.files.ArtifactRoot(ctx, id)
}

func (s *fakeServer) ImportTrace(ctx context.Context, t mlruns.Trace) (string, error) {
	return written(s, "import trace", func() (string, error) { return s.files.ImportTrace(ctx, t) })
}

func (s *fakeServer) AddToTrace(ctx context.Context, t mlruns.Trace) error {
	return s.write("add to trace", func() error { return s.files.AddToTrace(ctx, t) })
}

func (s *fakeServer) WriteTraceArtifact(ctx context.Context, id, path string, r io.Reader) error {
	return s.write("write trace artifact", func() error { return s.files.WriteTraceArtifact(ctx, id, path, r) })
}

func serve(s *filestore.Store, database bool) *fakeServer {
	return &fakeServer{Store: s, TraceStore: s, TraceRecorder: s, files: s, database: database}
}

// unmapped is a snapshot of a server in which the ids of what was copied to it are the source's,
// and the tags of the copy are taken off.
func unmapped(all map[string]any) map[string]any {
	ids := map[string]string{}
	for name, v := range all {
		switch v := v.(type) {
		case mlruns.Run:
			if id := v.Data.Tags["mlruns.sourceRunId"]; id != "" {
				ids[v.Info.ID] = id
			}
		case mlruns.Experiment:
			if id := v.Tags["mlruns.sourceExperimentId"]; id != "" {
				ids[v.ID] = id
			}
		}
		_ = name
	}
	back := func(id string) string { return cmp.Or(ids[id], id) }
	result := map[string]any{}
	for name, v := range all {
		fields := strings.SplitN(name, " ", 3)
		fields[1] = back(fields[1])
		switch r := v.(type) {
		case mlruns.Run:
			r.Info.ID, r.Info.ExperimentID = back(r.Info.ID), back(r.Info.ExperimentID)
			for _, key := range []string{"mlruns.sourceRunId", "mlruns.sourceExperimentId", "mlruns.pushed"} {
				delete(r.Data.Tags, key)
			}
			if parent := r.Data.Tags[mlruns.TagParentRunID]; parent != "" {
				r.Data.Tags[mlruns.TagParentRunID] = back(parent)
			}
			v = r
		case mlruns.Trace:
			r.ExperimentID = back(r.ExperimentID)
			if run := r.Metadata[mlruns.TraceMetadataRun]; run != "" {
				r.Metadata[mlruns.TraceMetadataRun] = back(run)
			}
			v = r
		case mlruns.Experiment:
			r.ID = back(r.ID)
			delete(r.Tags, "mlruns.sourceExperimentId")
			v = r
		}
		result[strings.Join(fields, " ")] = v
	}
	return result
}
