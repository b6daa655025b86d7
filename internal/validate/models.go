package validate

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/internal/failure"
	"github.com/mlruns/mlruns/internal/pyfmt"
)

// Model checks what model to make, a generated name and id left out.
func Model(spec mlruns.ModelSpec) error {
	if spec.Name != "" {
		if err := ModelName(spec.Name); err != nil {
			return err
		}
	}
	for _, f := range [...]struct{ field, text string }{{"model_type", spec.Type}, {"source_run_id", spec.SourceRunID}} {
		if err := Text(f.field, f.text); err != nil {
			return err
		}
	}
	if err := ModelParams(spec.Params); err != nil {
		return err
	}
	return ModelTags(spec.Tags)
}

// ModelName checks the name of a logged model by MLflow's rule.
func ModelName(name string) error {
	if name == "" || strings.ContainsAny(name, `/:.%"'`) {
		return failure.Invalid(fmt.Sprintf("Invalid model name ('%s') provided. Model name must be a non-empty string and cannot contain the following characters: "+
			`('/', ':', '.', '%%', '"', "'")`, name))
	}
	return Text("name", name)
}

// ModelParams checks params of a logged model. MLflow does not limit their values.
func ModelParams(params map[string]string) error {
	for _, key := range slices.Sorted(maps.Keys(params)) {
		if err := Key("key", key); err != nil {
			return err
		}
		if err := length("Param key", key, mlruns.MaxKeyLength); err != nil {
			return err
		}
		if err := Text("value", params[key]); err != nil {
			return err
		}
	}
	return nil
}

// ModelTags checks tags of a logged model or a trace.
func ModelTags(tags map[string]string) error {
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		if err := Tag(mlruns.Tag{Key: key, Value: tags[key]}); err != nil {
			return err
		}
	}
	return nil
}

// PlainName checks an id that is the name of a folder, where MLflow checks none: one that leads
// elsewhere, or that no file system can hold, is refused before anything is written.
func PlainName(field, id string) error {
	if id == "" || len(id) > 255 || strings.HasPrefix(id, ".") || strings.ContainsAny(id, `/\`) || !utf8.ValidString(id) || strings.ContainsFunc(id, unicode.IsControl) {
		return failure.Invalid(fmt.Sprintf("Invalid value %s for parameter '%s' supplied: it must be the plain name of a folder, without slashes and not beginning with a dot", pyfmt.JSON(id), field))
	}
	return nil
}
