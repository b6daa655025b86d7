package mlruns

import (
	"context"
	"errors"
)

// WithRun runs a function as a run: it makes one as StartRun does, calls f with its handle, and
// ends it, whatever f does.
//
// The run is FINISHED when f returns nil; KILLED when f returns an error and that is a
// context.Canceled or ctx was cancelled; FAILED on any other error, on a panic, which goes on, and
// on runtime.Goexit, which t.Fatal is made of. A run that f itself ended keeps its status when f
// returns nil; after a failure it does not stay FINISHED. Only what ends the process at once, such
// as os.Exit, leaves the run RUNNING.
//
// The error is that of f, joined with what went wrong when the run was ended; that takes at most 10
// seconds and works when ctx has ended. With an error of StartRun f is not called.
func (c *Client) WithRun(ctx context.Context, experiment string, spec RunSpec, f func(ctx context.Context, run *ActiveRun) error) (err error) {
	run, err := c.StartRun(ctx, experiment, spec)
	if err != nil {
		return err
	}
	// There is no recover: a panic goes on by itself, and its trace shows where it began. What is
	// not a return is a panic or a Goexit.
	returned := false
	defer func() {
		status := StatusFailed
		if returned {
			status = outcome(&err)
		}
		if status == StatusFailed && returned && errors.Is(ctx.Err(), context.Canceled) {
			status = StatusKilled
		}
		if ended := run.settle(ctx, status); ended != nil {
			err = errors.Join(err, ended)
		}
	}()
	err = f(ctx, run)
	returned = true
	return err
}

// settle is End that does not let a failed run stay FINISHED.
func (r *ActiveRun) settle(ctx context.Context, status Status) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ended == 0 || r.ended == StatusFinished && status != StatusFinished {
		return r.end(ctx, status)
	}
	return nil
}
