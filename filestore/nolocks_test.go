package filestore

import (
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/internal/dirlock"
)

// TestNoLocksHere is what the caller of a write is told where the file system has no locks; that
// dirlock says so is tested there.
func TestNoLocksHere(t *testing.T) {
	for from, want := range map[error]error{dirlock.ErrUnsupported: mlruns.ErrUnsupported, dirlock.ErrBusy: mlruns.ErrBusy, dirlock.ErrGone: mlruns.ErrNotFound} {
		err := fail("set tag", "run", fmt.Errorf("0/run/.mlruns.lock: %w (%w); open the store with WithLocking(LockNone)", from, syscall.ENOLCK))
		if !errors.Is(err, want) || !errors.Is(err, syscall.ENOLCK) || !strings.Contains(err.Error(), "WithLocking(LockNone)") || !strings.Contains(err.Error(), ".mlruns.lock") {
			t.Errorf("%v, want %v with its cause, the file and the option", err, want)
		}
	}
}
