package search

import "strings"

const (
	// MaxQuery is the length of the longest filter or order_by item, in bytes.
	MaxQuery = 256 << 10
	// MaxDepth is how deep parentheses and NOT may nest.
	MaxDepth = 500
)

// parser builds the tree of a filter by recursive descent, one method for a
// production. tok is the token that is looked at.
type parser struct {
	lexer  lexer
	tok    token
	depth  int
	target target
	begun  bool // inside a clause, which begins at from
	from   int
}

func newParser(query string, t target) (*parser, error) {
	if len(query) > MaxQuery {
		return nil, &Error{Query: query, Offset: MaxQuery, Msg: "the query is longer than 256 KiB"}
	}
	p := &parser{lexer: lexer{query: query}, target: t}
	return p, p.advance()
}

// advance moves to the next token.
func (p *parser) advance() (err error) {
	p.tok, err = p.lexer.next()
	return err
}

func (p *parser) errorf(at int, format string, args ...any) error {
	return newError(p.lexer.query, at, format, args...)
}

// unexpected is the error for a token that cannot stand where it does. As in
// MLflow, it names what is written of the clause.
func (p *parser) unexpected(want string) error {
	if p.tok.kind == tokenEOF && (!p.begun || p.from == p.tok.at) {
		return p.errorf(p.tok.at, "Invalid filter: it ends where %s is expected", want)
	}
	return p.invalid(p.tok.at, p.tok.end(), " ("+want+" is expected)")
}

// invalid is MLflow's error for the pieces of the clause up to end.
func (p *parser) invalid(at, end int, hint string) error {
	from := at
	if p.begun {
		from = p.from
	}
	pieces := p.pieces(from, end)
	if len(pieces) == 0 { // an AND where a clause begins
		pieces = []string{p.tok.text}
	}
	if p.target != experiments {
		for i, s := range pieces {
			pieces[i] = "'" + s + "'"
		}
	}
	return p.errorf(at, "Invalid clause(s) in filter string: %s"+hint, strings.Join(pieces, ", "))
}

// pieces cuts a part of the query into names, which dots join, and other
// tokens. MLflow does not count an AND among them.
func (p *parser) pieces(from, end int) []string {
	l := lexer{query: p.lexer.query[:end], pos: from}
	var list []string
	joined := false
	for {
		t, err := l.next()
		if err != nil || t.kind == tokenEOF {
			return list
		}
		if t.keyword == keywordAnd {
			continue
		}
		if t.glued && (t.kind == tokenDot || joined) && len(list) > 0 {
			list[len(list)-1] += t.text
		} else {
			list = append(list, t.text)
		}
		joined = t.kind == tokenDot
	}
}

// filter parses a whole filter; the node is nil if it has no clause.
//
//	filter = { "AND" } [ or ] .
//
// MLflow drops every AND, so that leading, repeated and trailing ones mean nothing.
func (p *parser) filter() (node, error) {
	if err := p.skip(keywordAnd); err != nil {
		return nil, err
	}
	if p.tok.kind == tokenEOF {
		return nil, nil
	}
	n, err := p.or()
	if err != nil {
		return nil, err
	}
	if p.tok.kind == tokenClose {
		return nil, p.errorf(p.tok.at, "Invalid clause(s) in filter string: ')' (there is no parenthesis to close)")
	}
	if p.tok.kind != tokenEOF {
		return nil, p.unexpected("a comparison, AND or OR")
	}
	return n, nil
}

// skip moves past every k.
func (p *parser) skip(k keyword) error {
	for p.tok.keyword == k {
		if err := p.advance(); err != nil {
			return err
		}
	}
	return nil
}

// or parses
//
//	or = and { "OR" and } .
func (p *parser) or() (node, error) {
	var kids []node
	for {
		n, err := p.and()
		if err != nil {
			return nil, err
		}
		if d, ok := n.(*disjunction); ok {
			kids = append(kids, d.kids...)
		} else {
			kids = append(kids, n)
		}
		if p.tok.keyword != keywordOr {
			break
		}
		if err := p.advance(); err != nil {
			return nil, err
		}
	}
	if len(kids) == 1 {
		return kids[0], nil
	}
	return &disjunction{kids: kids}, nil
}

// and parses
//
//	and = not { { "AND" } not } .
//
// As in MLflow, AND may be left out, repeated, and end the filter.
func (p *parser) and() (node, error) {
	var kids []node
	for {
		n, err := p.not()
		if err != nil {
			return nil, err
		}
		if c, ok := n.(*conjunction); ok {
			kids = append(kids, c.kids...)
		} else {
			kids = append(kids, n)
		}
		and := p.tok.keyword == keywordAnd
		if err := p.skip(keywordAnd); err != nil {
			return nil, err
		}
		if p.tok.kind == tokenEOF || !and && !p.startsClause() {
			break
		}
	}
	if len(kids) == 1 {
		return kids[0], nil
	}
	return &conjunction{kids: kids}, nil
}

// startsClause reports whether a clause may begin with the token.
func (p *parser) startsClause() bool {
	switch p.tok.kind {
	case tokenWord:
		return p.tok.keyword == noKeyword || p.tok.keyword == keywordNot
	case tokenOpen, tokenDouble, tokenBacktick:
		return true
	}
	return false
}

