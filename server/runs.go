package server

import (
	"io"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/internal/wire"
)

// createRun lets the caller choose the id, which MLflow's server does not: so a copy of a run keeps
// its own. server-info tells it, and no client of MLflow sends one.
func (s *server) createRun(c *call) (any, error) {
	spec := c.RunSpec()
	spec.ID = c.Text("run_id")
	if err := c.Err(); err != nil {
		return nil, err
	}
	run, err := s.store.CreateRun(c.ctx, spec)
	if err != nil {
		return nil, err
	}
	return s.runAnswer(run), nil
}

func (s *server) getRun(c *call) (any, error) {
	id := c.RunID()
	if err := c.Err(); err != nil {
		return nil, err
	}
	run, err := s.store.Run(c.ctx, id)
	if err != nil {
		return nil, err
	}
	return s.runAnswer(run), nil
}

// updatedRun is what runs/update answers.
type updatedRun struct {
	Info wire.RunInfo `json:"run_info"`
}

func (s *server) updateRun(c *call) (any, error) {
	id, update := c.RunID(), c.RunUpdate()
	if err := c.Err(); err != nil {
		return nil, err
	}
	if err := s.store.UpdateRun(c.ctx, id, update); err != nil {
		return nil, err
	}
	run, err := s.store.Run(c.ctx, id)
	if err != nil {
		return nil, err
	}
	return updatedRun{s.runShape(run).Info}, nil
}

func (s *server) deleteRun(c *call) (any, error) {
	id := c.RunID()
	if err := c.Err(); err != nil {
		return nil, err
	}
	return empty{}, s.store.DeleteRun(c.ctx, id)
}

func (s *server) restoreRun(c *call) (any, error) {
	id := c.RunID()
	if err := c.Err(); err != nil {
		return nil, err
	}
	return empty{}, s.store.RestoreRun(c.ctx, id)
}

// searchRuns finds nothing where no experiment is named, as MLflow: to a store none means all.
func (s *server) searchRuns(c *call) (any, error) {
	q, columns := c.RunQuery(), c.Bool("columns")
	if err := c.Err(); err != nil || len(q.Experiments) == 0 {
		return empty{}, err
	}
	page, err := inTurn(c.ctx, s.searches, func() (*mlruns.RunPage, error) { return s.store.SearchRuns(c.ctx, q) })
	if err != nil {
		return nil, err
	}
	if columns {
		return runColumns{s, page}, nil
	}
	return runPage{s, page}, nil
}

// runPage is what runs/search answers: the shapes of its runs are made one after the other.
type runPage struct {
	*server
	*mlruns.RunPage
}

// stream implements streamer.
func (p runPage) stream(w io.Writer) error {
	list := newLongList(w, "runs")
	for _, run := range p.Runs {
		if err := list.add(p.runShape(run)); err != nil {
			return err
		}
	}
	return list.end(p.NextPageToken, p.Problems)
}

// runColumns is what runs/search answers whoever asks for columns.
type runColumns struct {
	*server
	*mlruns.RunPage
}

// stream implements streamer.
func (p runColumns) stream(w io.Writer) error {
	columns := wire.NewRunColumns()
	for _, run := range p.Runs {
		columns.Add(p.runShape(run))
	}
	if _, err := io.WriteString(w, `{"columns":`); err != nil {
		return err
	}
	if err := columns.WriteJSON(w); err != nil {
		return err
	}
	return writeEnd(w, nil, p.NextPageToken, p.Problems)
}

func (s *server) runAnswer(run *mlruns.Run) wire.RunAnswer {
	return wire.RunAnswer{Run: s.runShape(run), Problems: run.Problems}
}

func (s *server) runShape(run *mlruns.Run) wire.Run {
	shape := wire.NewRun(run)
	shape.Info.ArtifactURI = s.runLocation(run.Info)
	return shape
}
