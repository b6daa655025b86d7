package query

import (
	"testing"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/index"
)

// TestStateOfListing keeps a listing only if any later change of it makes the folder look
// otherwise, and nothing is to be told of it.
func TestStateOfListing(t *testing.T) {
	for name, tc := range map[string]struct {
		at       seen
		plain    bool
		problems []mlruns.Problem
		want     index.Stamp
	}{
		"plain":        {at: seen{stamp: 7, kept: true}, plain: true, want: 7},
		"too fresh":    {at: seen{stamp: 7}, plain: true},
		"with a link":  {at: seen{stamp: 7, kept: true}},
		"with problem": {at: seen{stamp: 7, kept: true}, plain: true, problems: make([]mlruns.Problem, 1)},
	} {
		if got := stateOf(tc.at, tc.plain, tc.problems); got != tc.want {
			t.Errorf("%s: %d, want %d", name, got, tc.want)
		}
	}
}
