package artifacts

import "strings"

// parts is a location taken apart as Python's urlsplit does; nothing in it is decoded.
type parts struct {
	scheme    string // in lower case, "" for a plain path
	host      string
	authority bool // there was a "//" before the host
	path      string
	query     string
	fragment  string
}

// split never fails: what is no URI is a plain path. The query and fragment of a plain path are cut
// from path only.
func split(uri string) parts {
	var u parts
	rest := uri
	if i := strings.IndexByte(uri, ':'); i > 1 && isScheme(uri[:i]) {
		u.scheme, rest = strings.ToLower(uri[:i]), uri[i+1:]
	}
	rest, u.fragment = cut(rest, '#')
	rest, u.query = cut(rest, '?')
	if u.scheme != "" && strings.HasPrefix(rest, "//") {
		u.authority = true
		rest = rest[2:]
		end := strings.IndexByte(rest, '/')
		if end < 0 {
			end = len(rest)
		}
		u.host, rest = rest[:end], rest[end:]
	}
	u.path = rest
	return u
}

// String puts the location together again.
func (u parts) String() string {
	s := u.scheme + ":"
	if u.authority {
		s += "//" + u.host
	}
	return s + u.path + u.tail()
}

// tail is the query and the fragment with their marks.
func (u parts) tail() string {
	s := ""
	if u.query != "" {
		s = "?" + u.query
	}
	if u.fragment != "" {
		s += "#" + u.fragment
	}
	return s
}

func cut(s string, mark byte) (before, after string) {
	if i := strings.IndexByte(s, mark); i >= 0 {
		return s[:i], s[i+1:]
	}
	return s, ""
}

func isScheme(s string) bool {
	if !letter(s[0]) {
		return false
	}
	for i := range len(s) {
		if c := s[i]; !letter(c) && !digit(c) && c != '+' && c != '-' && c != '.' {
			return false
		}
	}
	return true
}

func escape(p string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	b.Grow(len(p))
	for i := range len(p) {
		c := p[i]
		if letter(c) || digit(c) || strings.IndexByte("_.-~/", c) >= 0 {
			b.WriteByte(c)
			continue
		}
		b.Write([]byte{'%', hex[c>>4], hex[c&15]})
	}
	return b.String()
}

// unescape is Python's unquote, which leaves invalid escapes as they are, but that bytes that are
// not UTF-8 are kept.
func unescape(s string) string {
	if !strings.Contains(s, "%") {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	for i := 0; i < len(s); i++ {
		if !escapeAt(s, i) {
			b.WriteByte(s[i])
			continue
		}
		b.WriteByte(nibble(s[i+1])<<4 | nibble(s[i+2]))
		i += 2
	}
	return b.String()
}

// protect escapes only what unescape would change.
func protect(p string) string {
	var b strings.Builder
	for i := range len(p) {
		b.WriteByte(p[i])
		if escapeAt(p, i) {
			b.WriteString("25")
		}
	}
	return b.String()
}

func escapeAt(s string, i int) bool {
	return s[i] == '%' && i+2 < len(s) && nibble(s[i+1]) < 16 && nibble(s[i+2]) < 16
}

// nibble is the value of a hexadecimal digit, 255 for anything else.
func nibble(c byte) byte {
	switch {
	case digit(c):
		return c - '0'
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10
	}
	return 255
}

func letter(c byte) bool { return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' }

func digit(c byte) bool { return '0' <= c && c <= '9' }
