package transfer

import (
	"errors"
	"maps"
	"slices"

	"github.com/mlruns/mlruns"
)

// oneByOne adds every value for itself, and records which the destination refuses.
func oneByOne(lacks *mlruns.Run, points []mlruns.Metric, it *Item, add func(part *mlruns.Run, points []mlruns.Metric) error) error {
	try := func(field string, points []mlruns.Metric, fill func(*mlruns.Run)) error {
		part := mlruns.Run{Info: mlruns.RunInfo{ID: lacks.Info.ID}}
		fill(&part)
		err := add(&part, points)
		if errors.Is(err, mlruns.ErrInvalid) || errors.Is(err, mlruns.ErrUnsupported) {
			it.refuse(field, mlruns.MessageOf(err))
			it.Points -= len(points)
			return nil
		}
		return err
	}
	for _, key := range slices.Sorted(maps.Keys(lacks.Data.Params)) {
		if err := try("params."+key, nil, func(r *mlruns.Run) { r.Data.Params = map[string]string{key: lacks.Data.Params[key]} }); err != nil {
			return err
		}
	}
	for len(points) > 0 {
		key := points[0].Key
		n := 1
		for n < len(points) && points[n].Key == key {
			n++
		}
		if err := try("metrics."+key, points[:n], func(*mlruns.Run) {}); err != nil {
			return err
		}
		points = points[n:]
	}
	for _, d := range lacks.Inputs.Datasets {
		if err := try(inputField(d), nil, func(r *mlruns.Run) { r.Inputs.Datasets = []mlruns.DatasetInput{d} }); err != nil {
			return err
		}
	}
	for _, m := range lacks.Inputs.Models {
		if err := try("inputs."+m.ModelID, nil, func(r *mlruns.Run) { r.Inputs.Models = []mlruns.ModelInput{m} }); err != nil {
			return err
		}
	}
	for _, m := range lacks.Outputs.Models {
		if err := try("outputs."+m.ModelID, nil, func(r *mlruns.Run) { r.Outputs.Models = []mlruns.ModelOutput{m} }); err != nil {
			return err
		}
	}
	for _, key := range slices.Sorted(maps.Keys(lacks.Data.Tags)) {
		if err := try("tags."+key, nil, func(r *mlruns.Run) { r.Data.Tags = map[string]string{key: lacks.Data.Tags[key]} }); err != nil {
			return err
		}
	}
	info := lacks.Info
	info.ID = ""
	if info == (mlruns.RunInfo{}) {
		return nil
	}
	return add(&mlruns.Run{Info: lacks.Info}, nil)
}
