package golden

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/filestoretest"
)

// expected is what an MLflow version says of the store it wrote.
type expected struct {
	// readable label → run id
	Labels           map[string]string                       `json:"labels"`
	ExperimentLabels map[string]string                       `json:"experiment_labels"`
	Experiments      map[string]answer[[]expectedExperiment] `json:"experiments"` // by view
	Get              map[string]answer[expectedExperiment]   `json:"get_experiment"`
	// nil: none
	GetByName  map[string]answer[*string]         `json:"get_experiment_by_name"`
	Runs       map[string]answer[expectedRun]     `json:"runs"`
	SearchAll  map[string]answer[[]string]        `json:"search_all_by_experiment"`
	SearchRuns []expectedSearch                   `json:"search_runs"`
	SearchExps []expectedSearch                   `json:"search_experiments"`
	Files      map[string]struct{ SHA256 string } `json:"files"`
	Ops        []operation                        `json:"ops"`
}

// answer is a value, or the error that MLflow raised instead.
type answer[T any] struct {
	value T
	err   *pythonError
}

func (a *answer[T]) UnmarshalJSON(data []byte) error {
	var failed struct {
		Error *pythonError `json:"error"`
	}
	if bytes.HasPrefix(bytes.TrimSpace(data), []byte("{")) {
		if err := json.Unmarshal(data, &failed); err != nil {
			return err
		}
	}
	if a.err = failed.Error; a.err != nil {
		return nil
	}
	return decodeJSON(data, &a.value)
}

type pythonError struct {
	Type    string      `json:"type"`
	Message string      `json:"message"`
	Code    mlruns.Code `json:"error_code"` // "" for exceptions that are none of MLflow's
}

func (e *pythonError) String() string {
	if e == nil {
		return "no error"
	}
	return fmt.Sprintf("%s %s: %.120s", e.Type, e.Code, e.Message)
}

type expectedExperiment struct {
	ID       string            `json:"experiment_id"`
	Name     json.RawMessage   `json:"name"` // a number in one damaged store
	Location string            `json:"artifact_location"`
	Stage    string            `json:"lifecycle_stage"`
	Tags     map[string]string `json:"tags"`
	Created  *int64            `json:"creation_time"`
	Updated  *int64            `json:"last_update_time"`
}

type expectedRun struct {
	Info struct {
		ID           string  `json:"run_id"`
		Name         *string `json:"run_name"`
		ExperimentID string  `json:"experiment_id"`
		User         string  `json:"user_id"`
		Status       string  `json:"status"`
		Start        *int64  `json:"start_time"`
		End          *int64  `json:"end_time"`
		ArtifactURI  *string `json:"artifact_uri"`
		Stage        string  `json:"lifecycle_stage"`
	} `json:"info"`
	Params  map[string]string                   `json:"params"`
	Tags    map[string]string                   `json:"tags"`
	Latest  []expectedMetric                    `json:"latest_metrics"`
	History map[string]answer[[]expectedMetric] `json:"metric_history"`
	// folder → files, or a text where they were not listed
	Artifacts json.RawMessage `json:"artifacts"`
	Datasets  []struct {
		Dataset struct {
			Name       string  `json:"name"`
			Digest     string  `json:"digest"`
			SourceType string  `json:"source_type"`
			Source     string  `json:"source"`
			Schema     *string `json:"schema"`
			Profile    *string `json:"profile"`
		} `json:"dataset"`
		Tags []struct{ Key, Value string } `json:"tags"`
	} `json:"dataset_inputs"`
	ModelInputs  []expectedOutput `json:"model_inputs"`  // without a step
	ModelOutputs []expectedOutput `json:"model_outputs"` // model_id and step
}

type expectedOutput struct {
	ModelID string `json:"model_id"`
	Step    int64  `json:"step"`
}

type expectedMetric struct {
	Key     string      `json:"key"`
	Value   pythonFloat `json:"value"`
	Time    json.Number `json:"timestamp"`
	Step    json.Number `json:"step"`
	Dataset string      `json:"dataset_name"`
	Digest  string      `json:"dataset_digest"`
}

// pythonFloat is a float, or the name of one that JSON has not.
type pythonFloat float64

func (f *pythonFloat) UnmarshalJSON(data []byte) error {
	text := string(data)
	if unquoted, err := strconv.Unquote(text); err == nil {
		text = unquoted
	}
	v, err := strconv.ParseFloat(text, 64)
	*f = pythonFloat(v)
	return err
}

type expectedSearch struct {
	// of the query, or of the answer where experiments are searched
	ExperimentIDs []string     `json:"experiment_ids"`
	Filter        *string      `json:"filter"`
	View          string       `json:"view"`
	MaxResults    int          `json:"max_results"`
	OrderBy       []string     `json:"order_by"`
	PageToken     string       `json:"page_token"`
	RunIDs        []string     `json:"run_ids"`
	Next          *string      `json:"next_page_token"`
	Error         *pythonError `json:"error"`
}

// plain reports whether the query neither filters nor orders.
func (s expectedSearch) plain() bool { return s.filter() == "" && len(s.OrderBy) == 0 }

// next is the page token of the answer as text; MLflow's bytes were recorded as b'…'.
func (s expectedSearch) next() string {
	if s.Next == nil {
		return ""
	}
	token, _ := strings.CutPrefix(*s.Next, "b'")
	return strings.TrimSuffix(token, "'")
}

type singleDamage struct {
	What string `json:"what"`

	Run     string                     `json:"run"` // a label
	Path    string                     `json:"path"`
	Content string                     `json:"content"` // of a run's file: one rune a byte
	GetRun  answer[expectedRun]        `json:"get_run"`
	Search  expectedSearch             `json:"search"`
	History answer[[]expectedMetric]   `json:"history"`
	Dir     string                     `json:"experiment_dir"`
	Get     answer[expectedExperiment] `json:"get_experiment"`
	List    answer[[]string]           `json:"list"`
	ByName  answer[*string]            `json:"get_by_name"`
}

var views = map[string]mlruns.View{"ACTIVE_ONLY": mlruns.ViewActive, "DELETED_ONLY": mlruns.ViewDeleted, "ALL": mlruns.ViewAll}

// label is how messages call a run.
func (e *expected) label(runID string) string {
	for label, id := range e.Labels {
		if id == runID {
			return label
		}
	}
	return runID
}

// readable is a path with experiments and runs called as people do.
func (e *expected) readable(name string) string {
	steps := strings.Split(name, "/")
	for i, step := range steps {
		if experiment, ok := e.Get[step]; ok {
			steps[i] = experiment.value.fields()["name"]
			if len(steps[i]) > 20 {
				steps[i] = steps[i][:20]
			}
		}
		if len(step) == 32 {
			steps[i] = e.label(step)
		}
	}
	return strings.Join(steps, "/")
}

// The texts below are what is compared: every field of an experiment, run or metric, in one form
// for MLflow's answers and ours.

func (m expectedMetric) text() string {
	return filestoretest.MetricText(float64(m.Value), m.Time.String(), m.Step.String(), m.Dataset, m.Digest)
}
