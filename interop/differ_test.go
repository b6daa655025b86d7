//go:build interop

package interop

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// equal fails the test for every experiment, run and artifact that differs. Empty maps and lists
// equal missing ones, and inputs have no order.
func equal(t *testing.T, what string, want, got snapshot) {
	t.Helper()
	options := cmp.Options{cmpopts.EquateEmpty(), cmpopts.SortSlices(func(a, b dataset) bool { return a.Name+a.Digest < b.Name+b.Digest }), cmpopts.SortSlices(func(a, b string) bool { return a < b })}
	each(t, what+": experiment", want.Experiments, got.Experiments, options)
	each(t, what+": run", want.Runs, got.Runs, options)
	each(t, what+": artifacts of", want.Artifacts, got.Artifacts, options)
}

func each[V any](t *testing.T, what string, want, got map[string]V, options cmp.Options) {
	t.Helper()
	for _, id := range keys(want) {
		g, ok := got[id]
		if !ok {
			t.Errorf("%s %s is missing", what, id)
			continue
		}
		if diff := cmp.Diff(want[id], g, options); diff != "" {
			t.Errorf("%s %s (-want +got):\n%s", what, id, diff)
		}
	}
	for _, id := range keys(got) {
		if _, ok := want[id]; !ok {
			t.Errorf("%s %s should not be there: %+v", what, id, got[id])
		}
	}
}
