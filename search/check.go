package search

import (
	"errors"
	"regexp"
	"slices"
	"strings"
)

// checker resolves the fields of a tree and compares the types of both sides
// of every clause.
type checker struct {
	query  string
	target target
	needs  needs
}

func (c *checker) errorf(at int, format string, args ...any) error {
	return newError(c.query, at, format, args...)
}

// check resolves every clause under n and orders the kids of every node.
func (c *checker) check(n node) error {
	switch n := n.(type) {
	case *conjunction:
		return c.all(n.kids, &n.ordered)
	case *disjunction:
		return c.all(n.kids, &n.ordered)
	case *negation:
		return c.check(n.kid)
	case *clause:
		return c.clause(n)
	}
	return nil
}

// all checks every kid, and then puts them into the order of evaluation.
func (c *checker) all(kids []node, ordered *[]node) error {
	for _, n := range kids {
		if err := c.check(n); err != nil {
			return err
		}
	}
	*ordered = cheapestFirst(kids)
	return nil
}

// clause resolves the field of a clause and converts its literals. Values are
// looked at before the operator, as in MLflow.
func (c *checker) clause(l *clause) (err error) {
	if l.field, err = c.target.resolve(c.query, l.operand, false); err != nil {
		return err
	}
	c.needs.add(l.field)
	if l.numeric, err = c.values(l); err != nil {
		return err
	}
	l.ordered = c.target == models && l.field.kind == attributeField
	if l.symbol != "" || !l.allowed() {
		return c.comparator(l)
	}
	switch l.op {
	case opIn, opNotIn:
		slices.SortFunc(l.numbers, number.compare)
		slices.Sort(l.texts)
	case opLike, opNotLike:
		l.like = compileLike(l.texts[0], false)
	case opILike, opNotILike:
		l.like = compileLike(l.texts[0], true)
	case opRLike, opNotRLike:
		if l.regexp, err = regexp.Compile(l.texts[0]); err != nil {
			return c.errorf(l.literals[0].at, "RLIKE: %v", err)
		}
	}
	return nil
}

// allowed reports whether the operator compares values of the clause's type.
func (c *clause) allowed() bool {
	if c.op == opIsNull || c.op == opIsNotNull {
		return true
	}
	if c.numeric {
		return operators[c.op].numbers
	}
	return operators[c.op].strings || c.ordered && operators[c.op].numbers
}

// values converts the literals to what the field is compared with, and tells
// whether these are numbers.
func (c *checker) values(l *clause) (numeric bool, err error) {
	if l.field.isNumber() {
		return true, c.numbers(l)
	}
	if l.field.isFree() && len(l.literals) > 0 && l.literals[0].kind == numberLiteral && operators[l.op].numbers {
		return true, c.numbers(l)
	}
	for _, v := range l.literals {
		switch v.kind {
		case listLiteral:
			return false, c.errorf(v.at, l.field.wantsString()+needsIn, v.text)
		case nameLiteral:
			return false, c.errorf(v.at, "Parameter value is either not quoted or unidentified quote types used for string value %s. Use either single or double quotes.", v.text)
		case numberLiteral:
			if l.op == opIn || l.op == opNotIn {
				return false, c.errorf(v.at, otherType, pythonTuple(l.literals))
			}
			return false, c.errorf(v.at, l.field.wantsString(), v.text)
		}
		l.texts = append(l.texts, v.str)
	}
	return false, nil
}

// isFree reports whether the field is text that may be compared as a number.
func (f field) isFree() bool {
	return f.kind == paramField || f.kind == tagField || f.kind == metadataField
}

const needsIn = " (a list needs IN or NOT IN before it)"

// wantsString is MLflow's message for a number where text is compared.
func (f field) wantsString() string {
	switch f.kind {
	case attributeField:
		return "Expected a quoted string value for attributes. Got value %s"
	case datasetField:
		return "Expected a quoted string value for dataset attributes. Got value %s"
	}
	return "Expected a quoted string value for " + f.kind.String() + " (e.g. 'my-value'). Got value %s"
}

// numbers converts the literals of a clause that compares numbers.
func (c *checker) numbers(l *clause) error {
	for _, v := range l.literals {
		n, err := c.number(l.field, l.operand, v)
		if err != nil {
			return err
		}
		l.numbers = append(l.numbers, n)
	}
	return nil
}

// number converts one literal that is compared with f.
func (c *checker) number(f field, o operand, v literal) (number, error) {
	hint := ""
	switch v.kind {
	case numberLiteral:
		return v.num, nil
	case listLiteral:
		hint = needsIn
	}
	if f.kind == metricField {
		return number{}, c.errorf(v.at, "Expected numeric value type for metric. Found %s"+hint, v.text)
	}
	if f.kind != attributeField {
		return number{}, c.errorf(v.at, "Expected numbers only, as the first value is one. Found %s", v.text)
	}
	if !f.isTime() || v.kind != stringLiteral {
		return number{}, c.errorf(v.at, "Expected numeric value type for numeric attribute: %s. Found %s"+hint, o.key, v.text)
	}
	n, err := parseTime(v.str)
	if errors.Is(err, errNoZone) {
		return n, c.errorf(v.at, "the time %s has no zone: add Z, or an offset such as +02:00", v.text)
	}
	if err != nil {
		return n, c.errorf(v.at, "Expected numeric value type for numeric attribute: %s. Found %s (a time is milliseconds since 1970 UTC, '2024-01-31' or '2024-01-31T23:59:59Z')", o.key, v.text)
	}
	return n, nil
}

// comparator is the error for an operator that the type of the values does not have.
func (c *checker) comparator(l *clause) error {
	written := l.symbol
	if written == "" {
		written = l.op.String()
	}
	var valid []string
	for o := opEqual; o <= opIsNotNull; o++ {
		if (operators[o].strings || l.ordered) && !l.numeric || operators[o].numbers && l.numeric {
			valid = append(valid, "'"+o.String()+"'")
		}
	}
	hint := ""
	if !l.numeric && operators[l.op].numbers && l.symbol == "" && l.field.isFree() {
		hint = " (numbers are written without quotes)"
	}
	return c.errorf(l.opAt, "Invalid comparator '%s' not one of '{"+strings.Join(valid, ", ")+"}'"+hint, written)
}
