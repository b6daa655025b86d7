// Package parallel maps lists with several goroutines.
package parallel

import (
	"iter"
	"sync"
)

// window is how many results for each goroutine may wait for their turn, so that a slow
// one does not stop the others.
const window = 4

// Map maps a list in order, with up to n calls under way, a few ahead of their turn. At the end,
// an early one too, it calls stop, which ends the calls under way, and waits for them.
func Map[T, R any](n int, list []T, do func(T) (R, error), stop func()) iter.Seq2[R, error] {
	type result struct {
		value R
		err   error
	}
	return func(yield func(R, error) bool) {
		n := min(n, len(list))
		// the result of list[i] comes to slots[i%len(slots)]
		slots := make([]chan result, min(window*n, len(list)))
		for i := range slots {
			slots[i] = make(chan result, 1)
		}
		next := make(chan int, len(slots))
		var workers sync.WaitGroup
		defer func() {
			stop()
			close(next)
			workers.Wait()
		}()
		for i := range slots {
			next <- i
		}
		for range n {
			workers.Go(func() {
				for i := range next {
					value, err := do(list[i])
					slots[i%len(slots)] <- result{value, err}
				}
			})
		}
		for i := range list {
			r := <-slots[i%len(slots)]
			if more := i + len(slots); more < len(list) {
				next <- more
			}
			if !yield(r.value, r.err) {
				return
			}
		}
	}
}
