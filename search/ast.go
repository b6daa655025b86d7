package search

import (
	"regexp"
	"strings"
)

// node is a node of the tree of a filter.
type node interface {
	// is reports whether the node is yes, or is no, for a record. want is never unknown.
	is(r Record, want truth) bool
	// cost estimates what a store must read to decide it.
	cost() int
}

// conjunction is true when all of its kids are. It has two or more, none of
// them a conjunction.
type conjunction struct {
	kids    []node
	ordered []node // the kids, cheapest first; the checker's
}

// disjunction is true when one of its kids is. It has two or more, none of
// them a disjunction.
type disjunction struct {
	kids    []node
	ordered []node
}

// negation is true when its kid is false.
type negation struct{ kid node }

// clause compares a field. The parser fills the first group of fields, the
// checker the second.
type clause struct {
	operand  operand
	op       operator
	symbol   string // the operator as written, if it is not one
	opAt     int
	literals []literal

	field   field
	numeric bool     // the literals are numbers: compare as numbers
	ordered bool     // text that has an order: an attribute of a model
	numbers []number // sorted for IN
	texts   []string // sorted for IN
	like    likePattern
	regexp  *regexp.Regexp
}

// operand is a field as written: [function(] [prefix.] key [)].
type operand struct {
	at       int // of the operand
	function function
	nameAt   int    // of the prefix, or of the key
	prefix   string // without backticks; "" for a bare attribute
	keyAt    int
	key      string // without its quotes
	keyText  string // as written
}

// quotedWhole reports whether prefix and key are written in one pair of quotes.
func (o *operand) quotedWhole() bool {
	return o.prefix == "" && len(o.keyText) > 2 && strings.ContainsAny(o.keyText[:1], "\"`'") && strings.Contains(o.key, ".")
}

// literalKind says what a literal is.
type literalKind uint8

const (
	numberLiteral literalKind = iota
	stringLiteral
	nameLiteral // a word or name where a value belongs: never valid
	listLiteral // a list where one value belongs: never valid
)

// literal is a value as written.
type literal struct {
	kind literalKind
	at   int
	text string // as written; the parts of a list's string joined with blanks
	str  string // of a string
	num  number // of a number
}
