package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/internal/failure"
	"github.com/mlruns/mlruns/internal/wire"
)

// maxBatchBytes bounds a request; one with the most values of the greatest lengths is shorter.
const maxBatchBytes = 16 << 20

// readBatch reads a request to log to a run. A request may name the run, if it is the same.
func readBatch(ctx context.Context, in io.Reader, runID string) (mlruns.Batch, error) {
	text, err := readAll(ctx, in, maxBatchBytes)
	if err != nil {
		return mlruns.Batch{}, err
	}
	named, batch, err := wire.ParseBatch(text)
	if err != nil && !errors.Is(err, mlruns.ErrInvalid) { // a text of MLflow's stays as it is
		err = failure.Invalid("The batch on standard input: " + err.Error())
	}
	if err != nil {
		return mlruns.Batch{}, err
	}
	if named != "" && named != runID {
		return mlruns.Batch{}, failure.Invalid(fmt.Sprintf("The batch on standard input is for the run '%s', not '%s'", named, runID))
	}
	return batch, nil
}

// readAll reads to the end, unless that is further than limit or the context ends first.
func readAll(ctx context.Context, in io.Reader, limit int64) ([]byte, error) {
	type result struct {
		text []byte
		err  error
	}
	done := make(chan result, 1)
	go func() {
		text, err := io.ReadAll(io.LimitReader(in, limit+1))
		done <- result{text, err}
	}()
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case r := <-done:
		if r.err == nil && int64(len(r.text)) > limit {
			return nil, failure.Invalid(fmt.Sprintf("The batch on standard input is longer than %d bytes.", limit))
		}
		return r.text, r.err
	}
}
