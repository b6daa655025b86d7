package main

import (
	"context"
	"iter"
	"os"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/tracking"
	"github.com/mlruns/mlruns/transfer"
)

// side is the source or the destination of a copy.
type side struct {
	mlruns.Store
	name string
	// dir is "" for a server, and was is what lay there when it was opened.
	dir  string
	was  os.FileInfo
	open func() (mlruns.Store, error)
}

// newSide is a store that was opened by a name, and that open opens again if it is there.
func newSide(name, uri string, s mlruns.Store, open func() (mlruns.Store, error)) *side {
	at := &side{Store: s, name: name, open: open}
	if !tracking.IsServer(uri) {
		if dir, err := storeDir(uri); err == nil {
			at.dir = dir
			at.was, _ = os.Stat(dir)
		}
	}
	return at
}

// replaced reports whether a folder is not in its place any more. An open store follows a folder
// that was moved away, and finds nothing in one that was removed.
func (s *side) replaced() bool {
	if s.was == nil {
		return false
	}
	now, err := os.Stat(s.dir)
	return err != nil || !os.SameFile(s.was, now)
}

// again opens the store that is in the place now, if there is one.
func (s *side) again() bool {
	was, err := os.Stat(s.dir)
	if err != nil {
		return false
	}
	store, err := s.open()
	if err != nil {
		return false
	}
	_ = s.Close()
	s.Store, s.was = store, was
	return true
}

// watch is transfer.Watch, and begins anew with a folder that takes the place of one of the two: it
// was made anew, or its disk was mounted again. Until there is a store, and in a source the
// experiments that are asked for, it waits. Opening the source anew may change q.
func (a *app) watch(ctx context.Context, dst, src *side, q *transfer.Query, every time.Duration) iter.Seq2[transfer.Item, error] {
	return func(yield func(transfer.Item, error) bool) {
		for ctx.Err() == nil {
			copying, end := context.WithCancel(ctx)
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				for !src.replaced() && !dst.replaced() {
					if !pause(copying, every) {
						return
					}
				}
				end()
			}()
			goOn := true
			for it, err := range transfer.Watch(copying, dst.Store, src.Store, *q, every) {
				if goOn = yield(it, err); !goOn {
					break
				}
			}
			end()
			<-ended
			if !goOn || !a.untilThere(ctx, src, every) || !a.untilThere(ctx, dst, every) {
				return
			}
		}
	}
}

// untilThere waits until there is a store in the place of a side that is not there any more.
func (a *app) untilThere(ctx context.Context, s *side, every time.Duration) bool {
	if !s.replaced() {
		return true
	}
	if !a.json {
		a.note("%s is not there any more; waiting for a store at %s", s.name, s.dir)
	}
	for !s.again() {
		if !pause(ctx, every) {
			return false
		}
	}
	if !a.json {
		a.note("%s is there again", s.name)
	}
	return true
}

// pause reports whether the context is still good after a while.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