// not parses
//
//	not = "NOT" not | primary .
func (p *parser) not() (node, error) {
	if p.tok.keyword != keywordNot {
		return p.primary()
	}
	if err := p.deeper(); err != nil {
		return nil, err
	}
	defer func() { p.depth-- }()
	if err := p.advance(); err != nil {
		return nil, err
	}
	n, err := p.not()
	if err != nil {
		return nil, err
	}
	return &negation{kid: n}, nil
}

// deeper counts a level of nesting.
func (p *parser) deeper() error {
	if p.depth++; p.depth > MaxDepth {
		return p.errorf(p.tok.at, "the filter is nested deeper than %d levels", MaxDepth)
	}
	return nil
}

// primary parses
//
//	primary = "(" or ")" | clause .
func (p *parser) primary() (node, error) {
	if p.tok.kind != tokenOpen {
		return p.clause()
	}
	if err := p.deeper(); err != nil {
		return nil, err
	}
	defer func() { p.depth-- }()
	open := p.tok.at
	if err := p.advance(); err != nil {
		return nil, err
	}
	n, err := p.or()
	if err != nil {
		return nil, err
	}
	if p.tok.kind == tokenEOF {
		return nil, p.errorf(open, "Invalid clause(s) in filter string: '(' (it is never closed)")
	}
	if p.tok.kind != tokenClose {
		return nil, p.unexpected("')', AND or OR")
	}
	return n, p.advance()
}

// name parses the rest of
//
//	operand = name | function "(" name ")" .
//	name    = [ prefix "." ] key .
//	prefix  = word | "`" text "`" .
//	key     = word { "." word } | quoted .
//
// No blank may stand around a dot. A name is split at its first dot.
func (p *parser) name(o *operand) error {
	first := p.tok
	o.nameAt, o.keyAt, o.keyText = first.at, first.at, first.text
	if err := p.advance(); err != nil {
		return err
	}
	if p.tok.kind != tokenDot {
		o.key = first.text
		if first.kind != tokenWord {
			o.key = first.inner()
		}
		return nil
	}
	o.prefix = first.text
	if first.kind == tokenBacktick && len(first.text) > 2 {
		o.prefix = first.inner()
	}
	return p.key(o)
}

// key parses the key behind the first dot.
func (p *parser) key(o *operand) error {
	o.keyAt = p.tok.end()
	for p.tok.kind == tokenDot {
		glued := p.tok.glued
		if err := p.advance(); err != nil {
			return err
		}
		if !glued || !p.tok.glued || !p.tok.isName() {
			return p.errorf(p.tok.at, "a key must follow the dot at once, as in metrics.loss or metrics.`val loss`")
		}
		part := p.tok
		if part.kind != tokenWord && part.at != o.keyAt {
			return p.errorf(part.at, "a key is quoted whole or not at all, as in tags.`a.b c`")
		}
		if err := p.advance(); err != nil {
			return err
		}
		if part.kind != tokenWord {
			o.key, o.keyText = part.inner(), part.text
			if p.tok.kind == tokenDot && p.tok.glued {
				return p.errorf(p.tok.at, "a key is quoted whole or not at all, as in tags.`a.b c`")
			}
			return nil
		}
		o.keyText = p.lexer.query[o.keyAt:part.end()]
		o.key = o.keyText
	}
	return nil
}

// operand parses the left side of a clause, see name.
func (p *parser) operand() (operand, error) {
	o := operand{at: p.tok.at}
	switch p.tok.kind {
	case tokenWord:
		if p.tok.keyword != noKeyword {
			return o, p.unexpected("a field")
		}
	case tokenDouble, tokenBacktick:
	case tokenNumber, tokenSingle:
		return o, p.errorf(p.tok.at, "Invalid comparison clause. Expected 'Identifier' found '%s'", p.tok.text)
	default:
		return o, p.unexpected("a field")
	}
	if !p.lexer.opensCall() {
		return o, p.name(&o)
	}
	for f := minFunction; f <= countFunction; f++ {
		if strings.EqualFold(p.tok.text, functionNames[f]) {
			o.function = f
		}
	}
	if o.function == noFunction {
		return o, p.errorf(p.tok.at, "there is no function '%s'. Valid functions are min, max, mean, first, last and count", p.tok.text)
	}
	return o, p.call(&o)
}

// opensCall reports whether the last token is a word and an opening
// parenthesis follows.
func (l *lexer) opensCall() bool {
	rest := strings.TrimLeftFunc(l.query[l.pos:], isBlank)
	return l.last.kind == tokenWord && strings.HasPrefix(rest, "(")
}

// call parses the function, its parentheses and the name between them.
func (p *parser) call(o *operand) error {
	for range 2 { // the function and "("
		if err := p.advance(); err != nil {
			return err
		}
	}
	if p.tok.kind != tokenWord && p.tok.kind != tokenBacktick {
		return p.unexpected("a metric, as in metrics.loss,")
	}
	if err := p.name(o); err != nil {
		return err
	}
	if p.tok.kind != tokenClose {
		return p.unexpected("')'")
	}
	return p.advance()
}
