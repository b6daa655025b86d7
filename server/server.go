package server

import (
	"net/http"

	"github.com/mlruns/mlruns"
)

// server answers requests about one store.
type server struct {
	store mlruns.Store
	// files is nil where the store has no artifacts.
	files mlruns.ArtifactStore
	// models is nil where the store has no logged models.
	models mlruns.ModelStore
	// traces is nil where the store has no traces.
	traces mlruns.TraceStore
	// recorder is nil where traces are not recorded.
	recorder mlruns.TraceRecorder
	// importer is nil where traces are not taken as they are.
	importer mlruns.TraceImporter
	options  options
	// metrics is nil where nobody wants them.
	metrics  *metrics
	routes   *routeTable
	searches turns
}

// New makes the handler of a store. What the store can do beside the methods of mlruns.Store is
// found by assertion; what it cannot do is answered as MLflow answers for a store that lacks it.
//
// The handler is safe for concurrent use, and holds nothing: the store stays the caller's to close,
// after the last request has ended.
func New(store mlruns.Store, opts ...Option) http.Handler {
	s := &server{store: store, options: defaultOptions(), routes: newRouteTable(), searches: make(turns, mostSearches)}
	s.files, _ = store.(mlruns.ArtifactStore)
	s.models, _ = store.(mlruns.ModelStore)
	s.traces, _ = store.(mlruns.TraceStore)
	s.recorder, _ = store.(mlruns.TraceRecorder)
	s.importer, _ = store.(mlruns.TraceImporter)
	for _, o := range opts {
		o(&s.options)
	}
	if s.options.metrics {
		s.metrics = newMetrics(s.options.open)
	}
	return s.logged(s.guarded(http.HandlerFunc(s.dispatch)))
}
