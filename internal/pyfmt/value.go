package pyfmt

// Value is a node of a YAML document. The zero Value is null.
type Value struct {
	kind   Kind
	text   string // of every scalar but KindNull and what Int makes
	number int64  // of what Int makes, which has no text
	fields []Field
	items  []Value
}

// Field is one key of a mapping with its value. Keys are strings: a key that looks like another
// type is quoted.
type Field struct {
	Key   string
	Value Value
}

// Null returns null, the zero Value.
func Null() Value { return Value{} }

// String returns a string. It is quoted whenever it would be read as something else.
func String(s string) Value { return Value{kind: KindString, text: s} }

// Int returns an integer.
func Int(i int64) Value { return Value{kind: KindInt, number: i} }

// Plain returns what PyYAML reads from a plain scalar with this text. Booleans, numbers and
// timestamps keep their text, so yes, 0x1F and 1_000 survive a rewrite; every null is written as
// null; the rest is String(text), also = and <<, which PyYAML would refuse to load.
func Plain(text string) Value {
	switch kind := Resolve(text); kind {
	case KindNull:
		return Null()
	case KindBool, KindInt, KindFloat, KindTimestamp:
		return Value{kind: kind, text: text}
	default:
		return String(text)
	}
}

// Kind tells what PyYAML reads.
func (v Value) Kind() Kind { return v.kind }

// Mapping returns a mapping. The fields may be in any order: they are written sorted, and never
// modified.
func Mapping(fields []Field) Value { return Value{kind: KindMapping, fields: fields} }

// Sequence returns a list.
func Sequence(items []Value) Value { return Value{kind: KindSequence, items: items} }
