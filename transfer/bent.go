package transfer

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/mlruns/mlruns"
)

// What a database does to points, after how many there are.
const (
	bentInfinite = "infinite values are there as ±1.7976931348623157e308"
	bentDataset  = "points are there without their data set"
	bentModel    = "points are not there as points of their model, which came later"
	bentNaN      = "NaN are there as 0 among the points of their model"
	bentSecond   = "points are not there as points of their model, which has another one of that time and step"
)

// bends counts what is there of a history and not as it was, by what was done to it.
type bends map[string]int

func (b bends) add(told []string) {
	for _, words := range told {
		b[words]++
	}
}

// held is what a database holds in the place of a point.
type held struct {
	id   identity
	told []string // what is to be told of it
}

// heldAs gives what a database may hold in the place of a point. It has no infinite value and no
// -0, and knows no data set of a run's point. That 0 has lost its sign is not told.
func heldAs(m mlruns.Metric) (forms []held) {
	values := []mlruns.Metric{m}
	var told []string
	switch {
	case math.IsInf(m.Value, 0):
		told = []string{bentInfinite}
		values = append(values, largest(m))
	case m.Value == 0 && math.Signbit(m.Value):
		values = append(values, m)
		values[1].Value = 0
	}
	for i, v := range values {
		if i > 0 {
			forms = append(forms, held{identityOf(v), told})
		}
		if v.DatasetName+v.DatasetDigest == "" {
			continue
		}
		v.DatasetName, v.DatasetDigest = "", ""
		form := held{identityOf(v), []string{bentDataset}}
		if i > 0 {
			form.told = append(form.told, told...)
		}
		forms = append(forms, form)
	}
	return forms
}

// bentForms are the points that a database may hold in the place of others.
func bentForms(of map[identity]int) map[identity]bool {
	forms := map[identity]bool{}
	for id := range of {
		m := mlruns.Metric{Time: time.UnixMilli(id.millis), Step: id.step, Value: math.Float64frombits(id.value), DatasetName: id.dataset, DatasetDigest: id.digest}
		for _, form := range heldAs(m) {
			forms[form.id] = true
		}
	}
	return forms
}

// heldIn reports whether a point is among others in another form, and what is to be told of that.
func heldIn(there map[identity]int, m mlruns.Metric) (told []string, is bool) {
	for _, form := range heldAs(m) {
		if there[form.id] > 0 {
			return form.told, true
		}
	}
	return nil, false
}

// tellBent tells of all metrics what is there and not as it was.
func (j *runJob) tellBent(ctx context.Context) error {
	if err := j.bendsOfModels(ctx); err != nil {
		return err
	}
	for _, key := range slices.Sorted(maps.Keys(j.bent)) {
		for _, words := range slices.Sorted(maps.Keys(j.bent[key])) {
			j.it.refuse("metrics."+key, fmt.Sprintf("%d %s", j.bent[key][words], words))
		}
	}
	return nil
}
