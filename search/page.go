package search

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// EncodeToken returns the page token for the results from offset on, as
// MLflow writes it: the base64 of {"offset": N}.
func EncodeToken(offset int) string {
	return base64.StdEncoding.EncodeToString(fmt.Appendf(nil, `{"offset": %d}`, offset))
}

// DecodeToken returns the offset of a page token, 0 for the empty one. Tokens
// of MLflow and of EncodeToken are the same. Errors are of type *Error; tokens
// for an offset of 0 and below are refused: MLflow refuses 0 too, and takes
// negative ones for positions from the end.
func DecodeToken(token string) (int, error) {
	if token == "" {
		return 0, nil
	}
	text, ok := decodeBase64(token)
	if !ok {
		return 0, newError(token, 0, "Invalid page token, could not base64-decode")
	}
	var parsed any
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	if !utf8.Valid(text) || !json.Valid(text) || decoder.Decode(&parsed) != nil {
		return 0, newError(token, 0, "Invalid page token, decoded value=%s", pythonBytes(text))
	}
	fields, _ := parsed.(map[string]any)
	n, _ := fields["offset"].(json.Number)
	offset, err := strconv.Atoi(n.String())
	if s, isText := fields["offset"].(string); isText && s != "" {
		if _, err := strconv.Atoi(s); err != nil {
			return 0, newError(token, 0, "Invalid page token, not stringable %s", s)
		}
	}
	if err != nil || offset <= 0 {
		return 0, newError(token, 0, "Invalid page token, parsed value=%s", pythonValue(parsed))
	}
	return offset, nil
}

// decodeBase64 decodes as Python's b64decode does: characters that do not
// belong are skipped, and what follows the padding is not looked at. It is
// false if the padding is wrong.
func decodeBase64(s string) ([]byte, bool) {
	var digits []byte
	pads := 0
	for i := 0; i < len(s) && (pads == 0 || (len(digits)+pads)%4 != 0); i++ {
		switch c := s[i]; {
		case c == '=' && len(digits)%4 >= 2:
			pads++
		case 'A' <= c && c <= 'Z', 'a' <= c && c <= 'z', '0' <= c && c <= '9', c == '+', c == '/':
			digits, pads = append(digits, c), 0
		}
	}
	if (len(digits)+pads)%4 != 0 {
		return nil, false
	}
	text, err := base64.RawStdEncoding.DecodeString(string(digits))
	return text, err == nil
}

// pythonBytes prints bytes as Python does: b'\x8e\n'.
func pythonBytes(text []byte) string {
	var b strings.Builder
	quote := byte('\'')
	if strings.ContainsRune(string(text), '\'') && !strings.ContainsRune(string(text), '"') {
		quote = '"'
	}
	b.WriteByte('b')
	b.WriteByte(quote)
	for _, c := range text {
		switch {
		case c == quote || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c == '\t':
			b.WriteString(`\t`)
		case c == '\n':
			b.WriteString(`\n`)
		case c == '\r':
			b.WriteString(`\r`)
		case c < ' ' || c > '~':
			fmt.Fprintf(&b, `\x%02x`, c)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte(quote)
	return b.String()
}

// pythonValue prints what JSON stands for as Python does. The keys of an
// object are sorted.
func pythonValue(v any) string {
	switch v := v.(type) {
	case nil:
		return "None"
	case bool:
		return map[bool]string{true: "True", false: "False"}[v]
	case string:
		return pythonText(v)
	case []any:
		parts := make([]string, len(v))
		for i, e := range v {
			parts[i] = pythonValue(e)
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case map[string]any:
		parts := make([]string, 0, len(v))
		for _, key := range slices.Sorted(maps.Keys(v)) {
			parts = append(parts, pythonText(key)+": "+pythonValue(v[key]))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	}
	return fmt.Sprint(v)
}
