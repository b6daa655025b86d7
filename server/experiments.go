package server

import (
	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/internal/wire"
)

// createdExperiment is what experiments/create answers.
type createdExperiment struct {
	ID string `json:"experiment_id"`
}

// createExperiment lets the caller choose the id, as createRun does.
func (s *server) createExperiment(c *call) (any, error) {
	spec := c.ExperimentSpec()
	spec.ID = c.Text("experiment_id")
	if err := c.Err(); err != nil {
		return nil, err
	}
	location, err := s.locationToRecord(spec.ArtifactLocation)
	if err != nil {
		return nil, err
	}
	spec.ArtifactLocation = location
	e, err := s.store.CreateExperiment(c.ctx, spec)
	if err != nil {
		return nil, err
	}
	return createdExperiment{e.ID}, nil
}

func (s *server) getExperiment(c *call) (any, error) {
	id := c.RequiredText("experiment_id")
	if err := c.Err(); err != nil {
		return nil, err
	}
	e, err := s.store.Experiment(c.ctx, id)
	if err != nil {
		return nil, err
	}
	return wire.ExperimentAnswer{Experiment: s.experimentShape(*e)}, nil
}

func (s *server) getExperimentByName(c *call) (any, error) {
	name := c.RequiredText("experiment_name")
	if err := c.Err(); err != nil {
		return nil, err
	}
	e, err := s.store.ExperimentByName(c.ctx, name)
	if err != nil {
		return nil, err
	}
	return wire.ExperimentAnswer{Experiment: s.experimentShape(*e)}, nil
}

func (s *server) searchExperiments(c *call) (any, error) {
	q := c.ExperimentQuery()
	if err := c.Err(); err != nil {
		return nil, err
	}
	page, err := s.store.SearchExperiments(c.ctx, q)
	if err != nil {
		return nil, err
	}
	shape := wire.NewExperimentPage(page)
	for i, e := range page.Experiments {
		shape.Experiments[i].ArtifactLocation = s.experimentLocation(e)
	}
	return shape, nil
}

func (s *server) updateExperiment(c *call) (any, error) {
	id, name := c.RequiredText("experiment_id"), c.Text("new_name")
	if err := c.Err(); err != nil || name == "" {
		return empty{}, err
	}
	return empty{}, s.store.RenameExperiment(c.ctx, id, name)
}

func (s *server) deleteExperiment(c *call) (any, error) {
	id := c.RequiredText("experiment_id")
	if err := c.Err(); err != nil {
		return nil, err
	}
	return empty{}, s.store.DeleteExperiment(c.ctx, id)
}

func (s *server) restoreExperiment(c *call) (any, error) {
	id := c.RequiredText("experiment_id")
	if err := c.Err(); err != nil {
		return nil, err
	}
	return empty{}, s.store.RestoreExperiment(c.ctx, id)
}

func (s *server) setExperimentTag(c *call) (any, error) {
	id, key, value := c.RequiredText("experiment_id"), c.RequiredText("key"), c.Text("value")
	if err := c.Err(); err != nil {
		return nil, err
	}
	return empty{}, s.store.SetExperimentTag(c.ctx, id, key, value)
}

func (s *server) deleteExperimentTag(c *call) (any, error) {
	id, key := c.RequiredText("experiment_id"), c.RequiredText("key")
	if err := c.Err(); err != nil {
		return nil, err
	}
	return empty{}, s.store.DeleteExperimentTag(c.ctx, id, key)
}

func (s *server) experimentShape(e mlruns.Experiment) wire.Experiment {
	shape := wire.NewExperiment(e)
	shape.ArtifactLocation = s.experimentLocation(e)
	return shape
}
