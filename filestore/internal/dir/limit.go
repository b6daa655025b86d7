package dir

import (
	"math/rand/v2"
	"sync"
	"time"
)

// How many files the process may have open bounds what is kept open and how much is read at once.
// Both take a part only: the rest is the caller's.

// The bounds of what stays open where the process's limit allows it: the lock file and meta.yaml of
// each run, and metric files of all runs together.
const (
	maxKeptRuns    = 64
	maxKeptMetrics = 256
)

// keptBounds are the bounds of what stays open under a limit: a quarter of it at most, and nothing
// where that is next to nothing.
func keptBounds(limit int) (runs, metrics int) {
	const least = 16
	part := limit / 4
	if part < least {
		return 0, 0
	}
	runs = min(maxKeptRuns, part/6)
	return runs, min(maxKeptMetrics, part-2*runs)
}

// MaxReaders is how many files may be read at once. Each reader has the folders above its file
// open.
func MaxReaders() int {
	const (
		others = 16 // what a process has open by itself
		each   = 8
	)
	return max(1, (handleLimit()-others)/each)
}

// caches are those of all stores that are open: the limit is the process's.
var caches = struct {
	sync.Mutex
	all map[interface{ giveBack() }]bool
}{all: map[interface{ giveBack() }]bool{}}

// exhaustedPatience bounds the wait for handles that other calls have open for a moment.
const exhaustedPatience = 7

// GiveBack closes the handles that are kept when the process has none left, and then waits for
// those of calls under way, a little longer every time. It is rootfs.Options.OnExhausted.
func GiveBack(try int) bool {
	if try == 0 {
		caches.Lock()
		defer caches.Unlock()
		for c := range caches.all {
			c.giveBack()
		}
		return true
	}
	pause := time.Millisecond << (try - 1)
	// so that those who wait for each other do not march in step
	time.Sleep(pause/2 + rand.N(pause))
	return try < exhaustedPatience
}
