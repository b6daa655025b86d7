package search

import (
	"unicode"
	"unicode/utf8"
)

// likePattern is a compiled pattern of LIKE or ILIKE.
//
// % matches any sequence and _ exactly one character, neither of them a
// newline; nothing escapes them. The end of the pattern must meet the end of
// the value, or one newline before it, unless the pattern ends with %: then
// anything may follow. This is what MLflow's translation to a regular
// expression amounts to.
type likePattern struct {
	items []likeItem
	fold  bool
	open  bool // ends with %
}

// likeItem matches one character, or any sequence.
type likeItem struct {
	r    rune // folded, if the pattern folds case
	kind likeKind
}

type likeKind uint8

const (
	likeRune likeKind = iota
	likeOne
	likeAny
)

func compileLike(pattern string, foldCase bool) likePattern {
	p := likePattern{fold: foldCase}
	for _, r := range pattern {
		p.open = r == '%'
		switch {
		case p.open && len(p.items) > 0 && p.items[len(p.items)-1].kind == likeAny:
			// %% is %
		case p.open:
			p.items = append(p.items, likeItem{kind: likeAny})
		case r == '_':
			p.items = append(p.items, likeItem{kind: likeOne})
		case foldCase:
			p.items = append(p.items, likeItem{r: fold(r)})
		default:
			p.items = append(p.items, likeItem{r: r})
		}
	}
	if p.open {
		p.items = p.items[:len(p.items)-1] // the end is not looked at
	}
	return p
}

// match reports whether the pattern matches s. Only the last % has to be
// revisited: none reaches over a newline, and within a line the leftmost match
// of what lies between two of them leaves the most room for the rest.
func (p *likePattern) match(s string) bool {
	at, item := 0, 0
	retryItem, retryAt := -1, 0
	for {
		if item == len(p.items) {
			if p.open || at == len(s) || s[at:] == "\n" {
				return true
			}
		} else if p.items[item].kind == likeAny {
			item++
			retryItem, retryAt = item, at
			continue
		} else if size := p.step(item, s[at:]); size > 0 {
			at += size
			item++
			continue
		}
		if retryItem < 0 || retryAt == len(s) || s[retryAt] == '\n' {
			return false
		}
		_, size := utf8.DecodeRuneInString(s[retryAt:])
		retryAt += size
		item, at = retryItem, retryAt
	}
}

// step returns the length of the first character of s if the item matches it, or 0.
func (p *likePattern) step(item int, s string) int {
	if s == "" {
		return 0
	}
	r, size := utf8.DecodeRuneInString(s)
	if p.items[item].kind == likeOne {
		if r == '\n' {
			return 0
		}
		return size
	}
	if p.fold {
		r = fold(r)
	}
	if r != p.items[item].r {
		return 0
	}
	return size
}

// fold maps all runes that differ only in case, by Python's rule for regular
// expressions, to the same one.
func fold(r rune) rune {
	if r < utf8.RuneSelf {
		if 'A' <= r && r <= 'Z' {
			r += 'a' - 'A'
		}
		return r
	}
	if r == 'İ' || r == 'ı' {
		return 'i'
	}
	least := r
	for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
		least = min(least, f)
	}
	if least < utf8.RuneSelf {
		return fold(least)
	}
	return least
}
