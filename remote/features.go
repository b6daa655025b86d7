package remote

import (
	"context"
	"errors"
	"net/http"
	"sync"

	"github.com/mlruns/mlruns"
)

// features are what a server of this module takes beyond MLflow's interface. A server of MLflow
// has none.
type features struct {
	mu    sync.Mutex
	asked bool
	extensions
}

type extensions struct {
	// RunID and IDs say that the caller may choose the ids of runs, and of experiments and models.
	RunID bool `json:"run_id"`
	IDs   bool `json:"ids"`
	// ModelViews says that deleted models can be searched.
	ModelViews bool `json:"model_views"`
	// Traces says that a trace can be started whose spans will not come.
	Traces bool `json:"traces_without_spans"`
	// WholeTraces says that a trace is kept as it is, the times of its assessments included.
	WholeTraces bool `json:"traces_as_they_are"`
	// Version is that of this module, "" for a server of MLflow.
	Version string `json:"version"`
}

// extensions asks the server what it is, once.
func (s *Store) extensions(ctx context.Context) (extensions, error) {
	s.known.mu.Lock()
	defer s.known.mu.Unlock()
	if s.known.asked {
		return s.known.extensions, nil
	}
	var info struct {
		Mlruns extensions `json:"mlruns"`
	}
	_, err := s.ask(ctx, call{method: http.MethodGet, path: "3.0/mlflow/server-info", since: "3.10"}, &info)
	if err != nil && !errors.Is(err, mlruns.ErrUnsupported) && !errors.Is(err, mlruns.ErrNotFound) {
		return extensions{}, err
	}
	s.known.asked, s.known.extensions = true, info.Mlruns
	return info.Mlruns, nil
}

// chosen reports whether the server makes a thing under the id that it is told. An id that was
// asked for and cannot be had is ErrUnsupported.
func (s *Store) chosen(ctx context.Context, what, id string, may func(extensions) bool) (bool, error) {
	e, err := s.extensions(ctx)
	if err != nil {
		return false, err
	}
	if id != "" && !may(e) {
		return false, unsupported("the server at " + s.base + " chooses the ids of " + what + " itself")
	}
	return may(e), nil
}
