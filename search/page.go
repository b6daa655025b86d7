package search

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
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
	if !utf8.Valid(text) || json.Unmarshal(text, &parsed) != nil {
		return 0, newError(token, 0, "Invalid page token, decoded value=%s", pythonBytes(text))
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(text, &fields); err != nil {
		return 0, newError(token, 0, "Invalid page token, parsed value=%s", string(text))
	}
	offset, err := strconv.Atoi(string(fields["offset"]))
	if err != nil || offset <= 0 {
		return 0, newError(token, 0, "Invalid page token, parsed value=%s", string(text))
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
