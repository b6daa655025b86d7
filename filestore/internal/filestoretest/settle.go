package filestoretest

import (
	"time"

	"github.com/mlruns/mlruns/internal/vfs"
)

// Settle waits until nothing that was written so far is so young that what a look tells of it is
// not relied on: 20 ms by the clock that marks files, which goes in steps of up to 10 ms, and
// stands still where a processor is taken away. A wait by any other clock ends too early there.
func Settle() {
	for begun := vfs.Clock(); vfs.Clock().Sub(begun) < 32*time.Millisecond; {
		time.Sleep(2 * time.Millisecond)
	}
}
