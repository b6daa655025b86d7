package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/internal/failure"
)

// shortID is how long a beginning of an id must be to stand for it, and how long "runs search"
// leaves it at least.
const shortID = 8

// wholeID is how long the ids are that MLflow makes, and we: one as long is not looked for as a
// beginning.
const wholeID = 32

// onRunID does the work with the id of the run that the first argument names.
func onRunID(do work) work {
	return func(ctx context.Context, s *session, args []string) error {
		id, err := s.runID(ctx, args[0])
		if err != nil {
			return err
		}
		return do(ctx, s, append([]string{id}, args[1:]...))
	}
}

// runID gives the id of the run that a person names by it, or else by a beginning of it that no
// other run's id has.
func (s *session) runID(ctx context.Context, word string) (string, error) {
	if len(word) < shortID || len(word) >= wholeID {
		return word, nil
	}
	if _, err := s.Run(ctx, word); !errors.Is(err, mlruns.ErrNotFound) {
		return word, nil // if it cannot be read, the call that follows says so
	}
	var found []string
	runIDs(mlruns.ViewAll)(ctx, s, func(id, _ string) bool {
		// a copied run has its id twice
		if strings.HasPrefix(id, word) && !slices.Contains(found, id) {
			found = append(found, id)
		}
		return true
	})
	switch len(found) {
	case 0:
		return word, nil // the call that follows says that there is none
	case 1:
		return found[0], nil
	default:
		return "", failure.Invalid(fmt.Sprintf("the ids of the runs %s begin with '%s': give more of the one that is meant", strings.Join(found, ", "), word))
	}
}
