package pyfmt

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// ErrUnwritable is wrapped by the errors of AppendDocument.
var ErrUnwritable = errors.New("cannot be written as YAML")

// AppendDocument appends a mapping as a YAML document: block style, keys in code point order, ends
// in a newline.
//
// The bytes are those of PyYAML's CSafeDumper (see the package comment), with one exception, made
// so that no reader of YAML 1.1 or 1.2 takes a string for anything else. These strings, keys or
// values, are plain for PyYAML and single-quoted here:
//
//   - y, Y, n and N: booleans of the YAML 1.1 type repository;
//   - decimal numbers that YAML 1.1 does not know,
//     [-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?, as 08, 0123456789, 1e5, 1.5e5, +.5 and a
//     hexadecimal run id such as 12345e67890 …;
//   - [-+]?0[oOxXbB][-+]?digits of that base that YAML 1.1 does not know, as 0o17 and 0X1F;
//   - both also with underscores anywhere but in front, as 1_0e5 and 0o1_7;
//   - timestamps that PyYAML does not know, dddd-d?d-d?d alone or followed by [Tt] or blanks and
//     d?d:d?d:d?d([.,]d*)?([ \t]*(Z|[-+]d?d(:dd)?))?, as 2020-1-1.
//
// A key or string that is not valid UTF-8 and a key given twice in one mapping are errors that wrap
// ErrUnwritable; what is returned then is dst. Nothing is allocated beyond dst for mappings that
// are sorted already.
func AppendDocument(dst []byte, fields []Field) ([]byte, error) {
	e := emitter{out: dst, blank: true, indention: true}
	if err := e.mapping(fields, 0); err != nil {
		return dst, err
	}
	return append(e.out, '\n'), nil
}

// emitter mirrors the state of libyaml's emitter, on which indentation and folding depend.
type emitter struct {
	out       []byte
	column    int  // characters since the last line break
	blank     bool // the text ends in indentation
	indention bool // this line holds nothing but indentation and opening indicators
}

const indentWidth = 2

func (e *emitter) mapping(fields []Field, indent int) error {
	if len(fields) == 0 {
		e.indicator("{}", true, false)
		return nil
	}
	if !slices.IsSortedFunc(fields, compareKeys) {
		fields = slices.SortedFunc(slices.Values(fields), compareKeys)
	}
	for i := range fields {
		if i > 0 && fields[i].Key == fields[i-1].Key {
			return fmt.Errorf("pyfmt: key %q appears twice: %w", fields[i].Key, ErrUnwritable)
		}
		if err := e.field(&fields[i], indent); err != nil {
			return err
		}
	}
	return nil
}

// compareKeys orders by bytes, which for UTF-8 is the order of code points.
func compareKeys(a, b Field) int { return strings.Compare(a.Key, b.Key) }

func (e *emitter) field(f *Field, indent int) error {
	e.breakLine(indent)
	key, err := analyze(f.Key)
	if err != nil {
		return err
	}
	if key.breaks || len(f.Key) > maxSimpleKey {
		e.indicator("?", true, true)
		e.text(f.Key, key, indent+indentWidth)
		e.breakLine(indent)
		e.indicator(":", true, true)
	} else {
		e.text(f.Key, key, neverFold)
		e.indicator(":", false, false)
	}
	return e.value(&f.Value, indent, true)
}

// maxSimpleKey is the length in bytes beyond which libyaml writes a key after a question mark.
const maxSimpleKey = 128

func (e *emitter) sequence(items []Value, indent int) error {
	if len(items) == 0 {
		e.indicator("[]", true, false)
		return nil
	}
	for i := range items {
		e.breakLine(indent)
		e.indicator("-", true, true)
		if err := e.value(&items[i], indent, false); err != nil {
			return err
		}
	}
	return nil
}

// value writes v as a child of a collection at the given indentation.
func (e *emitter) value(v *Value, indent int, inMapping bool) error {
	inner := indent + indentWidth
	switch {
	case v.kind == KindMapping:
		return e.mapping(v.fields, inner)
	case v.kind == KindSequence && inMapping && !e.indention:
		return e.sequence(v.items, indent) // the dashes stand under the key
	case v.kind == KindSequence:
		return e.sequence(v.items, inner)
	case v.kind == KindString:
		sh, err := analyze(v.text)
		if err != nil {
			return err
		}
		e.text(v.text, sh, inner)
	case v.kind == KindNull:
		e.plain("null", inner)
	case v.kind == KindInt && v.text == "":
		var digits [20]byte
		e.plain(string(strconv.AppendInt(digits[:0], v.number, 10)), inner)
	default:
		e.plain(v.text, inner)
	}
	return nil
}

// indicator writes s, after a blank if one is needed. After an indicator that opens a level, what
// follows may share the line.
func (e *emitter) indicator(s string, needsBlank, opens bool) {
	if needsBlank && !e.blank {
		e.put(" ")
	}
	e.put(s)
	e.blank = false
	e.indention = e.indention && opens
}

// breakLine starts a line at the given indentation, unless nothing but indentation up to it is on
// the current one.
func (e *emitter) breakLine(indent int) {
	if !e.indention || e.column > indent || e.column == indent && !e.blank {
		e.lineFeed()
	}
	for e.column < indent {
		e.put(" ")
	}
	e.blank, e.indention = true, true
}

// put appends printable text without a line break.
func (e *emitter) put(s string) {
	e.out = append(e.out, s...)
	e.column += utf8.RuneCountInString(s)
}

func (e *emitter) lineFeed() {
	e.out = append(e.out, '\n')
	e.column = 0
}
