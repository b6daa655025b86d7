package parallel

import (
	"sync/atomic"
	"testing"
)

// Who stops early leaves no call under way.
func TestMapWaits(t *testing.T) {
	stopped := make(chan struct{})
	var under atomic.Int64
	do := func(i int) (int, error) {
		under.Add(1)
		defer under.Add(-1)
		if i > 0 {
			<-stopped
		}
		return i, nil
	}
	for i, err := range Map(4, []int{0, 1, 2, 3, 4, 5, 6}, do, func() { close(stopped) }) {
		if i != 0 || err != nil {
			t.Errorf("first = %d, %v; want 0", i, err)
		}
		break
	}
	if n := under.Load(); n != 0 {
		t.Errorf("%d calls are under way after the end", n)
	}
}
