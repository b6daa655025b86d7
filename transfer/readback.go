package transfer

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/mlruns/mlruns"
)

var errReadBack = errors.New("what was read back is not what was written")

// readBack reads what was written, and compares.
func (j *runJob) readBack(ctx context.Context, id string) error {
	now, err := j.dst.Run(ctx, id)
	if err != nil {
		return err
	}
	if !j.keepsIDs() {
		j.want.Info.Stage = now.Info.Stage
	}
	var scratch Item
	lacks := unite(j.want, now, j.q.Prefer, &scratch)
	j.forgive(&lacks)
	if scratch = (Item{}); scratch.count(&lacks) {
		return fmt.Errorf("%w: %s lacks %s", errReadBack, id, lacking(&lacks))
	}
	return j.readBackPoints(ctx, id)
}

// forgive takes out what was told to be refused.
func (j *runJob) forgive(lacks *mlruns.Run) {
	refused := map[string]bool{}
	for _, r := range j.it.Refused {
		refused[r.Field] = true
	}
	without := func(values map[string]string, prefix string) map[string]string {
		kept := map[string]string{}
		for key, value := range values {
			if !refused[prefix+key] {
				kept[key] = value
			}
		}
		return kept
	}
	lacks.Data.Params, lacks.Data.Tags = without(lacks.Data.Params, "params."), without(lacks.Data.Tags, "tags.")
	lacks.Inputs.Datasets = slices.DeleteFunc(slices.Clone(lacks.Inputs.Datasets), func(d mlruns.DatasetInput) bool { return refused[inputField(d)] })
	lacks.Inputs.Models = slices.DeleteFunc(slices.Clone(lacks.Inputs.Models), func(m mlruns.ModelInput) bool { return refused["inputs."+m.ModelID] })
	lacks.Outputs.Models = slices.DeleteFunc(slices.Clone(lacks.Outputs.Models), func(m mlruns.ModelOutput) bool { return refused["outputs."+m.ModelID] })
}

// lacking names something that is lacking.
func lacking(r *mlruns.Run) string {
	for key := range r.Data.Params {
		return "params." + key
	}
	for key := range r.Data.Tags {
		return "tags." + key
	}
	if len(r.Inputs.Datasets)+len(r.Inputs.Models) > 0 {
		return "inputs"
	}
	if len(r.Outputs.Models) > 0 {
		return "outputs"
	}
	return "name, status, end time or stage"
}

// refused reports whether points of a metric were refused.
func (it *Item) refusedField(field string) bool {
	for _, r := range it.Refused {
		if r.Field == field {
			return true
		}
	}
	return false
}

// readBackPoints compares the histories that were written. What is still being logged to is not
// compared where it was added to: the source has gone on.
func (j *runJob) readBackPoints(ctx context.Context, id string) error {
	for _, key := range metricKeys(j.source) {
		if j.it.refusedField("metrics." + key) {
			continue
		}
		d, known := j.digests[key]
		if known && j.keepsIDs() {
			var now digest
			for m, err := range history(ctx, j.dst, id, key, ignore) {
				if err != nil {
					return err
				}
				now.add(m)
			}
			if now != d {
				return fmt.Errorf("%w: metrics.%s of %s", errReadBack, key, id)
			}
			continue
		}
		ended := j.source.Info.Status.Ended()
		if j.emitted[key] == 0 || !ended && !j.bendable[key] {
			continue
		}
		bent, there := bends{}, map[identity]int(nil)
		_, err := missing(history(ctx, j.src, j.source.Info.ID, key, ignore), history(ctx, j.dst, id, key, ignore), j.sides(),
			func(m mlruns.Metric) error {
				if !ended {
					return nil
				}
				if there == nil && !j.keepsIDs() { // a database has it once
					there = map[identity]int{}
					for m, err := range history(ctx, j.dst, id, key, ignore) {
						if err != nil {
							return err
						}
						there[identityOf(m)]++
					}
				}
				if there[identityOf(m)] > 0 {
					return nil
				}
				if told, is := heldIn(there, m); is {
					bent.add(told)
					return nil
				}
				return fmt.Errorf("%w: metrics.%s of %s lacks %v", errReadBack, key, id, m)
			}, bent.add)
		if err != nil {
			return err
		}
		if n := j.bent[key][bentModel]; n > 0 {
			bent[bentModel] = n
		}
		j.bent[key] = bent
	}
	return nil
}
