package search

import "strings"

// clause parses
//
//	clause  = operand ( compare | [ "NOT" ] ( match | in | between ) | "IS" [ "NOT" ] "NULL" ) .
//	compare = ( "=" | "!=" | "<" | "<=" | ">" | ">=" ) literal .
//	match   = ( "LIKE" | "ILIKE" | "RLIKE" ) literal .
//	in      = "IN" list .
//	between = "BETWEEN" literal "AND" literal .
func (p *parser) clause() (node, error) {
	p.begun, p.from = true, p.tok.at
	n, err := p.comparison()
	p.begun = err != nil
	return n, err
}

func (p *parser) comparison() (node, error) {
	o, err := p.operand()
	if err != nil {
		return nil, err
	}
	c := &clause{operand: o, opAt: p.tok.at}
	if p.tok.kind == tokenOperator {
		return c, p.compare(c)
	}
	negated := p.tok.keyword == keywordNot
	if negated {
		if err := p.advance(); err != nil {
			return nil, err
		}
	}
	switch p.tok.keyword {
	case keywordLike:
		c.op = opLike
		err = p.match(c)
	case keywordILike:
		c.op = opILike
		err = p.match(c)
	case keywordRLike:
		c.op = opRLike
		err = p.match(c)
	case keywordIn:
		c.op = opIn
		err = p.in(c)
	case keywordBetween:
		c.op = opBetween
		err = p.between(c)
	case keywordIs:
		if negated {
			return nil, p.unexpected("IN, LIKE, ILIKE, RLIKE or BETWEEN")
		}
		c.op = opIsNull
		negated, err = p.isNull()
	default:
		return nil, p.unexpected("an operator such as =, <, LIKE, IN or IS NULL")
	}
	if negated {
		c.op++ // the negation stands behind every operator that has one
	}
	return c, err
}

// compare parses a symbol and its literal. A symbol that is no operator is
// left to the checker, which knows the valid ones.
func (p *parser) compare(c *clause) error {
	op, ok := symbolOperator(p.tok.text)
	if !ok {
		c.symbol = p.tok.text
	}
	c.op = op
	return p.match(c)
}

// match parses the operator's last token and a literal.
func (p *parser) match(c *clause) error {
	if err := p.advance(); err != nil {
		return err
	}
	l, err := p.literal()
	c.literals = []literal{l}
	return err
}

// between parses "BETWEEN" literal "AND" literal.
func (p *parser) between(c *clause) error {
	if err := p.match(c); err != nil {
		return err
	}
	if p.tok.keyword != keywordAnd {
		return p.unexpected("the AND of BETWEEN")
	}
	if err := p.advance(); err != nil {
		return err
	}
	high, err := p.literal()
	c.literals = append(c.literals, high)
	return err
}

// isNull parses "IS" [ "NOT" ] "NULL" and tells whether there is a NOT.
func (p *parser) isNull() (bool, error) {
	if err := p.advance(); err != nil {
		return false, err
	}
	negated := p.tok.keyword == keywordNot
	if negated {
		if err := p.advance(); err != nil {
			return false, err
		}
	}
	if p.tok.keyword != keywordNull {
		return false, p.unexpected("NULL")
	}
	return negated, p.advance()
}

// literal parses
//
//	literal = number | string .
//	number  = [ "-" ] ( digits [ "." [ digits ] ] | "." digits ) [ ( "e" | "E" ) [ "-" | "+" ] digits ] .
//	string  = "'" text "'" | '"' text '"' .
//
// A name is taken too: only the checker can tell what should stand there.
func (p *parser) literal() (literal, error) {
	t := p.tok
	l := literal{at: t.at, text: t.text}
	switch t.kind {
	case tokenNumber:
		l.kind, l.num = numberLiteral, parseNumber(t.text)
	case tokenSingle, tokenDouble:
		l.kind, l.str = stringLiteral, t.inner()
	case tokenWord, tokenBacktick:
		if t.keyword != noKeyword {
			return l, p.unexpected("a value")
		}
		var o operand
		if err := p.name(&o); err != nil {
			return l, err
		}
		l.kind = nameLiteral
		if t.isBoolean() {
			return l, p.invalid(t.at, t.end(), " (a text is written in quotes)")
		}
		if o.prefix != "" {
			l.text += "." + o.keyText
		}
		return l, nil
	case tokenOpen:
		return l, p.list(&l)
	default:
		return l, p.unexpected("a value")
	}
	return l, p.advance()
}

// list takes a list of values where one value should stand: only the checker knows what to say of
// it.
func (p *parser) list(l *literal) error {
	l.kind = listLiteral
	for p.tok.kind != tokenClose {
		if p.tok.kind == tokenEOF {
			return p.unexpected("')'")
		}
		if err := p.advance(); err != nil {
			return err
		}
	}
	l.text = p.lexer.query[l.at:p.tok.end()]
	return p.advance()
}

// in parses "IN" and
//
//	list = "(" item { "," item } [ "," ] ")" .
//	item = number | string { string } .
//
// MLflow evaluates the list as a Python tuple: Python's escapes apply, and
// strings that touch are joined.
func (p *parser) in(c *clause) error {
	if err := p.advance(); err != nil {
		return err
	}
	if p.tok.kind != tokenOpen {
		return p.unexpected("a list such as ('a', 'b')")
	}
	if err := p.advance(); err != nil {
		return err
	}
	if p.tok.kind == tokenClose {
		return p.errorf(p.tok.at, emptyList)
	}
	for p.tok.kind != tokenClose {
		l, err := p.item()
		if err != nil {
			return err
		}
		c.literals = append(c.literals, l)
		if p.tok.kind == tokenClose {
			break
		}
		if p.tok.kind != tokenComma {
			return p.errorf(p.tok.at, illFormed)
		}
		if err := p.advance(); err != nil {
			return err
		}
	}
	return p.advance()
}

// item parses an element of a list, see in.
func (p *parser) item() (literal, error) {
	l := literal{at: p.tok.at, text: p.tok.text}
	switch p.tok.kind {
	case tokenNumber:
		l.num = parseNumber(p.tok.text)
		return l, p.advance()
	case tokenSingle, tokenDouble:
	case tokenComma, tokenEOF:
		return l, p.errorf(p.tok.at, illFormed)
	default:
		return l, p.errorf(p.tok.at, otherType, p.tok.text)
	}
	l.kind = stringLiteral
	var parts []string
	for p.tok.kind == tokenSingle || p.tok.kind == tokenDouble {
		s, at, problem := pythonStrings(p.tok.text)
		if problem != "" {
			return l, p.errorf(p.tok.at+at, "%s", problem)
		}
		parts = append(parts, p.tok.text)
		l.str += s
		if err := p.advance(); err != nil {
			return l, err
		}
	}
	l.text = strings.Join(parts, " ")
	return l, nil
}
