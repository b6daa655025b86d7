package codec

import (
	"encoding/json"
	"fmt"
	"math"
	"unicode/utf8"

	"gopkg.in/yaml.v3"

	"github.com/mlruns/mlruns/internal/pyfmt"
)

// AssessmentJSON gives the JSON of an assessment, which is the JSON form of a message of MLflow's
// as YAML.
func AssessmentJSON(data []byte) (json.RawMessage, error) {
	text, err := assessmentJSON(data)
	if git := notMeta(data); err != nil && git != nil {
		err = git
	}
	return text, err
}

func assessmentJSON(data []byte) (text json.RawMessage, err error) {
	defer func() {
		// as in DecodeDocument
		if p := recover(); p != nil {
			text, err = nil, &Damage{Reason: fmt.Sprintf("not YAML: %v", p)}
		}
	}()
	if !utf8.Valid(data) {
		return nil, &Damage{Line: LineOfInvalid(data), Reason: "not UTF-8"}
	}
	if len(data) > largeDocument && marks(data) > maxMarks {
		return nil, &Damage{Reason: fmt.Sprintf("more than %d keys, items and line breaks", maxMarks)}
	}
	var root yaml.Node
	if err := yaml.Unmarshal(data, &root); err != nil {
		return nil, yamlDamage(err)
	}
	if len(root.Content) != 1 || root.Content[0].Kind != yaml.MappingNode {
		return nil, &Damage{Line: 1, Reason: "not a mapping of keys to values"}
	}
	value, err := jsonOf(root.Content[0], 0)
	if err != nil {
		return nil, err
	}
	return json.Marshal(value)
}

// jsonOf gives what a node stands for, of the types that package json writes.
func jsonOf(node *yaml.Node, depth int) (any, error) {
	if depth > maxDepth {
		return nil, &Damage{Line: node.Line, Reason: "nested too deeply"}
	}
	switch node.Kind {
	case yaml.ScalarNode:
		return jsonScalar(node)
	case yaml.SequenceNode:
		list := make([]any, len(node.Content))
		for i, n := range node.Content {
			var err error
			if list[i], err = jsonOf(n, depth+1); err != nil {
				return nil, err
			}
		}
		return list, nil
	case yaml.MappingNode:
		fields := map[string]any{}
		for i := 0; i+1 < len(node.Content); i += 2 {
			value, err := jsonOf(node.Content[i+1], depth+1)
			if err != nil {
				return nil, err
			}
			fields[node.Content[i].Value] = value
		}
		return fields, nil
	}
	return nil, &Damage{Line: node.Line, Reason: "an alias"}
}

func jsonScalar(node *yaml.Node) (any, error) {
	if !plainNode(node) {
		return node.Value, nil
	}
	switch pyfmt.Resolve(node.Value) {
	case pyfmt.KindNull:
		return nil, nil
	case pyfmt.KindBool:
		var is bool
		err := node.Decode(&is) // into a bool it takes yes and on too, as PyYAML does
		return is, err
	case pyfmt.KindInt:
		if n, err := pyfmt.ParseInt(node.Value); err == nil {
			return n, nil
		}
	case pyfmt.KindFloat:
		f, err := pyfmt.ParseFloat(node.Value)
		if err == nil && !math.IsNaN(f) && !math.IsInf(f, 0) {
			return pythonFloat(f), nil
		}
	}
	return node.Value, nil
}

// pythonFloat is a number that JSON shows to be a float, as Python writes it: 1.0.
type pythonFloat float64

// MarshalJSON implements json.Marshaler.
func (f pythonFloat) MarshalJSON() ([]byte, error) { return pyfmt.AppendFloat(nil, float64(f)), nil }
