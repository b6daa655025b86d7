//go:build interop

package remote

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/transfer"
)

// dump is what MLflow's own client says of a store, see ../python/read.py.
type dump struct {
	Experiments map[string]struct {
		Name, Location, Stage string
		Tags                  map[string]string
		Created, Updated      *int64
	}
	Runs map[string]struct {
		Experiment, Name, User, Status, Stage, URI string
		Start, End                                 *int64
		Params, Tags                               map[string]string
		Latest                                     map[string]pointRead
		History                                    map[string][]pointRead
		Datasets                                   []struct {
			Name, Digest, Source, Schema, Profile string
			SourceType                            string `json:"source_type"`
			Tags                                  map[string]string
		}
		ModelsIn  []string `json:"models_in"`
		ModelsOut [][2]any `json:"models_out"`
	}
	Artifacts map[string]map[string]string
}

type pointRead struct {
	Value      string
	Time, Step int64
	Dataset    [2]string
}

func (p pointRead) String() string {
	line := fmt.Sprintf("%s %d %d", p.Value, p.Time, p.Step)
	if p.Dataset[0] != "" {
		line += " on " + p.Dataset[0] + "@" + p.Dataset[1]
	}
	return line
}

// mlflowReads gives what the MLflow of a Python says of a folder or a server: of experiments and
// runs, for traces and models are not in it, nor when a run was deleted.
func mlflowReads(t *testing.T, python, root string, artifactsOf []string) facts {
	t.Helper()
	request, err := json.Marshal(map[string]any{"do": "dump", "root": root, "artifacts_of": append([]string{}, artifactsOf...)})
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(python, "-W", "ignore", "../python/driver.py")
	cmd.Stdin = bytes.NewReader(append(request, '\n'))
	cmd.Env = append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1", "PYTHONUTF8=1", "GIT_PYTHON_REFRESH=quiet", "MLFLOW_DISABLE_TELEMETRY=true", "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR=false")
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	var answer struct {
		Result dump
		Error  *struct{ Type, Code, Message string }
	}
	if err == nil {
		err = json.Unmarshal(out, &answer)
	}
	if err != nil || answer.Error != nil {
		t.Fatalf("MLflow reads %s: %v, %v\n%s", root, err, answer.Error, said.String())
	}
	return answer.Result.facts()
}

func (d dump) facts() facts {
	found, first := facts{}, map[string]string{}
	for id, r := range d.Runs {
		first[id] = firstID(id, r.Tags[transfer.TagSourceRun])
	}
	of := func(id string) string {
		if first, ok := first[id]; ok {
			return first
		}
		return id
	}
	for id, e := range d.Experiments {
		x := found.about("experiment", e.Name)
		x.say("id", id)
		x.say("stage", e.Stage)
		x.say("location", e.Location)
		x.say("created", timeRead(e.Created))
		x.say("updated", timeRead(e.Updated))
		x.texts("tags", e.Tags)
	}
	for id, r := range d.Runs {
		x := found.about("run", of(id))
		x.say("id", id)
		x.say("name", r.Name)
		x.say("experiment", d.Experiments[r.Experiment].Name)
		x.say("user", r.User)
		x.say("status", r.Status)
		x.say("start", timeRead(r.Start))
		x.say("end", timeRead(r.End))
		x.say("stage", r.Stage)
		x.say("location", r.URI)
		x.texts("params", r.Params)
		x.texts("tags", r.Tags)
		if parent, ok := r.Tags[mlruns.TagParentRunID]; ok {
			x.say("tags."+mlruns.TagParentRunID, of(parent))
		}
		for key, p := range r.Latest {
			x.say("latest."+key, p.String())
		}
		for key, history := range r.History {
			lines := make([]string, len(history))
			for i, p := range history {
				lines[i] = p.String()
			}
			x.say("history."+key, strings.Join(lines, "\n"))
		}
		for _, in := range r.Datasets {
			x.say("dataset."+in.Name+"@"+in.Digest, fmt.Sprintf("{Name:%s Digest:%s SourceType:%s Source:%s Schema:%s Profile:%s} %v", in.Name, in.Digest, in.SourceType, in.Source, in.Schema, in.Profile, in.Tags))
		}
		for name, content := range d.Artifacts[id] {
			if !strings.HasSuffix(name, "/") {
				x.say("artifacts/"+name, content)
			}
		}
	}
	return found
}

func timeRead(ms *int64) string {
	if ms == nil {
		return ""
	}
	return timeOf(time.UnixMilli(*ms))
}
