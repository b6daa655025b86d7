// Package proof says how much of what they could try the tests try, and draws what they leave to
// chance.
package proof

import (
	"hash/fnv"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
)

// Lengths of the tests, as MLRUNS_PROOF names them.
const (
	quick = ""     // an inner loop: a sample, another one each time
	ci    = "ci"   // what must pass before a change is merged
	full  = "full" // everything: what docs/reliability.md counts
)

// Choose gives what fits the length at which the tests run.
func Choose[T any](inQuick, inCI, inFull T) T {
	switch os.Getenv("MLRUNS_PROOF") {
	case full:
		return inFull
	case ci:
		return inCI
	case quick:
		return inQuick
	}
	panic("MLRUNS_PROOF must be empty, ci or full")
}

// Sample gives the items of a list in a random order: in the inner loop one of three, at other
// lengths all.
func Sample[T any](t testing.TB, list []T) []T {
	t.Helper()
	list = slices.Clone(list)
	Rand(t).Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	return list[:Choose((len(list)+2)/3, len(list), len(list))]
}

// Full reports whether everything is asked for.
func Full() bool { return Choose(false, false, true) }

// Rand gives a test its random numbers. They begin anew in each process, from a seed that is
// logged; MLRUNS_SEED repeats them.
func Rand(t testing.TB) *rand.Rand {
	t.Helper()
	seed := rand.Uint64()
	if text := os.Getenv("MLRUNS_SEED"); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatalf("MLRUNS_SEED: %v", err)
		}
	}
	t.Logf("MLRUNS_SEED=%d", seed)
	name := fnv.New64a()
	_, _ = name.Write([]byte(t.Name()))
	return rand.New(rand.NewPCG(seed, name.Sum64()))
}
