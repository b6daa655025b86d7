package server

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/internal/failure"
	"github.com/mlruns/mlruns/internal/wire"
)

// Histories of several runs at once, which MLflow's web page draws.

// maxRuns is how many runs can be asked for at once, MLflow's.
const maxRuns = 100

// metricList is what the calls for histories answer.
type metricList struct {
	Metrics []wire.Metric `json:"metrics"`
}

// getHistories gives the points of a metric of several runs, run by run, as many as fit into
// max_results.
func (s *server) getHistories(c *call) (any, error) {
	runIDs, key := c.Texts("run_id"), c.Text("metric_key")
	most, limited := c.Int("max_results")
	limit := maxHistory
	if limited && most < maxHistory {
		limit = int(max(most, 0))
	}
	if err := c.Err(); err != nil {
		return nil, err
	}
	switch {
	case len(runIDs) == 0:
		return nil, failure.Invalid("GetMetricHistoryBulk request must specify at least one run_id.")
	case len(runIDs) > maxRuns:
		return nil, failure.Invalid(fmt.Sprintf("GetMetricHistoryBulk request cannot specify more than %d run_ids. Received %d run_ids.", maxRuns, len(runIDs)))
	case key == "":
		return nil, failure.Invalid("GetMetricHistoryBulk request must specify a metric_key.")
	}
	answer := metricList{Metrics: []wire.Metric{}}
	for _, id := range slices.Sorted(slices.Values(runIDs)) {
		points, err := s.points(c.ctx, id, key, -1)
		if err != nil {
			return nil, err
		}
		slices.SortStableFunc(points, func(a, b mlruns.Metric) int {
			return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.Step, b.Step), cmp.Compare(a.Value, b.Value))
		})
		for _, m := range points[:min(len(points), limit-len(answer.Metrics))] {
			answer.Metrics = append(answer.Metrics, ofRun(id, m))
		}
		if len(answer.Metrics) == limit {
			break
		}
	}
	return answer, nil
}

// maxSamples is how many points of each run the page may ask for.
const maxSamples = 2500

// getSampledHistories gives some points of a metric of several runs, all at the same steps.
func (s *server) getSampledHistories(c *call) (any, error) {
	runIDs := c.Texts("run_ids")
	if len(runIDs) == 0 {
		c.Missing("run_ids")
	}
	key := c.RequiredText("metric_key")
	most, limited := c.Int("max_results")
	first, bounded := c.Int("start_step")
	last, ended := c.Int("end_step")
	if err := c.Err(); err != nil {
		return nil, err
	}
	limit := maxSamples
	switch {
	case len(runIDs) > maxRuns:
		return nil, failure.Invalid(fmt.Sprintf("GetMetricHistoryBulkInterval request must specify at most %d run_ids. Received %d run_ids.", maxRuns, len(runIDs)))
	case limited && (most < 1 || most > maxSamples):
		return nil, failure.Invalid(fmt.Sprintf("max_results must be between 1 and %d.", maxSamples))
	case limited:
		limit = int(most)
	}
	metrics, err := s.sampledHistories(c, runIDs, key, stepRange{first, last, bounded, ended}, limit)
	return metricList{Metrics: metrics}, err
}

func (s *server) sampledHistories(c *call, runIDs []string, key string, within stepRange, limit int) ([]wire.Metric, error) {
	if err := within.check(); err != nil {
		return nil, err
	}
	histories := make([][]mlruns.Metric, len(runIDs))
	for i, id := range runIDs {
		points, err := s.points(c.ctx, id, key, -1)
		if err != nil {
			return nil, err
		}
		histories[i] = points
	}
	wanted := sampledSteps(histories, within, limit)
	metrics := []wire.Metric{}
	for i, points := range histories {
		points = slices.DeleteFunc(points, func(m mlruns.Metric) bool { return !wanted[m.Step] })
		slices.SortStableFunc(points, func(a, b mlruns.Metric) int { return cmp.Or(cmp.Compare(a.Step, b.Step), a.Time.Compare(b.Time)) })
		for _, m := range points {
			metrics = append(metrics, ofRun(runIDs[i], m))
		}
	}
	return metrics, nil
}

// stepRange is which steps are asked for: from first to last, where given.
type stepRange struct {
	first, last  int64
	begins, ends bool
}

func (r stepRange) check() error {
	switch {
	case r.begins != r.ends:
		return failure.Invalid("If either start step or end step are specified, both must be specified.")
	case r.begins && r.first > r.last:
		return failure.Invalid(fmt.Sprintf("end_step must be greater than start_step. Found start_step=%d and end_step=%d.", r.first, r.last))
	}
	return nil
}

// has reports whether a step is in the range. Without bounds that is every one from 0, as in
// MLflow.
func (r stepRange) has(step int64) bool {
	if !r.begins {
		return step >= 0
	}
	return step >= r.first && step <= r.last
}

// sampledSteps chooses limit steps, evenly among all that the runs have in the range, and the first
// and last step of each run there.
func sampledSteps(histories [][]mlruns.Metric, within stepRange, limit int) map[int64]bool {
	all, chosen := map[int64]bool{}, map[int64]bool{}
	for _, points := range histories {
		first, last, any := int64(0), int64(0), false
		for _, m := range points {
			if !within.has(m.Step) {
				continue
			}
			if all[m.Step] = true; !any {
				first, last, any = m.Step, m.Step, true
			}
			first, last = min(first, m.Step), max(last, m.Step)
		}
		if any {
			chosen[first], chosen[last] = true, true
		}
	}
	steps := slices.Sorted(maps.Keys(all))
	if len(steps) <= limit {
		return all
	}
	for i := range limit {
		chosen[steps[i*len(steps)/limit]] = true
	}
	chosen[steps[len(steps)-1]] = true
	return chosen
}
