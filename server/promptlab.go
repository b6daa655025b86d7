package server

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/internal/failure"
)

// What MLflow writes for a prompt that was tried on its page.
const (
	tagLoggedArtifacts = "mlflow.loggedArtifacts"
	tagRunSourceType   = "mlflow.runSourceType"
	evalTable          = "eval_results_table.json"
)

// evalResults is the table of what went in and came out.
type evalResults struct {
	Columns []string   `json:"columns"`
	Data    [][]string `json:"data"`
}

// createPromptlabRun records a prompt that was tried, and what a model made of it. MLflow also
// stores a model that asks its gateway the same again; there is no gateway here.
func (s *server) createPromptlabRun(c *call) (any, error) {
	files, err := s.artifacts()
	if err != nil {
		return nil, err
	}
	for _, name := range []string{"experiment_id", "prompt_template", "prompt_parameters", "model_route", "model_input", "mlflow_version"} {
		if !c.Has(name) || name != "prompt_parameters" && c.Text(name) == "" {
			if err := c.Err(); err != nil {
				return nil, err
			}
			return nil, failure.Invalid("CreatePromptlabRun request must specify " + name + ".")
		}
	}
	spec := c.RunSpec()
	params := []mlruns.Param{{Key: "model_route", Value: c.Text("model_route")}, {Key: "prompt_template", Value: c.Text("prompt_template")}}
	for _, p := range c.Items("model_parameters") {
		params = append(params, mlruns.Param{Key: p.RequiredText("key"), Value: p.AnyText("value")})
	}
	var table evalResults
	row := []string{}
	add := func(list string) {
		for _, p := range c.Items(list) {
			table.Columns = append(table.Columns, p.Text("key"))
			row = append(row, p.AnyText("value"))
		}
	}
	add("prompt_parameters")
	table.Columns = append(table.Columns, "prompt", "output")
	row = append(row, c.Text("model_input"), c.Text("model_output"))
	add("model_output_parameters")
	if err := c.Err(); err != nil {
		return nil, err
	}
	table.Data = [][]string{row}
	text, err := json.Marshal(table)
	if err != nil {
		return nil, err
	}
	run, err := s.store.CreateRun(c.ctx, spec)
	if err != nil {
		return nil, err
	}
	id, status := run.Info.ID, mlruns.StatusFinished
	err = s.store.LogBatch(c.ctx, id, mlruns.Batch{Params: params, Tags: []mlruns.Tag{
		{Key: tagLoggedArtifacts, Value: `[{"path": "` + evalTable + `", "type": "table"}]`}, {Key: tagRunSourceType, Value: "PROMPT_ENGINEERING"},
	}})
	if err == nil {
		err = files.WriteArtifact(c.ctx, id, evalTable, strings.NewReader(string(text)))
	}
	if err != nil {
		status = mlruns.StatusFailed
	}
	if ended := s.store.EndRun(c.ctx, id, status, time.Time{}); err == nil {
		err = ended
	}
	if err != nil {
		return nil, err
	}
	if run, err = s.store.Run(c.ctx, id); err != nil {
		return nil, err
	}
	return s.runAnswer(run), nil
}
