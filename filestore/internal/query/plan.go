package query

import (
	"slices"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/search"
)

// plan is a query made ready: what to test, what to order by, and so which files to open.
type plan struct {
	filter *search.Filter
	order  *search.Order
	needs  search.Needs
	view   mlruns.View
}

func planRuns(q mlruns.RunQuery) (plan, error) {
	filter, err := search.ParseRuns(q.Filter)
	if err != nil {
		return plan{}, queryError(err)
	}
	order, err := search.ParseRunOrder(q.OrderBy)
	if err != nil {
		return plan{}, queryError(err)
	}
	return plan{filter: filter, order: order, needs: filter.Needs().Union(order.Needs()), view: q.View}, nil
}

func planExperiments(q mlruns.ExperimentQuery) (plan, error) {
	filter, err := search.ParseExperiments(q.Filter)
	if err != nil {
		return plan{}, queryError(err)
	}
	order, err := search.ParseExperimentOrder(q.OrderBy)
	if err != nil {
		return plan{}, queryError(err)
	}
	return plan{filter: filter, order: order, needs: filter.Needs().Union(order.Needs()), view: q.View}, nil
}

// reads lists the files of a run that the plan can ask for. Every plan asks for meta.yaml: the
// lifecycle stage and the last resort of the order are in it.
func (pl plan) reads() []string {
	files := []string{layout.Meta}
	for _, m := range pl.needs.Metrics {
		files = append(files, layout.Join(layout.Metrics, m.Key))
	}
	for _, key := range pl.needs.Params {
		files = append(files, layout.Join(layout.Params, key))
	}
	for _, key := range pl.needs.Tags {
		files = append(files, layout.Join(layout.Tags, key))
	}
	if pl.needs.Datasets {
		files = append(files, layout.Inputs, "../"+layout.Datasets)
	}
	if slices.Contains(pl.needs.Attributes, search.ExperimentName) {
		files = append(files, "../"+layout.Meta)
	}
	return files
}
