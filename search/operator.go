package search

// truth is a value of three-valued logic. The order makes AND the minimum, OR
// the maximum, and NOT the distance from yes.
type truth uint8

const (
	no truth = iota
	unknown
	yes
)

func (t truth) not() truth { return yes - t }

func truthOf(b bool) truth {
	if b {
		return yes
	}
	return no
}

// operator is a comparison of a field with nothing, one, two or many literals.
type operator uint8

const (
	opEqual operator = iota
	opNotEqual
	opLess
	opLessEqual
	opGreater
	opGreaterEqual
	opIn
	opNotIn
	opBetween
	opNotBetween
	opLike
	opNotLike
	opILike
	opNotILike
	opRLike
	opNotRLike
	opIsNull
	opIsNotNull
)

// operators says of every operator how it is written, which one it denies,
// which types it compares, and what it answers for a missing value and for
// NaN. The answers are MLflow's wherever MLflow has the operator: a field that
// a record lacks satisfies neither = nor !=, and a NaN is unequal to everything.
var operators = [...]struct {
	text         string
	positive     operator // the operator of which this is the negation, or itself
	numbers      bool     // compares numbers and times
	strings      bool     // compares text
	missing, nan truth
}{
	opEqual:        {"=", opEqual, true, true, unknown, no},
	opNotEqual:     {"!=", opEqual, true, true, unknown, yes},
	opLess:         {"<", opLess, true, false, unknown, no},
	opLessEqual:    {"<=", opLessEqual, true, false, unknown, no},
	opGreater:      {">", opGreater, true, false, unknown, no},
	opGreaterEqual: {">=", opGreaterEqual, true, false, unknown, no},
	opIn:           {"IN", opIn, true, true, unknown, no},
	opNotIn:        {"NOT IN", opIn, true, true, unknown, yes},
	opBetween:      {"BETWEEN", opBetween, true, false, unknown, no},
	opNotBetween:   {"NOT BETWEEN", opBetween, true, false, unknown, yes},
	opLike:         {"LIKE", opLike, false, true, unknown, no},
	opNotLike:      {"NOT LIKE", opLike, false, true, unknown, yes},
	opILike:        {"ILIKE", opILike, false, true, unknown, no},
	opNotILike:     {"NOT ILIKE", opILike, false, true, unknown, yes},
	opRLike:        {"RLIKE", opRLike, false, true, unknown, no},
	opNotRLike:     {"NOT RLIKE", opRLike, false, true, unknown, yes},
	opIsNull:       {"IS NULL", opIsNull, true, true, yes, no},
	opIsNotNull:    {"IS NOT NULL", opIsNull, true, true, no, yes},
}

func (o operator) String() string { return operators[o].text }

// negated reports whether o is the negation of another operator.
func (o operator) negated() bool { return operators[o].positive != o }

// symbolOperator returns the operator that a run of symbols spells.
func symbolOperator(text string) (operator, bool) {
	for _, o := range []operator{opEqual, opNotEqual, opLess, opLessEqual, opGreater, opGreaterEqual} {
		if operators[o].text == text {
			return o, true
		}
	}
	return 0, false
}
