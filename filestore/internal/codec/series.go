package codec

import (
	"time"

	"github.com/mlruns/mlruns"
)

// Series is the new lines of one metric.
type Series struct {
	Key   string
	Lines []byte
}

// lineLength is about the length of a line, to make room for it.
const lineLength = 48

// SeriesOf formats points and groups them by key, in the order of the first of each. A point
// without a time gets the present one, now.
func SeriesOf(metrics []mlruns.Metric, now time.Time) []Series {
	if len(metrics) == 0 {
		return nil
	}
	if len(metrics) == 1 {
		return []Series{{Key: metrics[0].Key, Lines: appendNow(make([]byte, 0, lineLength), metrics[0], now)}}
	}
	first, next, keys := chains(metrics)
	list := make([]Series, 0, keys)
	lines := make([]byte, 0, lineLength*len(metrics))
	for i := range metrics {
		if !first[i] {
			continue
		}
		start := len(lines)
		for j := i; j >= 0; j = next[j] {
			lines = appendNow(lines, metrics[j], now)
		}
		// Lines that outgrew the room leave the earlier ones where they were.
		list = append(list, Series{Key: metrics[i].Key, Lines: lines[start:len(lines):len(lines)]})
	}
	return list
}

// appendNow is AppendPoint for a point whose time may be the present one.
func appendNow(lines []byte, m mlruns.Metric, now time.Time) []byte {
	if m.Time.IsZero() {
		m.Time = now
	}
	return AppendPoint(lines, m)
}

// chains says which point is the first of its key, and which is the next after it, -1 if there is
// none.
func chains(metrics []mlruns.Metric) (first []bool, next []int, keys int) {
	first, next = make([]bool, len(metrics)), make([]int, len(metrics))
	var last map[string]int // the last point of each key; needed when there is more than one key
	for i := range metrics {
		next[i] = -1
		if i == 0 {
			first[0], keys = true, 1
			continue
		}
		if last == nil && metrics[i].Key == metrics[0].Key {
			next[i-1] = i
			continue
		}
		if last == nil {
			last = map[string]int{metrics[0].Key: i - 1}
		}
		before, ok := last[metrics[i].Key]
		if ok {
			next[before] = i
		} else {
			first[i] = true
			keys++
		}
		last[metrics[i].Key] = i
	}
	return first, next, keys
}
