package transfer

import (
	"context"
	"math"

	"github.com/mlruns/mlruns"
)

// onePointAPlace is a destination, MLflow's server, of which each run can have one point of a model
// under a key, a time and a step. Of another one it keeps what the run has, and fails.
type onePointAPlace interface {
	OnePointAPlace(ctx context.Context) (bool, error)
}

// modelPlace is a model, a time and a step.
type modelPlace struct {
	model        string
	millis, step int64
}

// modelPoints are those of models that a run has under one key, while they are copied.
type modelPoints struct {
	of     map[identity]string
	firsts map[modelPlace]identity // the one of each place that models are compared by: the largest
	sent   map[modelPlace]bool
}

// ofModels gives the points of models that the run has under a key, nil where the destination holds
// them all.
func (j *runJob) ofModels(ctx context.Context, key string) (*modelPoints, error) {
	to, ok := j.dst.(onePointAPlace)
	if !ok || j.keepsIDs() || j.visit.models == nil || len(j.visit.models.points[j.source.Info.ID][key]) == 0 {
		return nil, nil
	}
	if one, err := to.OnePointAPlace(ctx); err != nil || !one {
		return nil, err
	}
	p := modelPoints{of: j.visit.models.points[j.source.Info.ID][key], firsts: map[modelPlace]identity{}, sent: map[modelPlace]bool{}}
	for id, model := range p.of {
		at := modelPlace{model, id.millis, id.step}
		if have, is := p.firsts[at]; !is || id.after(have) {
			p.firsts[at] = id
		}
	}
	return &p, nil
}

// second reports whether another point of its model has the place of this one.
func (p *modelPoints) second(m mlruns.Metric) bool {
	if p == nil || m.ModelID == "" {
		return false
	}
	id := identityOf(m)
	at := modelPlace{p.of[id], id.millis, id.step}
	again := p.sent[at]
	p.sent[at] = true
	return p.firsts[at] != id || again && id.isNaN() // two NaN are two points to the server
}

// after orders the points of a place: NaN is before all numbers.
func (id identity) after(other identity) bool {
	a, b := math.Float64frombits(id.value), math.Float64frombits(other.value)
	switch {
	case math.IsNaN(a) != math.IsNaN(b):
		return math.IsNaN(b)
	case a != b && !math.IsNaN(a):
		return a > b
	}
	return id.dataset+"@"+id.digest > other.dataset+"@"+other.digest
}

// bendsOfModels notes which points of the run that its models are compared by are not there as
// points of the models.
func (j *runJob) bendsOfModels(ctx context.Context) error {
	if j.keepsIDs() || j.visit.models == nil || j.visit.models.into == nil {
		return nil
	}
	type series struct{ model, dataset, digest string }
	there := map[string]*mlruns.LoggedModel{}
	for key, points := range j.visit.models.points[j.source.Info.ID] {
		latest, in := map[series]identity{}, map[modelPlace]int{}
		for id, model := range points {
			in[modelPlace{model, id.millis, id.step}]++
			of := series{model, id.dataset, id.digest}
			if have, is := latest[of]; !is || id.step > have.step || id.step == have.step && (id.millis > have.millis || id.millis == have.millis && id.after(have)) {
				latest[of] = id
			}
		}
		for of, id := range latest {
			to := j.modelCounterpart(of.model)
			if to == "" || j.bent[key] == nil || !id.isNaN() && in[modelPlace{of.model, id.millis, id.step}] < 2 {
				continue
			}
			if there[to] == nil {
				m, err := missingIsNil(j.visit.models.into.LoggedModel(ctx, to))
				if err != nil {
					return err
				}
				if m == nil { // it is deleted there
					m = &mlruns.LoggedModel{}
				}
				there[to] = m
			}
			if words := bentOf(id, key, there[to].Metrics); words != "" {
				j.bent[key].add([]string{words})
			}
		}
	}
	return nil
}

func (id identity) isNaN() bool { return math.IsNaN(math.Float64frombits(id.value)) }

// bentOf tells what is there of a model in the place of a point, "" if the point is, or a later
// one.
func bentOf(id identity, key string, there []mlruns.Metric) string {
	words := bentSecond
	for _, m := range there {
		have := identityOf(m)
		if m.Key != key || have.dataset != id.dataset || have.digest != id.digest {
			continue
		}
		switch same := have.millis == id.millis && have.step == id.step; {
		case same && id.isNaN() && m.Value == 0:
			return bentNaN
		case same, have.step > id.step, have.step == id.step && have.millis > id.millis:
			words = ""
		}
	}
	return words
}
