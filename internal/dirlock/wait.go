package dirlock

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

const (
	firstPause = 500 * time.Microsecond
	lastPause  = 50 * time.Millisecond
)

// wait is one caller's patience.
type wait struct {
	ctx   context.Context
	name  string
	limit time.Duration
	start time.Time
	next  time.Duration
	// why the lock was not to be had the last time, where that is more than that somebody has it
	cause error
}

func newWait(ctx context.Context, name string, limit time.Duration) *wait {
	return &wait{ctx: ctx, name: name, limit: limit, start: time.Now(), next: firstPause}
}

// pause sleeps a little longer every time, with jitter, so that waiters do not march in step.
func (w *wait) pause() error {
	if err := w.over(); err != nil {
		return err
	}
	d := w.next/2 + rand.N(w.next)
	w.next = min(2*w.next, lastPause)
	if w.limit > 0 {
		d = min(d, w.left())
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-w.ctx.Done():
		return w.over()
	}
}

// left is the time until the limit. It is not negative.
func (w *wait) left() time.Duration {
	return max(0, w.limit-time.Since(w.start))
}

// over says why no more waiting is allowed; nil while it is.
func (w *wait) over() error {
	err := w.ctx.Err()
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return w.busy(err)
	case err != nil:
		return fmt.Errorf("lock %s: %w", w.name, err)
	case w.limit > 0 && w.left() == 0:
		return w.busy(nil)
	}
	return nil
}

// busy says how long the wait was and why it ended: with the context, if that is given, or at the
// limit.
func (w *wait) busy(ended error) error {
	err := fmt.Errorf("%s: %w: waited %v, the limit that WithLockTimeout or the context sets", w.name, ErrBusy, w.waited())
	if ended != nil {
		err = fmt.Errorf("%s: %w: waited %v: %w", w.name, ErrBusy, w.waited(), ended)
	}
	if w.cause != nil {
		err = fmt.Errorf("%w (the last answer was: %w)", err, w.cause)
	}
	return err
}

func (w *wait) waited() time.Duration { return time.Since(w.start).Round(time.Millisecond) }
