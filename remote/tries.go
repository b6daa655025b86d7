package remote

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/internal/failure"
)

// tries decides whether a request is sent again.
type tries struct {
	store  *Store
	effect effect
	n      int
	// most is how often it may be sent again.
	most int
	wait time.Duration
	// repeated reports whether a try may have had its effect, though its answer was lost.
	repeated bool
	// last is why the try before failed.
	last error
}

func (s *Store) newTries(e effect) *tries { return &tries{store: s, effect: e, most: s.retries} }

const (
	longestWait = 30 * time.Second
	// longestAfter is how long a server may have itself waited for.
	longestAfter = 2 * time.Minute
	// spokenTries is how often a request is sent again after MLflow itself said that it failed:
	// most often it would say so again.
	spokenTries = 2
)

// next waits for the next try.
func (t *tries) next(ctx context.Context) error {
	t.n++
	if t.n == 1 {
		return nil
	}
	timer := time.NewTimer(t.wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return t.unconfirmed(fmt.Errorf("%w, while waiting to try again after: %w", ctx.Err(), t.last))
	}
}

// judge takes the outcome of a try. done reports whether it is the call's.
func (t *tries) judge(ctx context.Context, outcome error) (done bool, err error) {
	gone, answered := (*lost)(nil), (*refused)(nil)
	switch {
	case errors.As(outcome, &answered):
		done = !t.again(answered)
	case errors.As(outcome, &gone):
		never := neverSent(gone.err)
		t.repeated = t.repeated || !never && t.effect != reads
		done = ctx.Err() != nil || t.effect == adds && !never || t.n > t.store.triesLeft(gone.err, t.most)
		t.wait = t.backoff()
	default: // success, or what read says
		if outcome != nil && t.effect == adds {
			t.repeated = true
		}
		return true, outcome
	}
	t.last = outcome
	if !done {
		return false, nil
	}
	if answered != nil {
		return true, t.refusal(answered)
	}
	if ctx.Err() != nil {
		return true, t.unconfirmed(ctx.Err())
	}
	text := fmt.Sprintf("%s cannot be reached: %v", t.store.base, gone.err)
	if t.repeated {
		text = fmt.Sprintf("the answer of %s was lost: %v", t.store.base, gone.err)
	}
	return true, t.unconfirmed(&failure.Reason{Kind: mlruns.ErrBusy, Text: text, Cause: gone.err})
}

// again reports whether a refusal is one that another try may mend, and sets the wait before it.
// 429 and 503 say that nothing was done.
func (t *tries) again(r *refused) bool {
	untouched := r.status == http.StatusTooManyRequests || r.status == http.StatusServiceUnavailable
	most := t.most
	switch r.status {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable, http.StatusRequestTimeout, http.StatusBadGateway, http.StatusGatewayTimeout:
	case http.StatusInternalServerError:
		if r.spoken {
			if r.reason.Code != codeInternal {
				return false
			}
			most = min(most, spokenTries)
		}
	default:
		return false
	}
	if !untouched && !r.spoken {
		t.repeated = t.repeated || t.effect != reads
	}
	if t.n > most || t.effect == adds && !untouched {
		return false
	}
	t.wait = t.backoff()
	if after, ok := parseRetryAfter(r.after, time.Now()); ok {
		if after > longestAfter {
			return false
		}
		t.wait = max(t.wait, after)
	}
	return true
}

// refusal is the error of an answer after which nothing is tried any more.
func (t *tries) refusal(r *refused) error {
	if t.repeated && (errors.Is(r.reason, mlruns.ErrBusy) || errors.Is(r.reason, errServer)) {
		return t.unconfirmed(r.reason)
	}
	return r.reason
}

// unconfirmed adds to an error that the call may have had its effect, where that is so.
func (t *tries) unconfirmed(err error) error {
	if !t.repeated {
		return err
	}
	r := &failure.Reason{Kind: mlruns.ErrUnconfirmed, Text: mlruns.MessageOf(err) + "; it may have been done", Cause: err}
	if t.effect == adds {
		r.Cause = notBusy{err}
	} else if !errors.Is(err, mlruns.ErrBusy) {
		r.Cause = errors.Join(err, mlruns.ErrBusy)
	}
	return r
}

// notBusy is a failure after which calling again could do harm.
type notBusy struct{ error }

// Unwrap leaves out the kind, which may be ErrBusy.
func (e notBusy) Unwrap() error {
	if r := (*failure.Reason)(nil); errors.As(e.error, &r) {
		return r.Cause
	}
	return e.error
}

func (t *tries) backoff() time.Duration {
	if t.store.firstWait <= 0 {
		return 0
	}
	wait := t.store.firstWait << min(t.n-1, 20)
	if wait <= 0 || wait > longestWait {
		wait = longestWait
	}
	return wait/2 + rand.N(wait/2+1) // so that those who failed together do not come together
}

func retryAfter(h http.Header) string { return h.Get("Retry-After") }

// parseRetryAfter reads seconds or a date.
func parseRetryAfter(text string, now time.Time) (time.Duration, bool) {
	if text == "" {
		return 0, false
	}
	if seconds, err := strconv.ParseInt(text, 10, 32); err == nil && seconds >= 0 {
		return time.Duration(seconds) * time.Second, true
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(0, at.Sub(now)), true
	}
	return 0, false
}
