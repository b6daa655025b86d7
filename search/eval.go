package search

import (
	"cmp"
	"math"
	"slices"
)

// Asking whether a node is true, or is false, needs no more of a record than the answer: an unknown
// kid ends a conjunction that is to be true, though it would not decide its value.

func (n *conjunction) is(r Record, want truth) bool {
	if want == yes {
		return allAre(n.ordered, r, yes)
	}
	return anyIs(n.ordered, r, no)
}

func (n *disjunction) is(r Record, want truth) bool {
	if want == yes {
		return anyIs(n.ordered, r, yes)
	}
	return allAre(n.ordered, r, no)
}

func (n *negation) is(r Record, want truth) bool { return n.kid.is(r, want.not()) }

func (c *clause) is(r Record, want truth) bool { return c.eval(r) == want }

func allAre(kids []node, r Record, want truth) bool {
	for _, kid := range kids {
		if !kid.is(r, want) {
			return false
		}
	}
	return true
}

func anyIs(kids []node, r Record, want truth) bool {
	for _, kid := range kids {
		if kid.is(r, want) {
			return true
		}
	}
	return false
}

// eval decides a clause in three-valued logic.
func (c *clause) eval(r Record) truth {
	if c.field.kind == datasetField {
		return c.evalDatasets(r)
	}
	answers := &operators[c.op]
	if c.numeric {
		n, ok := c.field.number(r)
		switch {
		case !ok:
			return answers.missing
		case n.isNaN():
			return answers.nan
		}
		return truthOf(c.testNumber(n) != c.op.negated())
	}
	s, ok := c.field.text(r)
	if !ok {
		return answers.missing
	}
	return truthOf(c.testText(s) != c.op.negated())
}

// evalDatasets is true if the comparison is true of any dataset input that has
// the field. Without one the field is missing.
func (c *clause) evalDatasets(r Record) truth {
	result := operators[c.op].missing
	for _, d := range r.Datasets() {
		s, ok := d.text(c.field.key)
		if !ok {
			continue
		}
		if c.testText(s) != c.op.negated() {
			return yes
		}
		result = no
	}
	return result
}

// text returns the part of a dataset that a key names.
func (d *Dataset) text(key string) (string, bool) {
	switch key {
	case "name":
		return d.Name, true
	case "digest":
		return d.Digest, true
	}
	return d.Context, d.HasContext
}

// testNumber decides the positive form of the operator for a number that is not NaN.
func (c *clause) testNumber(n number) bool {
	switch operators[c.op].positive {
	case opEqual, opNotEqual:
		return n.compare(c.numbers[0]) == 0
	case opLess:
		return n.compare(c.numbers[0]) < 0
	case opLessEqual:
		return n.compare(c.numbers[0]) <= 0
	case opGreater:
		return n.compare(c.numbers[0]) > 0
	case opGreaterEqual:
		return n.compare(c.numbers[0]) >= 0
	case opBetween:
		return n.compare(c.numbers[0]) >= 0 && n.compare(c.numbers[1]) <= 0
	case opIn:
		_, found := slices.BinarySearchFunc(c.numbers, n, number.compare)
		return found
	}
	return false // IS NULL of a value that is there
}

// testText decides the positive form of the operator for text.
func (c *clause) testText(s string) bool {
	switch operators[c.op].positive {
	case opEqual:
		return s == c.texts[0]
	case opLike, opILike:
		return c.like.match(s)
	case opLess:
		return s < c.texts[0]
	case opLessEqual:
		return s <= c.texts[0]
	case opGreater:
		return s > c.texts[0]
	case opGreaterEqual:
		return s >= c.texts[0]
	case opBetween:
		return s >= c.texts[0] && s <= c.texts[1]
	case opRLike:
		return c.regexp.MatchString(s)
	case opIn:
		_, found := slices.BinarySearch(c.texts, s)
		return found
	}
	return false
}

// number reads a field as a number. A param or tag that is no number is missing.
func (f *field) number(r Record) (number, bool) {
	switch f.kind {
	case metricField:
		s, ok := f.summary(r)
		return f.function.of(s), ok
	case attributeField:
		ms, ok := f.millis(r)
		return integer(ms), ok
	}
	s, ok := f.text(r)
	if !ok {
		return number{}, false
	}
	return numberOf(s)
}

// summary reads a metric.
func (f *field) summary(r Record) (Summary, bool) {
	if m, ok := r.(ModelRecord); ok && f.newest {
		return m.MetricOn(f.key, f.on)
	}
	return r.Metric(f.key)
}

// millis reads a time or the duration.
func (f *field) millis(r Record) (int64, bool) {
	if f.attribute != duration {
		return r.Time(f.attribute)
	}
	start, ok := r.Time(StartTime)
	if !ok {
		return 0, false
	}
	end, ok := r.Time(EndTime)
	return since(start, end), ok
}

// since is end less start, held within the integers.
func since(start, end int64) int64 {
	d := end - start
	switch {
	case end >= start && d < 0:
		return math.MaxInt64
	case end < start && d >= 0:
		return math.MinInt64
	}
	return d
}

// text reads a field that is text.
func (f *field) text(r Record) (string, bool) {
	switch f.kind {
	case paramField, metadataField:
		return r.Param(f.key)
	case tagField:
		return r.Tag(f.key)
	}
	return r.Text(f.attribute)
}

// Costs of reading a field: attributes are read with the record, a param or a
// tag is a small file, a metric a long one, datasets several folders.
func (c *clause) cost() int {
	return [...]int{attributeField: 0, paramField: 1, tagField: 1, metadataField: 1, metricField: 4, datasetField: 8}[c.field.kind]
}

func (n *negation) cost() int    { return n.kid.cost() }
func (n *conjunction) cost() int { return total(n.kids) }
func (n *disjunction) cost() int { return total(n.kids) }

func total(kids []node) int {
	sum := 0
	for _, n := range kids {
		sum += n.cost()
	}
	return sum
}

// cheapestFirst is the order in which the kids of a node are evaluated. It
// changes no answer: evaluation has no errors and no side effects.
func cheapestFirst(kids []node) []node {
	ordered := slices.Clone(kids)
	slices.SortStableFunc(ordered, func(a, b node) int { return cmp.Compare(a.cost(), b.cost()) })
	return ordered
}
