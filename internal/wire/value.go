package wire

import (
	"slices"
	"strings"

	"github.com/mlruns/mlruns/internal/pyfmt"
)

// kind says which of JSON's kinds a value is of.
type kind uint8

const (
	kindNull kind = iota
	kindFalse
	kindTrue
	kindNumber
	kindString
	kindList
	kindObject
)

// value is a JSON value as it was sent.
type value struct {
	kind kind
	// text is a string without its escapes, or the digits of a number.
	text  string
	items []item
}

// item is an element of a list, which has no name, or of an object.
type item struct {
	name string
	value
}

// pythonType is what Python calls the type that its json.loads gives.
func (v value) pythonType() string {
	switch v.kind {
	case kindNull:
		return "NoneType"
	case kindFalse, kindTrue:
		return "bool"
	case kindString:
		return "str"
	case kindList:
		return "list"
	case kindObject:
		return "dict"
	}
	if strings.ContainsAny(v.text, ".eEN") || v.text == "Infinity" || v.text == "-Infinity" {
		return "float"
	}
	return "int"
}

// appendPython prints a value as Python's json.dumps does with sorted keys and without blanks.
func (v value) appendPython(b []byte) []byte {
	switch v.kind {
	case kindNull:
		return append(b, "null"...)
	case kindFalse:
		return append(b, "false"...)
	case kindTrue:
		return append(b, "true"...)
	case kindString:
		return append(b, pyfmt.JSON(v.text)...)
	case kindList:
		b = append(b, '[')
		for i, element := range v.items {
			if i > 0 {
				b = append(b, ',')
			}
			b = element.appendPython(b)
		}
		return append(b, ']')
	case kindObject:
		return v.appendPythonObject(b)
	}
	if v.pythonType() == "float" {
		if f, err := parseFloat(v.text); err == nil {
			return pyfmt.AppendFloat(b, f)
		}
	}
	return append(b, v.text...)
}

func (v value) appendPythonObject(b []byte) []byte {
	sorted := slices.Clone(v.items)
	slices.SortStableFunc(sorted, func(x, y item) int { return strings.Compare(x.name, y.name) })
	b = append(b, '{')
	for i, field := range sorted {
		if i+1 < len(sorted) && sorted[i+1].name == field.name {
			continue // the last of a name counts
		}
		if b[len(b)-1] != '{' {
			b = append(b, ',')
		}
		b = append(b, pyfmt.JSON(field.name)...)
		b = append(b, ':')
		b = field.appendPython(b)
	}
	return append(b, '}')
}
