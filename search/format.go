package search

import "strings"

// Precedences: a node is put in parentheses inside one that binds tighter.
const (
	orLevel = iota + 1
	andLevel
	notLevel
)

// write writes the canonical form of n as an operand at the given level.
func write(b *strings.Builder, n node, level int) {
	switch n := n.(type) {
	case *disjunction:
		writeAll(b, n.kids, " OR ", orLevel, level)
	case *conjunction:
		writeAll(b, n.kids, " AND ", andLevel, level)
	case *negation:
		b.WriteString("NOT ")
		write(b, n.kid, notLevel)
	case *clause:
		n.write(b)
	}
}

func writeAll(b *strings.Builder, kids []node, operator string, own, level int) {
	if own < level {
		b.WriteByte('(')
		defer b.WriteByte(')')
	}
	for i, n := range kids {
		if i > 0 {
			b.WriteString(operator)
		}
		write(b, n, own+1)
	}
}

// write writes a clause. Literals, and keys that need quotes, stay as they were
// written: where a quoted token ends depends on the quotes behind it, so that a
// value that ends with a backslash could not be quoted anew.
func (c *clause) write(b *strings.Builder) {
	c.field.write(b, c.operand.keyText)
	b.WriteByte(' ')
	b.WriteString(c.op.String())
	switch c.op {
	case opIsNull, opIsNotNull:
	case opIn, opNotIn:
		b.WriteString(" (")
		for i, l := range c.literals {
			if i > 0 {
				b.WriteString(", ")
			}
			b.WriteString(l.text)
		}
		b.WriteByte(')')
	case opBetween, opNotBetween:
		b.WriteString(" " + c.literals[0].text + " AND " + c.literals[1].text)
	default:
		b.WriteString(" " + c.literals[0].text)
	}
}

// write writes a field whose key was written as keyText.
func (f field) write(b *strings.Builder, keyText string) {
	if f.kind == attributeField {
		b.WriteString(string(f.attribute))
		return
	}
	if f.function != noFunction {
		b.WriteString(functionNames[f.function] + "(")
		defer b.WriteByte(')')
	}
	b.WriteString([...]string{metricField: "metrics.", paramField: "params.", tagField: "tags.", datasetField: "dataset.", metadataField: "metadata."}[f.kind])
	if isPlainKey(f.key) {
		keyText = f.key
	}
	b.WriteString(keyText)
}

// isPlainKey reports whether a key needs no quotes.
func isPlainKey(key string) bool {
	for word := range strings.SplitSeq(key, ".") {
		if word == "" || wordLen(word) != len(word) {
			return false
		}
	}
	return true
}
