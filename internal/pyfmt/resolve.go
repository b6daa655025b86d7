package pyfmt

// Kind is the type of a YAML value, for scalars the one that PyYAML's implicit resolver gives.
type Kind uint8

// The kinds of values. KindDefault is the scalar "=" and KindMerge the scalar "<<"; PyYAML refuses
// to load both as values.
const (
	KindNull Kind = iota
	KindBool
	KindInt
	KindFloat
	KindTimestamp
	KindString
	KindDefault
	KindMerge
	KindMapping
	KindSequence
)

// Resolve returns the kind that PyYAML gives a plain (unquoted) scalar with this text: the types of
// YAML 1.1 as PyYAML 6 implements them. In particular yes, off, 0b1, 017, 1_000, 1:30 and
// 2020-01-01 are not strings, while 1e5, 08, 0o17, y and 2020-1-1 are.
func Resolve(plain string) Kind {
	if plain == "" {
		return KindNull
	}
	switch c := plain[0]; {
	case isDigit(c):
		if isTimestamp(plain, false) {
			return KindTimestamp
		}
		return resolveNumber(plain)
	case c == '-' || c == '+' || c == '.':
		return resolveNumber(plain)
	}
	switch plain {
	case "~", "null", "Null", "NULL":
		return KindNull
	case "yes", "Yes", "YES", "no", "No", "NO", "true", "True", "TRUE", "false", "False", "FALSE",
		"on", "On", "ON", "off", "Off", "OFF":
		return KindBool
	case "=":
		return KindDefault
	case "<<":
		return KindMerge
	}
	return KindString
}

// retyped12 reports whether s, a string for PyYAML, is something else for a reader of YAML 1.2, for
// the bool of the YAML 1.1 type repository or for gopkg.in/yaml.v3, which mixes both versions.
// AppendDocument lists the class.
func retyped12(s string) bool {
	if s == "" {
		return false
	}
	switch c := s[0]; {
	case isDigit(c) || c == '-' || c == '+' || c == '.':
		return isNumber12(s) || isTimestamp(s, true)
	}
	return s == "y" || s == "Y" || s == "n" || s == "N"
}
