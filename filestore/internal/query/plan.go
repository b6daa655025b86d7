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

// readsOfModel is reads for a logged model. all says that every metric is asked whether it is of a
// data set.
func (pl plan) readsOfModel(all bool) []string {
	needs := pl.needs
	if all = all || needs.Datasets; all {
		needs.Metrics, needs.Datasets = nil, false
	}
	files := plan{needs: needs}.readsIn(layout.Meta, layout.Params, "../..")
	if all {
		files = append(files, layout.Metrics)
	}
	return files
}

// readsOfTrace is reads for a trace.
func (pl plan) readsOfTrace() []string { return pl.readsIn(layout.TraceInfo, layout.Metadata, "../..") }

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
func (pl plan) reads() []string { return pl.readsIn(layout.Meta, layout.Params, "..") }

// readsIn is reads where the metadata has a name and what a filter calls params a folder;
// experiment is the way to the experiment.
func (pl plan) readsIn(meta, params, experiment string) []string {
	files := []string{meta}
	for _, m := range pl.needs.Metrics {
		files = append(files, layout.Join(layout.Metrics, m.Key))
	}
	for _, key := range pl.needs.Params {
		files = append(files, layout.Join(params, key))
	}
	for _, key := range pl.needs.Tags {
		files = append(files, layout.Join(layout.Tags, key))
	}
	if pl.needs.Datasets {
		files = append(files, layout.Inputs, layout.Join(experiment, layout.Datasets))
	}
	if slices.Contains(pl.needs.Attributes, search.ExperimentName) {
		files = append(files, layout.Join(experiment, layout.Meta))
	}
	return files
}
