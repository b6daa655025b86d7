package wire

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// maxDepth is how deeply lists and objects may be nested. No call needs more than four.
const maxDepth = 100

// maxValues is how many values a text may have: each takes much more memory than the two bytes in
// which it can be sent. The largest call of MLflow's clients has some thousands.
const maxValues = 200_000

var (
	errTooDeep = errors.New("lists and objects are nested too deeply")
	errTooMany = errors.New("there are too many values")
)

// parser reads JSON as Python's json.loads does: NaN, Infinity and -Infinity are numbers. Unlike
// encoding/json it keeps the digits of a number and refuses what is not Unicode.
type parser struct {
	text  string
	at    int
	depth int
	n     int // values so far
	// open are the items of the collections that have not ended yet, those of the innermost last.
	open []item
	room roomForItems
}

// roomForItems gives many short lists their memory a piece at a time.
type roomForItems struct {
	left  []item
	piece int
}

// mostRoom is the longest piece: what is left of the last one is for nothing.
const mostRoom = 512

func (r *roomForItems) keep(items []item) []item {
	if len(items) > len(r.left) {
		r.piece = min(max(8, 2*r.piece), mostRoom)
		r.left = make([]item, max(len(items), r.piece))
	}
	kept := r.left[:len(items):len(items)]
	r.left = r.left[len(items):]
	copy(kept, items)
	return kept
}

// parseValue reads one JSON value and nothing else.
func parseValue(text string) (value, error) {
	p := parser{text: text}
	v, err := p.value()
	if err == nil {
		if p.blanks(); p.at < len(text) {
			err = errors.New("there is more after the value")
		}
	}
	if err != nil {
		return value{}, fmt.Errorf("at byte %d: %w", p.at, err)
	}
	return v, nil
}

func (p *parser) blanks() {
	for p.at < len(p.text) {
		switch p.text[p.at] {
		case ' ', '\t', '\r', '\n':
			p.at++
		default:
			return
		}
	}
}

// next skips blanks and looks at the byte after them, 0 at the end.
func (p *parser) next() byte {
	if p.blanks(); p.at < len(p.text) {
		return p.text[p.at]
	}
	return 0
}

func (p *parser) value() (value, error) {
	switch c := p.next(); {
	case c == '{':
		return p.collection(kindObject, '}')
	case c == '[':
		return p.collection(kindList, ']')
	case c == '"':
		text, err := p.string()
		return value{kind: kindString, text: text}, err
	case c == '-' || c >= '0' && c <= '9':
		return p.number()
	}
	for _, word := range [...]struct {
		text string
		value
	}{
		{"null", value{}}, {"true", value{kind: kindTrue}}, {"false", value{kind: kindFalse}},
		{"NaN", value{kind: kindNumber, text: "NaN"}}, {"Infinity", value{kind: kindNumber, text: "Infinity"}},
	} {
		if strings.HasPrefix(p.text[p.at:], word.text) {
			p.at += len(word.text)
			return word.value, nil
		}
	}
	if p.at == len(p.text) {
		return value{}, errors.New("the text ends too early")
	}
	return value{}, errors.New("no value begins here")
}

func (p *parser) collection(of kind, end byte) (value, error) {
	if p.depth++; p.depth > maxDepth {
		return value{}, errTooDeep
	}
	p.at++
	if p.next() == end {
		p.at++
		p.depth--
		return value{kind: of}, nil
	}
	begin := len(p.open)
	for {
		i, err := p.item(of)
		if err != nil {
			return value{}, err
		}
		p.open = append(p.open, i)
		switch p.next() {
		case end:
			p.at++
			p.depth--
			v := value{kind: of, items: p.room.keep(p.open[begin:])}
			p.open = p.open[:begin]
			return v, nil
		case ',':
			p.at++
		default:
			return value{}, fmt.Errorf("',' or '%c' is missing", end)
		}
	}
}

