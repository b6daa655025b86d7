package remote

import (
	"context"
)

// creation is how something is made on a server that chooses its id, with a tag by which it is
// found again.
type creation[T any] struct {
	create func() (*T, error)
	// find gives what requests with the tag have made.
	find func() ([]*T, error)
	// settle is told what else was made: a request was still on its way when it was sent again.
	// Nil: nobody is.
	settle func(kept *T)
}

// createFound makes something once, however often the request is sent: when an answer is lost, it
// is looked for before the request is sent again.
func createFound[T any](ctx context.Context, s *Store, c creation[T]) (*T, error) {
	var made *T
	t := s.newTries(repeats)
	for {
		if err := t.next(ctx); err != nil {
			return nil, err
		}
		if t.n > 1 {
			found, err := c.find()
			if err != nil {
				return nil, t.unconfirmed(err)
			}
			if len(found) > 0 {
				made = found[0]
				break
			}
		}
		one, err := c.create()
		done, err := t.judge(ctx, err)
		if err != nil {
			return nil, err
		}
		if done {
			made = one
			break
		}
	}
	if t.n > 1 && c.settle != nil {
		c.settle(made)
	}
	return made, nil
}
