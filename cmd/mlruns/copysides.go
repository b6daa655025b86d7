package main

import (
	"context"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/internal/rootfs"
	"github.com/mlruns/mlruns/tracking"
)

var sameStore = &usageError{"SRC and DST are the same store"}

// answers asks the source for what is to be copied, before anything is made in the place of the
// destination: a server must answer, experiments must be there, and a filter must be one. It gives
// the ids of the experiments.
func answers(ctx context.Context, src mlruns.Store, experiments []string, filter string) (ids []string, err error) {
	client := session{Client: mlruns.NewClient(src)}
	for _, name := range experiments {
		e, err := client.experiment(ctx, name)
		if err != nil {
			return nil, err
		}
		ids = append(ids, e.ID)
	}
	switch {
	case filter != "":
		q := mlruns.RunQuery{Experiments: append(ids, mlruns.DefaultExperimentID)[:1], Filter: filter, MaxResults: 1, OnProblem: func(mlruns.Problem) {}}
		_, err = src.SearchRuns(ctx, q)
	case len(ids) == 0:
		err = isThere(ctx, src)
	}
	return ids, err
}

// isThere asks a server something, so that one that is not there, or does not let us in, is told
// once, and not for each experiment.
func isThere(ctx context.Context, s mlruns.Store) (err error) {
	if tracking.IsServer(s.URI()) {
		_, err = s.SearchExperiments(ctx, mlruns.ExperimentQuery{MaxResults: 1, OnProblem: func(mlruns.Problem) {}})
	}
	return err
}

// apart refuses two folders of which the destination is the source, under whatever name, or lies in
// it, where it would be taken for a part of it. Names that cannot be understood are for who opens
// them to refuse.
func apart(from, to string) error {
	if tracking.IsServer(from) || tracking.IsServer(to) {
		return nil
	}
	src, err := storeDir(from)
	if err != nil {
		return nil
	}
	dst, err := storeDir(to)
	if err != nil {
		return nil
	}
	switch steps, below := rootfs.Below(dst, src); {
	case below && steps == 0:
		return sameStore
	case below:
		return &usageError{"DST lies inside of SRC: name a folder beside it"}
	}
	return nil
}
