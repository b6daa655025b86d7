package transfer

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/mlruns/mlruns"
)

// notRead is why files of the source could not be copied: they could not be read. What else there
// is of their run can.
type notRead struct {
	n   int
	err error // the first
}

func (e *notRead) Error() string {
	if e.n == 1 {
		return e.err.Error()
	}
	return fmt.Sprintf("%d files or folders could not be read, the first: %v", e.n, e.err)
}

func (e *notRead) Unwrap() error { return e.err }

// asError is nil where all was read.
func (e *notRead) asError() error {
	if e.n == 0 {
		return nil
	}
	return e
}

// unreadable takes a failure of the source at a file or a folder. What is gone by now needs no
// copy. It gives back what keeps the next file from being read too.
func (c *filesCopy) unreadable(ctx context.Context, path string, err error) error {
	switch {
	case ctx.Err() != nil || isAnyOf(err, mlruns.ErrBusy, mlruns.ErrClosed, mlruns.ErrUnsupported, mlruns.ErrOutside, mlruns.ErrInvalid):
		return err
	case errors.Is(err, mlruns.ErrNotFound) && path != "":
		delete(c.seen, path)
		return nil
	}
	if c.unread.n++; c.unread.n == 1 {
		c.unread.err = err
	}
	return nil
}

// reading is a file of the source while it is read. It tells what came of it, and why no more did.
type reading struct {
	io.Reader
	n   int64
	err error
	// whole is asked at the end whether that is the file.
	whole func(n int64) error
}

func (r *reading) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	r.n += int64(n)
	if errors.Is(err, io.EOF) {
		if wrong := r.whole(r.n); wrong != nil {
			err = wrong
		}
	}
	if err != nil && !errors.Is(err, io.EOF) {
		r.err = err
	}
	return n, err
}

// isWhole reports whether n bytes can be a file that was listed with its size: it may have changed
// since, but then it is listed otherwise now. A server that lists no sizes says 0. What a proxy
// sends in the place of a file is found by this.
func (c *filesCopy) isWhole(ctx context.Context, file mlruns.FileInfo, n int64) error {
	if n == file.Size || file.Size == 0 {
		return nil
	}
	now, there, err := c.from.size(ctx, c.fromID, file.Path)
	if err == nil && there && now == file.Size {
		err = fmt.Errorf("artifact %s: %d bytes came, and it has %d: %w", file.Path, n, file.Size, mlruns.ErrCorrupt)
	}
	return err
}
