package search

import "strings"

// tokenKind says what a token is.
type tokenKind uint8

const (
	tokenEOF      tokenKind = iota
	tokenWord               // acc, AND, mlflow, and malformed numbers such as 1_000
	tokenNumber             // 1, -.5, 1e-3
	tokenSingle             // 'text'
	tokenDouble             // "text": a value or a name
	tokenBacktick           // `name`
	tokenOperator           // a run of < > = ! ~
	tokenDot
	tokenComma
	tokenOpen
	tokenClose
)

// token is a piece of the query with its place in it.
type token struct {
	kind    tokenKind
	keyword keyword // of a word that is not part of a dotted name
	glued   bool    // no blank before it
	at      int     // byte offset
	text    string  // as written, quotes included
}

// end is the offset behind the token.
func (t token) end() int { return t.at + len(t.text) }

// isBoolean reports whether a word is one that MLflow's tokenizer takes for a
// keyword where a value belongs.
func (t token) isBoolean() bool {
	return t.kind == tokenWord && (strings.EqualFold(t.text, "true") || strings.EqualFold(t.text, "false"))
}

// inner is the text between the quotes. Nothing is un-escaped: MLflow removes
// the outer pair only.
func (t token) inner() string { return t.text[1 : len(t.text)-1] }

// keyword is a reserved word. Case does not matter.
type keyword uint8

const (
	noKeyword keyword = iota
	keywordAnd
	keywordOr
	keywordNot
	keywordIn
	keywordIs
	keywordNull
	keywordLike
	keywordILike
	keywordRLike
	keywordBetween
)

// keywordOf returns the keyword that word spells, if any.
func keywordOf(word string) keyword {
	is := func(want string, k keyword) keyword {
		if strings.EqualFold(word, want) {
			return k
		}
		return noKeyword
	}
	switch len(word) {
	case 2:
		return max(is("OR", keywordOr), is("IN", keywordIn), is("IS", keywordIs))
	case 3:
		return max(is("AND", keywordAnd), is("NOT", keywordNot))
	case 4:
		return max(is("NULL", keywordNull), is("LIKE", keywordLike))
	case 5:
		return max(is("ILIKE", keywordILike), is("RLIKE", keywordRLike))
	case 7:
		return is("BETWEEN", keywordBetween)
	}
	return noKeyword
}
