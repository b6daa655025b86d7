//go:build interop

package interop

import (
	"context"
	"crypto/md5"
	"fmt"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/internal/pyfmt"
)

// snapshot is all that a store says, in the form of python/read.py. Times are milliseconds, nil
// where there is none.
type snapshot struct {
	Experiments map[string]experiment `json:"experiments"`
	Runs        map[string]run        `json:"runs"`
	// Artifacts are "size md5" by path of the runs asked for; a folder's path ends in a slash.
	Artifacts map[string]map[string]string `json:"artifacts"`
}

type experiment struct {
	Name, Location, Stage string
	Tags                  map[string]string
	Created, Updated      *int64
}

type run struct {
	Experiment, Name, User, Status, Stage, URI string
	Start, End                                 *int64
	Params, Tags                               map[string]string
	Latest                                     map[string]point
	History                                    map[string][]point
	Datasets                                   []dataset
	ModelsIn                                   []string `json:"models_in"`
	ModelsOut                                  [][2]any `json:"models_out"`
}

type point struct {
	// Value is a float as Python's repr.
	Value      string
	Time, Step int64
	// Dataset is name and digest.
	Dataset [2]string
}

type dataset struct {
	Name, Digest, Source, Schema, Profile string
	SourceType                            string `json:"source_type"`
	Tags                                  map[string]string
}

func millis(at time.Time) *int64 {
	if at.IsZero() {
		return nil
	}
	ms := at.UnixMilli()
	return &ms
}

func pointOf(m mlruns.Metric) point {
	return point{Value: string(pyfmt.AppendFloat(nil, m.Value)), Time: m.Time.UnixMilli(), Step: m.Step, Dataset: [2]string{m.DatasetName, m.DatasetDigest}}
}

func experimentOf(e mlruns.Experiment) experiment {
	return experiment{Name: e.Name, Location: e.ArtifactLocation, Stage: string(e.Stage), Tags: e.Tags, Created: millis(e.Created), Updated: millis(e.Updated)}
}

func datasetOf(in mlruns.DatasetInput) dataset {
	d := in.Dataset
	return dataset{Name: d.Name, Digest: d.Digest, SourceType: d.SourceType, Source: d.Source, Schema: d.Schema, Profile: d.Profile, Tags: in.Tags}
}

// runOf is what the store says of a run, without its histories.
func runOf(r *mlruns.Run) run {
	i := r.Info
	found := run{Experiment: i.ExperimentID, Name: i.Name, User: i.User, Status: i.Status.String(), Stage: string(i.Stage), URI: i.ArtifactURI, Start: millis(i.Start), End: millis(i.End),
		Params: r.Data.Params, Tags: r.Data.Tags, Latest: map[string]point{}, History: map[string][]point{}}
	for key, m := range r.Data.Metrics {
		found.Latest[key] = pointOf(m)
	}
	for _, in := range r.Inputs.Datasets {
		found.Datasets = append(found.Datasets, datasetOf(in))
	}
	for _, in := range r.Inputs.Models {
		found.ModelsIn = append(found.ModelsIn, in.ModelID)
	}
	for _, out := range r.Outputs.Models {
		found.ModelsOut = append(found.ModelsOut, [2]any{out.ModelID, float64(out.Step)})
	}
	return found
}

// take reads a whole store, and the artifacts of the runs named. What cannot be read fails the
// test, but for the kinds of problems allowed.
func take(t *testing.T, c *mlruns.Client, artifactsOf []string, allowed ...mlruns.ProblemKind) snapshot {
	t.Helper()
	ctx := t.Context()
	found := snapshot{Experiments: map[string]experiment{}, Runs: map[string]run{}, Artifacts: map[string]map[string]string{}}
	problem := func(p mlruns.Problem) {
		if !slices.Contains(allowed, p.Kind) {
			t.Errorf("unreadable for us: %v", p)
		}
	}
	var ids []string
	for e, err := range c.Experiments(ctx, mlruns.ExperimentQuery{View: mlruns.ViewAll, OnProblem: problem}) {
		if err != nil {
			t.Fatal(err)
		}
		found.Experiments[e.ID] = experimentOf(e)
		ids = append(ids, e.ID)
	}
	for searched, err := range c.Runs(ctx, mlruns.RunQuery{Experiments: ids, View: mlruns.ViewAll, OnProblem: problem}) {
		if err != nil {
			t.Fatal(err)
		}
		r, err := c.Run(ctx, searched.Info.ID)
		if err != nil {
			t.Fatal(err)
		}
		all := runOf(r)
		for key := range r.Data.Metrics {
			for m, err := range c.MetricHistory(ctx, r.Info.ID, key, mlruns.HistoryQuery{OnProblem: problem}) {
				if err != nil {
					t.Fatal(err)
				}
				all.History[key] = append(all.History[key], pointOf(m))
			}
		}
		found.Runs[r.Info.ID] = all
	}
	for _, id := range artifactsOf {
		found.Artifacts[id] = map[string]string{}
		if err := readArtifacts(ctx, c, id, "", found.Artifacts[id]); err != nil {
			t.Errorf("artifacts of %s: %v", id, err)
		}
	}
	return found
}

func readArtifacts(ctx context.Context, c *mlruns.Client, id, folder string, found map[string]string) error {
	files, err := c.Artifacts(ctx, id, folder)
	if err != nil {
		return err
	}
	for _, f := range files {
		if f.IsDir {
			found[f.Path+"/"] = ""
			if err := readArtifacts(ctx, c, id, f.Path, found); err != nil {
				return err
			}
			continue
		}
		r, err := c.OpenArtifact(ctx, id, f.Path)
		if err != nil {
			return err
		}
		content, err := io.ReadAll(r)
		r.Close()
		if err != nil {
			return err
		}
		found[f.Path] = sum(f.Size, content)
	}
	return nil
}

func sum(size int64, content []byte) string { return fmt.Sprintf("%d %x", size, md5.Sum(content)) }

// count tells how much is in a snapshot.
func (s snapshot) count() string {
	points := 0
	for _, r := range s.Runs {
		for _, h := range r.History {
			points += len(h)
		}
	}
	return fmt.Sprintf("%d experiments, %d runs, %d points", len(s.Experiments), len(s.Runs), points)
}
