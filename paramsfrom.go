package mlruns

import (
	"context"
	"encoding"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/mlruns/mlruns/internal/failure"
	"github.com/mlruns/mlruns/internal/pyfmt"
)

// LogParamsFrom records the fields of a struct, or the items of a map, as params, in one batch
// where the limits allow. A field has the name that its json tag gives it, or its own; those tagged
// "-" and unexported ones are left out, and embedded structs count as their fields. What is nested
// has a name of several parts: optimizer/lr.
//
// Values are texts as Python prints them, so that filters mean the same for the runs of both
// languages: True, None, 0.0003, 1e-05, [1, 2], ['a', 'b']. A nil pointer or interface is None.
// What has MarshalText, such as time.Time, is that text. ErrInvalid, and nothing is recorded, if v
// is no struct and no map, if a value has no such text (a channel, a function, a complex number),
// or if values are nested more than 32 deep, which those that hold themselves are.
func (r *ActiveRun) LogParamsFrom(ctx context.Context, v any) error {
	var list paramList
	if err := list.addAll(v); err != nil {
		return &Error{Op: "log params", ID: r.ID, Err: err}
	}
	return r.LogBatch(ctx, Batch{Params: list})
}

// maxNesting is deeper than any configuration.
const maxNesting = 32

var errNesting = fmt.Errorf("it is nested more than %d deep", maxNesting)

type paramList []Param

func (l *paramList) addAll(v any) error {
	top, text, err := reach(reflect.ValueOf(v))
	if err != nil || text != nil || top.Kind() != reflect.Struct && top.Kind() != reflect.Map {
		return failure.Invalid(fmt.Sprintf("Params come from a struct or a map, not from a value of the type %T", v))
	}
	return l.addItems("", top, 0)
}

// addItems adds what a struct or map holds, below the name key.
func (l *paramList) addItems(key string, v reflect.Value, depth int) error {
	items, err := itemsOf(v)
	if err != nil {
		return noText(key, err)
	}
	for _, item := range items {
		name := item.name
		if key != "" {
			name = key + "/" + name
		}
		if err := l.add(name, item.value, depth+1); err != nil {
			return err
		}
	}
	return nil
}

func (l *paramList) add(key string, v reflect.Value, depth int) error {
	if depth > maxNesting {
		return noText(key, errNesting)
	}
	v, text, err := reach(v)
	if err != nil {
		return noText(key, err)
	}
	if text == nil && (v.Kind() == reflect.Struct || v.Kind() == reflect.Map && v.Len() > 0) {
		return l.addItems(key, v, depth)
	}
	value := ""
	switch {
	case text != nil:
		value = *text
	case v.Kind() == reflect.String:
		value = v.String()
	default:
		value, err = pythonRepr(v, depth)
	}
	if err != nil {
		return noText(key, err)
	}
	*l = append(*l, Param{Key: key, Value: value})
	return nil
}

func noText(key string, err error) error {
	return failure.Invalid(fmt.Sprintf("The param '%s' has no text: %v", key, err))
}

// reach follows pointers and interfaces. Text is that of a value with MarshalText. A nil of any
// kind gives the invalid reflect.Value.
func reach(v reflect.Value) (reached reflect.Value, text *string, err error) {
	for v.IsValid() {
		pointer := v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface
		if pointer && v.IsNil() {
			return reflect.Value{}, nil, nil
		}
		if m, ok := v.Interface().(encoding.TextMarshaler); ok {
			data, err := m.MarshalText()
			s := string(data)
			return v, &s, err
		}
		if !pointer {
			break
		}
		v = v.Elem()
	}
	return v, nil, nil
}

// item is a field of a struct or an item of a map.
type item struct {
	name  string
	value reflect.Value
}

// itemsOf lists a struct in the order of its fields and a map in the order of its keys.
func itemsOf(v reflect.Value) (items []item, err error) {
	if v.Kind() == reflect.Struct {
		for i := range v.NumField() {
			items = append(items, fieldItems(v.Type().Field(i), v.Field(i))...)
		}
		return items, nil
	}
	for _, key := range v.MapKeys() {
		name, text, err := reach(key)
		switch {
		case err != nil:
			return nil, err
		case text != nil:
			items = append(items, item{*text, v.MapIndex(key)})
		case name.Kind() == reflect.String || name.CanInt() || name.CanUint():
			items = append(items, item{fmt.Sprint(name.Interface()), v.MapIndex(key)})
		default:
			return nil, fmt.Errorf("a key of a map is of the type %s, which is no name", key.Type())
		}
	}
	slices.SortFunc(items, func(a, b item) int { return strings.Compare(a.name, b.name) })
	return items, nil
}

// fieldItems gives one field, or those of an embedded struct.
func fieldItems(f reflect.StructField, v reflect.Value) (items []item) {
	tag, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	if f.Anonymous && tag == "" {
		if v.Kind() == reflect.Pointer && v.Type().Elem().Kind() == reflect.Struct {
			v = v.Elem() // invalid where it is nil
		}
		if v.Kind() == reflect.Struct {
			for i := range v.NumField() {
				items = append(items, fieldItems(v.Type().Field(i), v.Field(i))...)
			}
			return items
		}
		if !v.IsValid() {
			return nil
		}
	}
	switch {
	case !f.IsExported() || tag == "-":
		return nil
	case tag == "":
		tag = f.Name
	}
	return []item{{tag, v}}
}

// pythonRepr prints a value as Python's repr does.
func pythonRepr(v reflect.Value, depth int) (string, error) {
	if depth > maxNesting {
		return "", errNesting
	}
	v, text, err := reach(v)
	switch {
	case err != nil:
		return "", err
	case text != nil:
		return pyfmt.Repr(*text), nil
	case !v.IsValid():
		return "None", nil
	case v.CanInt():
		return strconv.FormatInt(v.Int(), 10), nil
	case v.CanUint():
		return strconv.FormatUint(v.Uint(), 10), nil
	}
	switch v.Kind() {
	case reflect.Bool:
		if v.Bool() {
			return "True", nil
		}
		return "False", nil
	case reflect.Float32: // in the digits of its own precision
		f, err := strconv.ParseFloat(strconv.FormatFloat(v.Float(), 'g', -1, 32), 64)
		return string(pyfmt.AppendFloat(nil, f)), err
	case reflect.Float64:
		return string(pyfmt.AppendFloat(nil, v.Float())), nil
	case reflect.String:
		return pyfmt.Repr(v.String()), nil
	case reflect.Slice, reflect.Array:
		list := make([]string, v.Len())
		for i := range list {
			if list[i], err = pythonRepr(v.Index(i), depth+1); err != nil {
				return "", err
			}
		}
		return "[" + strings.Join(list, ", ") + "]", nil
	case reflect.Struct, reflect.Map:
		items, err := itemsOf(v)
		list := make([]string, len(items))
		for i, item := range items {
			value, failed := pythonRepr(item.value, depth+1)
			list[i], err = pyfmt.Repr(item.name)+": "+value, errors.Join(err, failed)
		}
		return "{" + strings.Join(list, ", ") + "}", err
	}
	return "", fmt.Errorf("it is of the type %s", v.Type())
}
