package server

import (
	"encoding/json"
	"errors"
	"strings"
	"unicode/utf8"
)

// maxQuery bounds the text of a query. Those of the page have about 60 fields, nine levels deep.
const maxQuery = 64 << 10

// maxNesting bounds what the parser itself goes into.
const maxNesting = 50

var errBadQuery = errors.New("the query cannot be understood")

// selection is a field that a query asks for.
type selection struct {
	name, alias string
	aliased     bool
	// arguments are JSON, by name.
	arguments map[string]json.RawMessage
	fields    []selection
	// spread is the name of a fragment that stands here instead of a field.
	spread string
}

// queryParser reads as much of GraphQL as selects fields. Types and directives are passed over:
// nothing here depends on them.
type queryParser struct {
	text      string
	at, depth int
	variables map[string]json.RawMessage
	fragments map[string][]selection
}

// parseQuery gives the fields that the first operation of a query asks for, fragments put in their
// place.
func parseQuery(text string, variables map[string]json.RawMessage) ([]selection, error) {
	if len(text) > maxQuery {
		return nil, errors.New("the query is too long")
	}
	p := &queryParser{text: text, variables: variables, fragments: map[string][]selection{}}
	var operation []selection
	for p.peek() != 0 {
		fragment := ""
		if p.peek() != '{' {
			if p.word() == "fragment" {
				fragment = p.word()
			}
			p.skipTo('{')
		}
		fields, err := p.fields()
		if err != nil {
			return nil, err
		}
		if fragment != "" {
			p.fragments[fragment] = fields
		} else if operation == nil {
			operation = fields
		}
	}
	left := maxSelections
	return p.expand(operation, &left, 1)
}

// expand puts fragments in their place. What a query of a few lines could grow to is bounded.
func (p *queryParser) expand(fields []selection, left *int, depth int) ([]selection, error) {
	if depth > maxQueryDepth {
		return nil, errTooDeep
	}
	var all []selection
	for _, f := range fields {
		if *left--; *left < 0 {
			return nil, errTooManySelections
		}
		of, inside := f.fields, depth+1
		if f.name == "" {
			inside = depth // a fragment stands in the place of its fields
		}
		if f.spread != "" {
			of = p.fragments[f.spread]
		}
		if len(of) == 0 {
			inside = depth
		}
		inner, err := p.expand(of, left, inside)
		if err != nil {
			return nil, err
		}
		if f.name == "" {
			all = append(all, inner...)
			continue
		}
		f.fields = inner
		all = append(all, f)
	}
	return all, nil
}

// peek skips what means nothing, and looks at the byte after it, 0 at the end.
func (p *queryParser) peek() byte {
	for p.at < len(p.text) {
		switch c := p.text[p.at]; {
		case c == '#':
			for p.at < len(p.text) && p.text[p.at] != '\n' {
				p.at++
			}
		case strings.IndexByte(" \t\r\n,", c) >= 0:
			p.at++
		default:
			return c
		}
	}
	return 0
}

// word reads a name, "" where none stands.
func (p *queryParser) word() string {
	p.peek()
	begin := p.at
	for p.at < len(p.text) && (p.text[p.at] == '_' || p.text[p.at] >= '0' && p.text[p.at] <= '9' || p.text[p.at]|0x20 >= 'a' && p.text[p.at]|0x20 <= 'z') {
		p.at++
	}
	return p.text[begin:p.at]
}

// skipTo passes over names, types and variables of an operation, in brackets too.
func (p *queryParser) skipTo(end byte) {
	depth := 0
	for c := p.peek(); c != 0; c = p.peek() {
		switch {
		case c == '(':
			depth++
		case c == ')':
			depth--
		case c == end && depth == 0:
			return
		}
		p.at++
	}
}

// fields reads { … }.
func (p *queryParser) fields() (list []selection, err error) {
	if p.depth++; p.depth > maxNesting {
		return nil, errTooDeep
	}
	defer func() { p.depth-- }()
	if p.peek() != '{' {
		return nil, errBadQuery
	}
	p.at++
	for p.peek() != '}' {
		f, err := p.field()
		if err != nil {
			return nil, err
		}
		list = append(list, f)
	}
	p.at++
	return list, nil
}

// field reads a field with its alias, arguments and fields, or a fragment.
func (p *queryParser) field() (f selection, err error) {
	if strings.HasPrefix(p.text[p.at:], "...") {
		p.at += 3
		if name := p.word(); name != "on" {
			f.spread = name
		}
		if f.spread == "" {
			p.skipTo('{')
			f.fields, err = p.fields()
		}
		return f, err
	}
	if f.name = p.word(); f.name == "" {
		return f, errBadQuery
	}
	f.alias = f.name
	if p.peek() == ':' {
		p.at++
		f.aliased = true
		if f.name = p.word(); f.name == "" {
			return f, errBadQuery
		}
	}
	if p.peek() == '(' {
		if f.arguments, err = p.pairs(')'); err != nil {
			return f, err
		}
	}
	for p.peek() == '@' {
		p.at++
		p.word()
		if p.peek() == '(' {
			if _, err := p.pairs(')'); err != nil {
				return f, err
			}
		}
	}
	if p.peek() == '{' {
		f.fields, err = p.fields()
	}
	return f, err
}

// pairs reads name: value … up to end.
func (p *queryParser) pairs(end byte) (map[string]json.RawMessage, error) {
	p.at++
	pairs := map[string]json.RawMessage{}
	for p.peek() != end {
		name := p.word()
		if name == "" || p.peek() != ':' {
			return nil, errBadQuery
		}
		p.at++
		v, err := p.value()
		if err != nil {
			return nil, err
		}
		pairs[name] = v
	}
	p.at++
	return pairs, nil
}

// value reads the value of an argument as JSON.
func (p *queryParser) value() (json.RawMessage, error) {
	if p.depth++; p.depth > maxNesting {
		return nil, errTooDeep
	}
	defer func() { p.depth-- }()
	switch p.peek() {
	case '$':
		p.at++
		if v, ok := p.variables[p.word()]; ok {
			return v, nil
		}
		return json.RawMessage("null"), nil
	case '"':
		return p.quoted()
	case '{':
		pairs, err := p.pairs('}')
		if err != nil {
			return nil, err
		}
		return json.Marshal(pairs)
	case '[':
		p.at++
		list := []json.RawMessage{}
		for p.peek() != ']' {
			v, err := p.value()
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		p.at++
		return json.Marshal(list)
	}
	begin := p.at
	for p.at < len(p.text) && strings.IndexByte(" \t\r\n,)]}", p.text[p.at]) < 0 {
		p.at++
	}
	text := p.text[begin:p.at]
	switch {
	case text == "" || !utf8.ValidString(text):
		return nil, errBadQuery
	case json.Valid([]byte(text)):
		return json.RawMessage(text), nil
	}
	return json.Marshal(text) // a name of an enumeration
}

func (p *queryParser) quoted() (json.RawMessage, error) {
	begin := p.at
	for p.at++; p.at < len(p.text); p.at++ {
		switch p.text[p.at] {
		case '\\':
			p.at++
		case '"':
			p.at++
			if text := p.text[begin:p.at]; json.Valid([]byte(text)) {
				return json.RawMessage(text), nil
			}
			return nil, errBadQuery
		}
	}
	return nil, errBadQuery
}
