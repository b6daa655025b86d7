package filestore

import (
	"errors"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/internal/atomicfile"
)

// steps goes through a call that changes several things, each with a commit point of its own. A
// change that stands but could not be made durable does not end the call: mlruns.ErrNotDurable says
// of a call that all of it is done, so the rest has to be. It is the call's error at the end.
type steps struct{ undurable error }

// step takes the error of one change and gives it back if the call must end.
func (s *steps) step(err error) error {
	if !errors.Is(err, mlruns.ErrNotDurable) && !errors.Is(err, atomicfile.ErrNotDurable) {
		return err
	}
	if s.undurable == nil {
		s.undurable = err
	}
	return nil
}

// last is step for the last change, and gives the error of the call.
func (s *steps) last(err error) error {
	if err := s.step(err); err != nil {
		return err
	}
	return s.undurable
}
