package transfer

import (
	"context"
	"errors"
	"io/fs"
	"time"

	"github.com/mlruns/mlruns"
)

// patience is how long a copy waits for another one until it tells of that.
const patience = time.Second

// turn waits until no other copy into the destination is under way, where the destination can tell.
// Into one that cannot be written nothing is added twice, and what is lacking will say so.
func (c *copier) turn(ctx context.Context) (end func(), err error) {
	end = func() {}
	locker, ok := c.dst.(mlruns.CopyLocker)
	if !ok || c.q.DryRun {
		return end, nil
	}
	for told := false; ; {
		short, cancel := context.WithTimeout(ctx, patience)
		unlock, err := locker.LockCopies(short)
		cancel()
		switch {
		case err == nil:
			return func() { _ = unlock() }, nil // a lock that was lost can be mended by nobody
		case ctx.Err() != nil:
			return end, ctx.Err()
		case errors.Is(err, fs.ErrPermission) || errors.Is(err, mlruns.ErrReadOnly):
			return end, nil
		case !errors.Is(err, mlruns.ErrBusy):
			return end, err
		case !told && c.q.OnWait != nil:
			c.q.OnWait()
		}
		told = true
	}
}