func (p *parser) item(of kind) (i item, err error) {
	if p.n++; p.n > maxValues {
		return i, errTooMany
	}
	if of == kindObject {
		if p.next() != '"' {
			return i, errors.New("the name of a field is missing")
		}
		if i.name, err = p.string(); err != nil {
			return i, err
		}
		if p.next() != ':' {
			return i, errors.New("':' is missing")
		}
		p.at++
	}
	i.value, err = p.value()
	return i, err
}

// number reads a number of JSON's grammar, or -Infinity.
func (p *parser) number() (value, error) {
	begin := p.at
	if strings.HasPrefix(p.text[begin:], "-Infinity") {
		p.at += len("-Infinity")
		return value{kind: kindNumber, text: "-Infinity"}, nil
	}
	if p.text[p.at] == '-' {
		p.at++
	}
	whole := p.digits()
	ok := whole == 1 || whole > 1 && p.text[p.at-whole] != '0'
	if ok && p.at < len(p.text) && p.text[p.at] == '.' {
		p.at++
		ok = p.digits() > 0
	}
	if ok && p.at < len(p.text) && (p.text[p.at] == 'e' || p.text[p.at] == 'E') {
		p.at++
		if p.at < len(p.text) && (p.text[p.at] == '+' || p.text[p.at] == '-') {
			p.at++
		}
		ok = p.digits() > 0
	}
	if !ok {
		return value{}, errors.New("this is no number")
	}
	return value{kind: kindNumber, text: p.text[begin:p.at]}, nil
}

func (p *parser) digits() (n int) {
	for p.at < len(p.text) && p.text[p.at] >= '0' && p.text[p.at] <= '9' {
		p.at++
		n++
	}
	return n
}

// string reads a string. One without escapes shares the memory of the text.
func (p *parser) string() (string, error) {
	p.at++
	begin := p.at
	var unescaped []byte
	for p.at < len(p.text) {
		switch c := p.text[p.at]; {
		case c == '"':
			text := p.text[begin:p.at]
			if unescaped != nil {
				text = string(append(unescaped, text...))
			}
			p.at++
			if !utf8.ValidString(text) {
				return "", errors.New("the string is not valid UTF-8")
			}
			return text, nil
		case c < ' ':
			return "", errors.New("a control character in a string is not escaped")
		case c == '\\':
			unescaped = append(unescaped, p.text[begin:p.at]...)
			r, err := p.escape()
			if err != nil {
				return "", err
			}
			unescaped = utf8.AppendRune(unescaped, r)
			begin = p.at
		default:
			p.at++
		}
	}
	return "", errors.New("the text ends too early")
}

func (p *parser) escape() (rune, error) {
	p.at++
	if p.at == len(p.text) {
		return 0, errors.New("the text ends too early")
	}
	c := p.text[p.at]
	p.at++
	if c == 'u' {
		return p.unicode()
	}
	if i := strings.IndexByte(`"\/bfnrt`, c); i >= 0 {
		return rune("\"\\/\b\f\n\r\t"[i]), nil
	}
	return 0, errors.New("there is no such escape")
}

// unicode reads the digits of \uXXXX, and the second half of a pair.
func (p *parser) unicode() (rune, error) {
	r, err := p.unit()
	if err != nil || !utf16.IsSurrogate(r) {
		return r, err
	}
	if strings.HasPrefix(p.text[p.at:], `\u`) {
		p.at += 2
		second, err := p.unit()
		if err != nil {
			return 0, err
		}
		if r = utf16.DecodeRune(r, second); r != utf8.RuneError {
			return r, nil
		}
	}
	return 0, errors.New("half of a surrogate pair is no character")
}

func (p *parser) unit() (rune, error) {
	if len(p.text)-p.at < 4 {
		return 0, errors.New("the text ends too early")
	}
	digits := p.text[p.at : p.at+4]
	u, err := strconv.ParseUint(digits, 16, 16)
	if err != nil {
		return 0, errors.New(`\u is followed by four hexadecimal digits`)
	}
	p.at += 4
	return rune(u), nil
}
