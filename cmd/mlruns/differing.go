package main

import (
	"cmp"
	"maps"
	"slices"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/internal/wire"
)

// differing makes a column of each metric and param that is not the same in all runs, metrics
// first, and names the others with their values. A run alone differs from nothing, so all it has is
// shown.
func differing(runs []*mlruns.Run) (columns []column, same []string) {
	metrics, params := map[string]bool{}, map[string]bool{}
	for _, r := range runs {
		for key := range r.Data.Metrics {
			metrics[key] = true
		}
		for key := range r.Data.Params {
			params[key] = true
		}
	}
	for _, key := range slices.Sorted(maps.Keys(metrics)) {
		v := values{title: titled("metrics.", key, params[key]), exact: make([]string, len(runs)), shown: make([]string, len(runs))}
		for i, r := range runs {
			if m, ok := r.Data.Metrics[key]; ok {
				v.set(i, wire.Number(m.Value).String(), shortNumber(m.Value))
			}
		}
		columns, same = v.sort(columns, same, true)
	}
	for _, key := range slices.Sorted(maps.Keys(params)) {
		v := values{title: titled("params.", key, metrics[key]), exact: make([]string, len(runs)), shown: make([]string, len(runs))}
		for i, r := range runs {
			if value, ok := r.Data.Params[key]; ok {
				v.set(i, value, cmp.Or(value, `""`))
			}
		}
		columns, same = v.sort(columns, same, false)
	}
	return columns, same
}

// titled tells a metric from a param of the same name.
func titled(prefix, key string, clash bool) string {
	if clash {
		return prefix + key
	}
	return key
}

// values are those of one key. What a run has not is "-" in shown, an empty text is two quotes.
type values struct {
	title        string
	exact, shown []string
	count        int
}

func (v *values) set(i int, exact, shown string) {
	v.exact[i], v.shown[i] = exact, shown
	v.count++
}

func (v *values) sort(columns []column, same []string, number bool) ([]column, []string) {
	alike := v.count == len(v.exact) && len(slices.Compact(slices.Clone(v.exact))) == 1
	if alike && len(v.exact) > 1 {
		return columns, append(same, v.title+"="+v.shown[0])
	}
	for i, cell := range v.shown {
		if cell == "" {
			v.shown[i] = "-"
		}
	}
	return append(columns, column{title: v.title, cells: v.shown, right: number, optional: true}), same
}
