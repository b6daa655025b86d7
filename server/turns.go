package server

import "context"

// mostSearches is how many searches look through the store at once. Each has all processors to
// itself and its page in memory: more at once would take more memory and be no faster.
const mostSearches = 4

// turns are the places of those that are under way.
type turns chan struct{}

// inTurn searches when it is its turn. What was found may be sent, slowly perhaps, without a place.
func inTurn[T any](ctx context.Context, t turns, search func() (T, error)) (found T, err error) {
	select {
	case t <- struct{}{}:
		defer func() { <-t }()
		return search()
	case <-ctx.Done():
		return found, ctx.Err()
	}
}
