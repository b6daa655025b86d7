package search

import (
	"cmp"
	"errors"
	"math"
	"slices"
	"strings"
)

// Order sorts records. It is immutable and safe for concurrent use.
//
// Numbers come before NaN and NaN before missing values, ascending and
// descending. Text is compared by code point. Records that are equal in one
// item are ordered by the next, in the end by MLflow's base order, so that the
// order is total as long as IDs differ.
type Order struct {
	keys  []orderKey
	needs Needs
}

type orderKey struct {
	field      field
	keyText    string
	descending bool
}

// Key is what an Order compares: the values of one record, copied out of it.
// A caller may drop the record and keep the key. Strings are shared with what
// the Record returned.
type Key struct{ cells []cell }

// cell is one value of a key, in a form that compares without types.
type cell struct {
	rank cellRank
	bits uint64 // of a number: the order of the bits is the order of the numbers
	text string
}

// cellRank keeps NaN and missing values last in both directions.
type cellRank uint8

const (
	presentCell cellRank = iota
	nanCell
	missingCell
)

// ParseRunOrder parses an order_by list for runs. The base order, which decides
// between equals and is all there is for an empty list, is start_time DESC,
// run_id ASC. Errors are of type *Error; Query is the item.
func ParseRunOrder(items []string) (*Order, error) {
	o, err := parseOrder(items, runs)
	if err != nil {
		return nil, err
	}
	return o.then(StartTime, true).then(RunID, false), nil
}

// ParseExperimentOrder parses an order_by list for experiments. The base order
// is creation_time DESC, experiment_id ASC for an empty list; otherwise
// experiment_id DESC decides between equals. Errors are of type *Error; Query
// is the item.
func ParseExperimentOrder(items []string) (*Order, error) {
	o, err := parseOrder(items, experiments)
	if err != nil {
		return nil, err
	}
	if len(items) == 0 {
		return o.then(CreationTime, true).then(ExperimentID, false), nil
	}
	return o.then(ExperimentID, true), nil
}

// ParseTraceOrder parses an order_by list for traces. The base order is timestamp_ms DESC,
// request_id ASC. Errors are of type *Error; Query is the item.
func ParseTraceOrder(items []string) (*Order, error) {
	o, err := parseOrder(items, traces)
	if err != nil {
		return nil, err
	}
	return o.then(TimestampMs, true).then(RequestID, false), nil
}

// then appends an attribute, unless the order has it already.
func (o *Order) then(a Attribute, descending bool) *Order {
	f := field{kind: attributeField, attribute: a}
	if !slices.ContainsFunc(o.keys, func(k orderKey) bool { return k.field == f }) {
		o.keys = append(o.keys, orderKey{field: f, descending: descending})
	}
	var n needs
	n.merge(o.needs)
	n.add(f)
	o.needs = n.sorted()
	return o
}

func parseOrder(items []string, t target) (*Order, error) {
	o := &Order{}
	var n needs
	for _, item := range items {
		k, err := t.orderKey(item)
		if err != nil {
			return nil, err
		}
		o.keys = append(o.keys, k)
		n.add(k.field)
	}
	o.needs = n.sorted()
	return o, nil
}

// orderKey parses
//
//	item = operand [ "ASC" | "DESC" ] .
func (t target) orderKey(item string) (orderKey, error) {
	p, err := newParser(item, t)
	if err != nil {
		return orderKey{}, notParsed(item, err)
	}
	if p.tok.kind == tokenEOF {
		return orderKey{}, newError(item, 0, "Invalid order_by clause '%s'. Could not be parsed.", item)
	}
	operand, err := p.operand()
	if err != nil {
		return orderKey{}, notParsed(item, err)
	}
	var k orderKey
	if p.tok.kind == tokenWord {
		direction := p.tok
		if err := p.advance(); err != nil {
			return k, notParsed(item, err)
		}
		k.descending = strings.EqualFold(direction.text, "DESC")
		if !k.descending && !strings.EqualFold(direction.text, "ASC") && p.tok.kind == tokenEOF {
			return k, newError(item, direction.at, "Invalid ordering key in order_by clause '%s'.", item)
		}
		operand.unquote()
	} else if strings.EqualFold(operand.keyText, "ASC") || strings.EqualFold(operand.keyText, "DESC") {
		return k, newError(item, operand.at, "Invalid order_by clause '%s'. Could not be parsed.", item)
	}
	if p.tok.kind != tokenEOF {
		return k, newError(item, p.tok.at, "Invalid order_by clause '%s'. Could not be parsed.", item)
	}
	if k.field, err = t.resolve(item, operand, true); err != nil {
		return k, err
	}
	k.keyText = operand.keyText
	return k, t.checkOrder(item, operand, k.field)
}

