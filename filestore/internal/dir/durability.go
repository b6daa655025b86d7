package dir

import (
	"errors"

	"github.com/mlruns/mlruns/internal/failure"
)

// Durability goes through a call that changes several things, each with a commit point of its own.
// A change that stands but could not be made durable does not end the call: failure.ErrNotDurable
// says of a call that all of it is done, so the rest has to be. It is the call's error at the end.
type Durability struct{ undurable error }

// Step takes the error of one change and gives it back if the call must end.
func (s *Durability) Step(err error) error {
	if !errors.Is(err, failure.ErrNotDurable) {
		return err
	}
	if s.undurable == nil {
		s.undurable = err
	}
	return nil
}

// Last is Step for the last change, and gives the error of the call.
func (s *Durability) Last(err error) error {
	if err := s.Step(err); err != nil {
		return err
	}
	return s.undurable
}
