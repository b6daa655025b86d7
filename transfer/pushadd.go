package transfer

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/mlruns/mlruns"
)

// holds leaves out what is too long: servers would cut it.
func (t *pushing) holds(lacks *mlruns.Run, it *Item) {
	maps.DeleteFunc(lacks.Data.Params, func(key, value string) bool {
		return it.tooLong("params."+key, key, value, mlruns.MaxParamValueLength)
	})
	maps.DeleteFunc(lacks.Data.Tags, func(key, value string) bool {
		return it.tooLong("tags."+key, key, value, mlruns.MaxTagValueLength)
	})
}

// add adds what a run lacks within the limits of one call.
func (t *pushing) add(ctx context.Context, lacks *mlruns.Run, points []mlruns.Metric, it *Item) error {
	id := lacks.Info.ID
	var params []mlruns.Param
	for _, key := range slices.Sorted(maps.Keys(lacks.Data.Params)) {
		params = append(params, mlruns.Param{Key: key, Value: lacks.Data.Params[key]})
	}
	var tags []mlruns.Tag
	for _, key := range slices.Sorted(maps.Keys(lacks.Data.Tags)) {
		tags = append(tags, mlruns.Tag{Key: key, Value: lacks.Data.Tags[key]})
	}
	for len(params)+len(tags)+len(points) > 0 {
		var b mlruns.Batch
		b.Params, params = cut(params, mlruns.MaxBatchParams)
		b.Tags, tags = cut(tags, mlruns.MaxBatchTags)
		b.Metrics, points = cut(points, mlruns.MaxBatchEntities-len(b.Params)-len(b.Tags))
		if err := t.batch(ctx, id, b, it); err != nil {
			return err
		}
	}
	if err := t.inputs(ctx, lacks, it); err != nil {
		return err
	}
	return t.info(ctx, lacks.Info)
}

// cut takes at most n from a list.
func cut[T any](list []T, n int) (taken, rest []T) {
	n = min(n, len(list))
	return list[:n], list[n:]
}

// tooLong reports whether a value is longer than MLflow holds, and records that.
func (it *Item) tooLong(field, key, value string, limit int) bool {
	switch {
	case utf8.RuneCountInString(key) > mlruns.MaxKeyLength:
		it.refuse(field, "its name has more than "+strconv.Itoa(mlruns.MaxKeyLength)+" characters")
	case utf8.RuneCountInString(value) > limit:
		it.refuse(field, fmt.Sprintf("its value has %d characters, more than %d", utf8.RuneCountInString(value), limit))
	default:
		return false
	}
	return true
}

// batch logs a batch, and where it is refused value by value.
func (t *pushing) batch(ctx context.Context, id string, b mlruns.Batch, it *Item) error {
	err := t.dst.LogBatch(ctx, id, b)
	if errors.Is(err, mlruns.ErrUnsupported) { // a server before MLflow 3.0; readBack tells
		b.Metrics = slices.Clone(b.Metrics)
		for i := range b.Metrics {
			b.Metrics[i].DatasetName, b.Metrics[i].DatasetDigest, b.Metrics[i].ModelID = "", "", ""
		}
		err = t.dst.LogBatch(ctx, id, b)
	}
	if !errors.Is(err, mlruns.ErrInvalid) {
		return err
	}
	lacks := mlruns.Run{Info: mlruns.RunInfo{ID: id}, Data: mlruns.RunData{Params: map[string]string{}, Tags: map[string]string{}}}
	for _, p := range b.Params {
		lacks.Data.Params[p.Key] = p.Value
	}
	for _, tag := range b.Tags {
		lacks.Data.Tags[tag.Key] = tag.Value
	}
	return oneByOne(&lacks, b.Metrics, it, func(part *mlruns.Run, points []mlruns.Metric) error {
		one := mlruns.Batch{Metrics: points}
		for key, value := range part.Data.Params {
			one.Params = append(one.Params, mlruns.Param{Key: key, Value: value})
		}
		for key, value := range part.Data.Tags {
			one.Tags = append(one.Tags, mlruns.Tag{Key: key, Value: value})
		}
		return t.dst.LogBatch(ctx, id, one)
	})
}

func (t *pushing) inputs(ctx context.Context, lacks *mlruns.Run, it *Item) error {
	only := mlruns.Run{Info: mlruns.RunInfo{ID: lacks.Info.ID}, Inputs: lacks.Inputs, Outputs: lacks.Outputs}
	add := func(part *mlruns.Run, _ []mlruns.Metric) error {
		if len(part.Inputs.Datasets)+len(part.Inputs.Models) > 0 {
			if err := t.dst.LogInputs(ctx, lacks.Info.ID, part.Inputs); err != nil {
				return err
			}
		}
		if len(part.Outputs.Models) > 0 {
			return t.dst.LogOutputs(ctx, lacks.Info.ID, part.Outputs)
		}
		return nil
	}
	err := add(&only, nil)
	if errors.Is(err, mlruns.ErrInvalid) || errors.Is(err, mlruns.ErrUnsupported) {
		return oneByOne(&only, nil, it, add)
	}
	return err
}

// info sets name, status and end. The stage is set by seal, when all else is there.
func (t *pushing) info(ctx context.Context, info mlruns.RunInfo) error {
	if info.Name == "" && info.Status == 0 && info.End.IsZero() {
		return nil
	}
	return t.dst.UpdateRun(ctx, info.ID, mlruns.RunUpdate{Status: info.Status, Name: info.Name, End: info.End})
}

// sort has nothing to do: a server has an order of its own.
func (t *pushing) sort(context.Context, string, map[string]int, *Item) error { return nil }