// unquote takes the quotes away as MLflow does where a direction follows: from
// the prefix, and from a name that is quoted whole.
func (o *operand) unquote() {
	if n := len(o.prefix); n > 2 && o.prefix[0] == '"' {
		o.prefix = o.prefix[1 : n-1]
	}
	if o.quotedWhole() {
		quote := o.keyText[:1]
		o.prefix, o.key, _ = strings.Cut(o.key, ".")
		o.keyText = quote + o.key + quote
	}
}

// notParsed puts MLflow's message before that of the lexer or the parser.
func notParsed(item string, err error) error {
	var e *Error
	if !errors.As(err, &e) {
		return err
	}
	hint := " (" + e.Msg + ")"
	if strings.HasPrefix(e.Msg, "Invalid c") { // of a filter: only its hint is of use here
		_, after, ok := strings.Cut(e.Msg, " (")
		hint = ""
		if ok {
			hint = " (" + after
		}
	}
	e.Msg = newError(item, 0, "Invalid order_by clause '%s'. Could not be parsed.", item).Msg + hint
	return e
}

// checkOrder refuses fields that have no order.
func (t target) checkOrder(item string, o operand, f field) error {
	if f.kind == datasetField {
		return newError(item, o.at, "Invalid order_by entity type 'dataset'")
	}
	if t == traces && f.kind != attributeField {
		return newError(item, o.at, noOrder, f.kind.String(), f.key)
	}
	if t == experiments && f.kind != attributeField {
		return newError(item, o.at, "Invalid order_by entity: %s", f.kind.String())
	}
	return nil
}

// Needs returns all that Key may ask of a record.
func (o *Order) Needs() Needs {
	if o == nil {
		return Needs{}
	}
	return o.needs
}

// String returns the items of the order, the base order included, in their
// canonical form.
func (o *Order) String() string {
	if o == nil {
		return ""
	}
	var b strings.Builder
	for i, k := range o.keys {
		if i > 0 {
			b.WriteString(", ")
		}
		k.field.write(&b, k.keyText)
		if on := k.field.on; on != (Dataset{}) {
			b.WriteString(" ON " + pythonText(on.Name) + " " + pythonText(on.Digest))
		}
		if k.descending {
			b.WriteString(" DESC")
		}
	}
	return b.String()
}

// Key reads the values of a record that the order compares.
func (o *Order) Key(r Record) Key { return o.KeyInto(Key{}, r) }

// KeyInto is Key in the memory of an earlier key, which must not be used any more.
func (o *Order) KeyInto(k Key, r Record) Key {
	if o == nil {
		return Key{}
	}
	k.cells = slices.Grow(k.cells[:0], len(o.keys))[:len(o.keys)]
	for i := range o.keys {
		k.cells[i] = o.keys[i].field.cell(r)
	}
	return k
}

// Compare returns a negative number if the record of a comes before that of b,
// zero if they are equal. Both keys must be of this order.
func (o *Order) Compare(a, b Key) int {
	for i := range min(len(a.cells), len(b.cells)) {
		if c := a.cells[i].compare(&b.cells[i], o.keys[i].descending); c != 0 {
			return c
		}
	}
	return 0
}

func (c *cell) compare(d *cell, descending bool) int {
	if c.rank != d.rank {
		return cmp.Compare(c.rank, d.rank)
	}
	result := cmp.Compare(c.bits, d.bits)
	if result == 0 {
		result = strings.Compare(c.text, d.text)
	}
	if descending {
		return -result
	}
	return result
}

// cell reads a field for sorting.
func (f *field) cell(r Record) cell {
	if !f.isNumber() {
		s, ok := f.text(r)
		if !ok {
			return cell{rank: missingCell}
		}
		return cell{text: s}
	}
	n, ok := f.number(r)
	switch {
	case !ok:
		return cell{rank: missingCell}
	case n.isNaN():
		return cell{rank: nanCell}
	case n.exact:
		return cell{bits: uint64(n.int) ^ 1<<63}
	}
	return cell{bits: floatBits(n.float)}
}

// floatBits maps floats to integers of the same order; -0 equals 0.
func floatBits(f float64) uint64 {
	if f == 0 {
		f = 0 // drops the sign
	}
	bits := math.Float64bits(f)
	if bits>>63 != 0 {
		return ^bits
	}
	return bits | 1<<63
}
