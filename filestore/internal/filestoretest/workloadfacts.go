package filestoretest

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
)

// addRun adds what a store says of a run.
func addRun(ctx context.Context, s *filestore.Store, all Facts, r *mlruns.Run) error {
	at := "r/" + r.Info.ID + "/"
	all[at+"experiment"], all[at+"status"], all[at+"stage"], all[at+"name"] = r.Info.ExperimentID, r.Info.Status.String(), string(r.Info.Stage), r.Info.Name
	for key, value := range r.Data.Params {
		all[at+"param/"+key] = value
	}
	for key, value := range r.Data.Tags {
		if key == mlruns.TagModelHistory {
			value = modelsOf(value)
		}
		all[at+"tag/"+key] = value
	}
	for _, in := range r.Inputs.Datasets {
		all[at+"input/"+in.Dataset.Name] = in.Dataset.Digest
	}
	for _, in := range r.Inputs.Models {
		all[at+"input/"+in.ModelID] = "model"
	}
	for _, out := range r.Outputs.Models {
		all[at+"output/"+out.ModelID] = fmt.Sprint(out.Step)
	}
	for key := range r.Data.Metrics {
		var lines strings.Builder
		for m, err := range s.MetricHistory(ctx, r.Info.ID, key, mlruns.HistoryQuery{}) {
			if err != nil {
				return err
			}
			lines.WriteString(pointText(m))
		}
		all[at+"metric/"+key] = lines.String()
	}
	return addArtifacts(ctx, s, all, r.Info.ID, "")
}

func addArtifacts(ctx context.Context, s *filestore.Store, all Facts, run, folder string) error {
	list, err := s.Artifacts(ctx, run, folder)
	if err != nil {
		return err
	}
	for _, info := range list {
		if info.IsDir {
			if err := addArtifacts(ctx, s, all, run, info.Path); err != nil {
				return err
			}
			continue
		}
		r, err := s.OpenArtifact(ctx, run, info.Path)
		if err != nil {
			return err
		}
		data, err := io.ReadAll(r)
		_ = r.Close()
		if err != nil {
			return err
		}
		all["r/"+run+"/artifact/"+info.Path] = string(data)
	}
	return nil
}

func pointText(m mlruns.Metric) string {
	return fmt.Sprintf("%d %v %d\n", m.Time.UnixMilli(), m.Value, m.Step)
}

// modelsOf is the part of a model history that a workload chose. What is no history stays as it is.
func modelsOf(history string) string {
	var models []struct {
		Path string `json:"artifact_path"`
	}
	if json.Unmarshal([]byte(history), &models) != nil {
		return history
	}
	var paths strings.Builder
	for _, m := range models {
		paths.WriteString(m.Path + "\n")
	}
	return paths.String()
}
