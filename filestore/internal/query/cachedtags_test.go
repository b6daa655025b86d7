package query

import (
	"reflect"
	"testing"
	"time"

	"github.com/mlruns/mlruns/filestore/internal/index"
)

// TestFreshTagsAreNotKept looks at an experiment's tags of which one thing was changed just now.
func TestFreshTagsAreNotKept(t *testing.T) {
	began := time.Now()
	cells := []index.Cell{{Column: "tags", Value: packFolder(1)}, {Column: "tags/k.x", Value: packText("v")}}
	for name, want := range map[string]bool{"none": true, "7/tags": false, "7/tags/k.x": false} {
		c, f := agedSession(began), aged{began: began, ages: map[string]time.Duration{"": time.Hour, name: 0}}
		if at := c.lookAtTags(f, "7", cells); at.stamp == 0 || at.kept != want {
			t.Errorf("fresh %s: %+v, want a stamp, kept %v", name, at, want)
		}
	}
}

// TestPackedCellsComeBack packs cells as one.
func TestPackedCellsComeBack(t *testing.T) {
	cells := []index.Cell{{Column: "tags", Value: packFolder(1)}, {Column: "tags/k", Value: packText("")}}
	packed := packCells(cells)
	if got, ok := unpackCells(packed); !ok || !reflect.DeepEqual(got, cells) {
		t.Errorf("%+v, %v; want %+v", got, ok, cells)
	}
	for _, value := range [][]byte{nil, packCells(nil), packed[:len(packed)-1], packCells([]index.Cell{{Column: "tags"}}), packText("x")} {
		if got, ok := unpackCells(value); ok {
			t.Errorf("%q is unpacked as %+v", value, got)
		}
	}
}
