package search

import (
	"strings"
	"testing"
	"unicode"
)

func TestErrorText(t *testing.T) {
	long := strings.Repeat("params.a = 'x' AND ", 20)
	for _, test := range []struct{ name, query, want string }{
		{"one line", "metrics.a == 1", "Invalid comparator '==' not one of '{'=', '!=', '<', '<=', '>', '>=', 'IN', 'NOT IN', 'BETWEEN', 'NOT BETWEEN', 'IS NULL', 'IS NOT NULL'}'\n" +
			"  metrics.a == 1\n" +
			"            ^"},
		{"at the end", "params.a = ", "Invalid clause(s) in filter string: 'params.a', '=' (a value is expected)\n" +
			"  params.a = \n" +
			"             ^"},
		{"second line", "params.a = 1 AND\n\tparams.b = x OR\nparams.c = 2", "Parameter value is either not quoted or unidentified quote types used for string value x. Use either single or double quotes.\n" +
			"   params.b = x OR\n" +
			"              ^"},
		{"carriage return", "params.a = 1\r\nAND x", "Invalid clause(s) in filter string: 'x' (an operator such as =, <, LIKE, IN or IS NULL is expected)\n" +
			"  AND x\n" +
			"       ^"},
		{"wide runes", "tags.漢字 = 'é' ;", "Invalid clause(s) in filter string: ';'\n" +
			"  tags.漢字 = 'é' ;\n" +
			"                  ^"},
		{"combining marks", "tags.`e\u0301` = 'e\u0301\u0301' ;", "Invalid clause(s) in filter string: ';'\n" +
			"  tags.`e\u0301` = 'e\u0301\u0301' ;\n" +
			"                 ^"},
		{"control characters", "tags.a = '\x1b[31m\u202e\x00' ;", "Invalid clause(s) in filter string: ';'\n" +
			"  tags.a = '\ufffd[31m\ufffd\ufffd' ;\n" +
			"                     ^"},
		{"control characters in the message", "tags.a = \x1b", "Invalid clause(s) in filter string: '\\x1b'\n" +
			"  tags.a = \ufffd\n" +
			"           ^"},
		{"invalid UTF-8", "tags.a = '\xff'", "the text is not valid UTF-8\n" +
			"  tags.a = '\ufffd'\n" +
			"            ^"},
		{"cut before", long + "==", "Invalid clause(s) in filter string: '==' (a field is expected)\n" +
			"  …" + long[len(long)-60:] + "==\n" +
			"   " + strings.Repeat(" ", 60) + "^"},
		{"cut after", "== " + long, "Invalid clause(s) in filter string: '==' (a field is expected)\n" +
			"  " + ("== " + long)[:100] + "…\n" +
			"  ^"},
		{"a long fragment", "metrics.a = '" + strings.Repeat("y", 300) + "'", "Expected numeric value type for metric. Found '" + strings.Repeat("y", 79) + "…\n" +
			"  metrics.a = '" + strings.Repeat("y", 87) + "…\n" +
			"              ^"},
	} {
		_, err := ParseRuns(test.query)
		if err == nil {
			t.Errorf("%s: no error", test.name)
			continue
		}
		got := err.Error()
		if got != test.want {
			t.Errorf("%s: got\n%s\nwant\n%s", test.name, got, test.want)
		}
		for _, r := range got {
			if unicode.IsControl(r) && r != '\n' || unicode.Is(unicode.Cf, r) {
				t.Errorf("%s: %q is printed raw", test.name, r)
			}
		}
	}
}

func TestErrorBounds(t *testing.T) {
	for _, e := range []*Error{
		{}, {Msg: "m"}, {Query: "q", Offset: -5}, {Query: "q", Offset: 99}, {Query: "\n\n", Offset: 1}, {Query: "é", Offset: 1},
	} {
		if got := e.Error(); strings.Count(got, "\n") > 2 {
			t.Errorf("%+v: got %q", e, got)
		}
	}
}
