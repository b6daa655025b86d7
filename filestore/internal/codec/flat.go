package codec

import (
	"strings"

	"github.com/mlruns/mlruns/internal/pyfmt"
)

// FlatMeta is a meta.yaml as MLflow writes it: lines "key: value" whose values are plain or
// single-quoted scalars, or empty collections, all on one line. It is scanned by hand, in a
// fiftieth of the time that yaml.v3 takes, and used again for the next file.
type FlatMeta struct{ Entries []flatEntry }

type flatEntry struct {
	key, value string // value is the text, without quotes
	kind       flatKind
}

type flatKind uint8

const (
	flatPlain flatKind = iota
	flatQuoted
	flatSequence
	flatMapping
)

// maxFlatKeys bounds the keys of a flat form; MLflow's have 17. One that is not in its place in the
// alphabet is compared with all before it.
const maxFlatKeys = 100

// Scan reports whether data is of the flat form, without doubt. What it keeps shares one copy of
// data.
func (m *FlatMeta) Scan(data []byte) bool {
	m.Entries = m.Entries[:0]
	if len(data) == 0 || data[len(data)-1] != '\n' {
		return false
	}
	last := ""
	for text := string(data); text != ""; {
		end := strings.IndexByte(text, '\n')
		line := text[:end]
		text = text[end+1:]
		n := flatKeyLen(line)
		if n == 0 || len(line) < n+3 || line[n] != ':' || line[n+1] != ' ' || len(m.Entries) == maxFlatKeys {
			return false
		}
		e, ok := flatValue(line[n+2:])
		if e.key = line[:n]; !ok || e.key <= last && m.Find(e.key) >= 0 {
			return false
		}
		last = max(last, e.key)
		m.Entries = append(m.Entries, e)
	}
	return true
}

// Find implements Scalars.
func (m *FlatMeta) Find(key string) int {
	for i := range m.Entries {
		if m.Entries[i].key == key {
			return i
		}
	}
	return -1
}

// Text implements Scalars.
func (m *FlatMeta) Text(key string) (string, bool) {
	i := m.Find(key)
	if i < 0 {
		return "", false
	}
	e := &m.Entries[i]
	const null = len("null") // the other forms, ~ and nothing, are not flat
	if e.kind > flatQuoted || e.kind == flatPlain && len(e.value) == null && pyfmt.Resolve(e.value) == pyfmt.KindNull {
		return "", false
	}
	return e.value, true
}

func flatKeyLen(line string) int {
	for i := range len(line) {
		if c := line[i]; c != '_' && (c < 'a' || c > 'z') {
			return i
		}
	}
	return len(line)
}

func flatValue(value string) (flatEntry, bool) {
	switch {
	case value == "[]":
		return flatEntry{kind: flatSequence}, true
	case value == "{}":
		return flatEntry{kind: flatMapping}, true
	case len(value) >= 2 && value[0] == '\'':
		text, ok := unquoteFlat(value)
		return flatEntry{value: text, kind: flatQuoted}, ok
	}
	return flatEntry{value: value}, plainFlat(value)
}

func unquoteFlat(value string) (string, bool) {
	inner := value[1 : len(value)-1]
	if value[len(value)-1] != '\'' {
		return "", false
	}
	quotes := 0
	for i := range len(inner) {
		c := inner[i]
		if c < ' ' || c > '~' {
			return "", false
		}
		if c == '\'' {
			quotes++
		}
	}
	if quotes == 0 {
		return inner, true
	}
	text := strings.ReplaceAll(inner, "''", "\x00")
	if strings.Contains(text, "'") {
		return "", false
	}
	return strings.ReplaceAll(text, "\x00", "'"), true
}

// plainFlat reports whether value is, without doubt, a whole plain scalar: of printable ASCII, with
// neither ": " nor " #" in it.
func plainFlat(value string) bool {
	if value == "" {
		return false
	}
	first := value[0]
	if !(first >= 'a' && first <= 'z' || first >= 'A' && first <= 'Z' || first >= '0' && first <= '9' || first == '/' || first == '_') {
		return false
	}
	before := first
	for i := 1; i < len(value); i++ {
		c := value[i]
		if c < ' ' || c > '~' || c == ' ' && before == ':' || c == '#' && before == ' ' {
			return false
		}
		before = c
	}
	return before != ':' && before != ' '
}
