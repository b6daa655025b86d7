package wire

import "github.com/mlruns/mlruns"

// Inputs are the data sets and models that a run used.
type Inputs struct {
	Datasets []DatasetInput `json:"dataset_inputs"`
	Models   []ModelInput   `json:"model_inputs,omitempty"`
}

// DatasetInput is a data set, and what the run used it for as tags.
type DatasetInput struct {
	Tags    []Tag   `json:"tags"`
	Dataset Dataset `json:"dataset"`
}

// Dataset is a data set.
type Dataset struct {
	Name       string `json:"name"`
	Digest     string `json:"digest"`
	SourceType string `json:"source_type"`
	Source     string `json:"source"`
	Schema     string `json:"schema,omitempty"`
	Profile    string `json:"profile,omitempty"`
}

// ModelInput is a logged model that a run used.
type ModelInput struct {
	ModelID string `json:"model_id"`
}

// Outputs are the models that a run made.
type Outputs struct {
	Models []ModelOutput `json:"model_outputs"`
}

// ModelOutput is a logged model that a run made, and at which step.
type ModelOutput struct {
	ModelID string `json:"model_id"`
	Step    Int    `json:"step"`
}

func newInputs(in mlruns.Inputs) Inputs {
	out := Inputs{Datasets: make([]DatasetInput, 0, len(in.Datasets))}
	for _, d := range in.Datasets {
		out.Datasets = append(out.Datasets, DatasetInput{Tags: tags(d.Tags), Dataset: Dataset(d.Dataset)})
	}
	for _, m := range in.Models {
		out.Models = append(out.Models, ModelInput(m))
	}
	return out
}

// newOutputs is nil where there are none.
func newOutputs(out mlruns.Outputs) *Outputs {
	if len(out.Models) == 0 {
		return nil
	}
	list := &Outputs{}
	for _, m := range out.Models {
		list.Models = append(list.Models, ModelOutput{m.ModelID, Int(m.Step)})
	}
	return list
}
