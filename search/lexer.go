package search

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// lexer cuts a query into tokens, each with its byte offset. Where a token
// ends is what sqlparse, MLflow's tokenizer, says.
type lexer struct {
	query string
	pos   int
	last  token
}

// next returns the next token, or an *Error at the first byte that begins none.
func (l *lexer) next() (token, error) {
	start := l.pos
	l.skipBlanks()
	t := token{at: l.pos, glued: l.pos == start}
	if l.pos == len(l.query) {
		l.last = t
		return t, nil
	}
	kind, size, err := l.scan(t.glued)
	if err != nil {
		return token{}, err
	}
	t.kind, t.text = kind, l.query[l.pos:l.pos+size]
	l.pos += size
	if kind == tokenWord && !l.follows('.') {
		t.keyword = keywordOf(t.text)
	}
	l.last = t
	return t, nil
}

// scan measures the token at pos.
func (l *lexer) scan(glued bool) (tokenKind, int, error) {
	rest := l.query[l.pos:]
	if glued && l.last.kind == tokenDot {
		// Behind a dot a word may begin with a digit: metrics.0_loss.
		if n := wordLen(rest); n > 0 {
			return tokenWord, n, nil
		}
	}
	switch c := rest[0]; c {
	case '(':
		return tokenOpen, 1, nil
	case ')':
		return tokenClose, 1, nil
	case ',':
		return tokenComma, 1, nil
	case '\'':
		return l.quoted(tokenSingle)
	case '"':
		return l.quoted(tokenDouble)
	case '`':
		return l.quoted(tokenBacktick)
	case '<', '>', '=', '!', '~':
		n := 1
		for n < len(rest) && isOperatorByte(rest[n]) {
			n++
		}
		return tokenOperator, n, nil
	case '.':
		if (glued && l.last.isName()) || !startsNumber(rest) {
			return tokenDot, 1, nil
		}
	}
	if startsNumber(rest) {
		n, ok := numberLen(rest)
		if !ok {
			return tokenWord, n, nil
		}
		return tokenNumber, n, nil
	}
	r, size := utf8.DecodeRuneInString(rest)
	if unicode.IsLetter(r) || r == '_' {
		return tokenWord, wordLen(rest), nil
	}
	return 0, 0, l.unexpected(r, size)
}

// unexpected is the error for a character that begins no token.
func (l *lexer) unexpected(r rune, size int) error {
	rest := l.query[l.pos:]
	hint := ""
	switch {
	case r == ';' && strings.TrimFunc(rest[1:], isBlank) != "":
		return newError(l.query, l.pos, "Search filter contained multiple expression %s. Provide AND-ed expression list.", pythonText(l.query))
	case r == utf8.RuneError && size == 1:
		return newError(l.query, l.pos, "the text is not valid UTF-8")
	case l.last.isName() && l.last.end() == l.pos && r != ';':
		hint = " (a key with such a character needs quotes, as in metrics.`a/b`)"
	case r == '#' || strings.HasPrefix(rest, "--") || strings.HasPrefix(rest, "/*"):
		hint = " (there are no comments)"
	case r == '+' || r == '-':
		hint = " (a number is written 0.5 or -0.5, without a plus sign or a blank)"
	}
	return newError(l.query, l.pos, "Invalid clause(s) in filter string: '%s'"+hint, rest[:size])
}

// quoted measures a quoted token. A doubled quote, and but for backticks a
// backslash before one, do not end it, unless no other quote does: then the
// last such place is its end, as in sqlparse.
func (l *lexer) quoted(kind tokenKind) (tokenKind, int, error) {
	rest := l.query[l.pos:]
	quote, fallback := rest[0], 0
	for i := 1; i < len(rest); {
		switch {
		case rest[i] == quote && i+1 < len(rest) && rest[i+1] == quote:
			fallback = i + 1
			i += 2
		case rest[i] == quote:
			return kind, i + 1, l.checkText(i + 1)
		case rest[i] == '\\' && quote != '`' && i+1 < len(rest) && rest[i+1] == quote:
			fallback = i + 2
			i += 2
		default:
			i++
		}
	}
	if fallback == 0 {
		return 0, 0, newError(l.query, l.pos, "Invalid clause(s) in filter string: '%c' (no closing quote)", quote)
	}
	return kind, fallback, l.checkText(fallback)
}

// checkText reports the first byte of the next size ones that is not UTF-8.
func (l *lexer) checkText(size int) error {
	text := l.query[l.pos : l.pos+size]
	if utf8.ValidString(text) {
		return nil
	}
	for i, r := range text {
		if r == utf8.RuneError {
			if _, n := utf8.DecodeRuneInString(text[i:]); n == 1 {
				return newError(l.query, l.pos+i, "the text is not valid UTF-8")
			}
		}
	}
	return nil
}

// isName reports whether a glued dot behind t continues a name.
func (t token) isName() bool {
	return t.kind == tokenWord || t.kind == tokenBacktick || t.kind == tokenDouble || t.kind == tokenSingle
}

// follows reports whether the next byte is c.
func (l *lexer) follows(c byte) bool { return l.pos < len(l.query) && l.query[l.pos] == c }

func (l *lexer) skipBlanks() {
	for l.pos < len(l.query) {
		r, size := utf8.DecodeRuneInString(l.query[l.pos:])
		if !isBlank(r) {
			return
		}
		l.pos += size
	}
}

// isBlank is Python's idea of white space, which has four separators more than Go's.
func isBlank(r rune) bool { return unicode.IsSpace(r) || r >= 0x1c && r <= 0x1f }

func isOperatorByte(c byte) bool {
	return c == '<' || c == '>' || c == '=' || c == '!' || c == '~'
}

func isWordRune(r rune) bool {
	if r < utf8.RuneSelf {
		return r == '_' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
	}
	return unicode.IsLetter(r) || unicode.IsNumber(r) || unicode.IsMark(r)
}

// wordLen is the length of the word that s begins with.
func wordLen(s string) int {
	for i, r := range s {
		if !isWordRune(r) {
			return i
		}
	}
	return len(s)
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// startsNumber reports whether s begins with [-] digit or [-] "." digit.
func startsNumber(s string) bool {
	if s[0] == '-' {
		s = s[1:]
	}
	if len(s) > 1 && s[0] == '.' {
		s = s[1:]
	}
	return s != "" && isDigit(s[0])
}

// numberLen measures the number that s begins with: an optional minus, digits
// with an optional point, an optional exponent. It is false for digits that run
// into something else (1_000, 0x1, 0.5and), with the length of all of it.
func numberLen(s string) (int, bool) {
	i := 0
	digits := func() {
		for i < len(s) && isDigit(s[i]) {
			i++
		}
	}
	if s[i] == '-' {
		i++
	}
	digits()
	if i < len(s) && s[i] == '.' {
		i++
		digits()
	}
	if n := exponentLen(s[i:]); n > 0 {
		i += n
	}
	tail := 0
	for _, r := range s[i:] {
		if !isWordRune(r) && r != '.' {
			break
		}
		tail += utf8.RuneLen(r)
	}
	return i + tail, tail == 0
}

// exponentLen measures e5, E-5 or e+5. MLflow knows no plus sign here, but it
// is how Python prints large numbers.
func exponentLen(s string) int {
	if s == "" || s[0] != 'e' && s[0] != 'E' {
		return 0
	}
	i := 1
	if i < len(s) && (s[i] == '-' || s[i] == '+') {
		i++
	}
	first := i
	for i < len(s) && isDigit(s[i]) {
		i++
	}
	if i == first {
		return 0
	}
	return i
}
