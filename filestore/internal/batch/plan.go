package batch

import (
	"slices"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/codec"
	"github.com/mlruns/mlruns/filestore/internal/dir"
	"github.com/mlruns/mlruns/filestore/internal/records"
)

// plan is what a batch changes in a run, and in the logged models that its points name.
type plan struct {
	params []mlruns.Param
	series []codec.Series
	tags   []mlruns.Tag
	models []codec.ModelSeries // points that are of logged models too
}

func keysOf[T any](list []T, key func(T) string) []string {
	if len(list) == 0 {
		return nil
	}
	keys := make([]string, len(list))
	for i, item := range list {
		keys[i] = key(item)
	}
	return keys
}

func planOf(runID string, b mlruns.Batch, now time.Time) plan {
	return plan{params: b.Params, series: codec.SeriesOf(b.Metrics, now), tags: b.Tags, models: codec.ModelSeriesOf(b.Metrics, runID, now)}
}

func (p *plan) keys() (metrics, params, tags []string) {
	return keysOf(p.series, func(m codec.Series) string { return m.Key }), keysOf(p.params, func(p mlruns.Param) string { return p.Key }),
		keysOf(p.tags, func(t mlruns.Tag) string { return t.Key })
}

// single reports whether a batch is the lines of one metric.
func (p *plan) single() bool { return len(p.series) == 1 && len(p.params)+len(p.tags) == 0 }

// validateNames refuses keys that the platform cannot hold, and keys of one batch that exclude each
// other.
func (p *plan) validateNames() error {
	if p.single() {
		return records.CheckKey("name", p.series[0].Key)
	}
	metrics, params, tags := p.keys()
	for _, list := range [...]struct {
		what, field string
		keys        []string
	}{{"metric", "name", metrics}, {"param", "key", params}, {"tag", "key", tags}} {
		slices.Sort(list.keys)
		list.keys = slices.Compact(list.keys)
		for _, key := range list.keys {
			if err := records.CheckKey(list.field, key); err != nil {
				return err
			}
		}
		if err := dir.Disjoint(list.what, list.keys); err != nil {
			return err
		}
	}
	return nil
}

// onlyMetric is the key of a batch that is the lines of one metric, "" of any other.
func (p *plan) onlyMetric() string {
	if p.single() && len(p.models) == 0 {
		return p.series[0].Key
	}
	return ""
}
