package search

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"
)

// dump writes the tree of a filter without offsets.
func dump(n node) string {
	switch n := n.(type) {
	case *conjunction:
		return "(and" + dumpAll(n.kids) + ")"
	case *disjunction:
		return "(or" + dumpAll(n.kids) + ")"
	case *negation:
		return "(not " + dump(n.kid) + ")"
	case *clause:
		return fmt.Sprintf("(%v %+v %v %+v %q %+v %v)", n.op, n.field, n.numeric, n.numbers, n.texts, n.like, n.regexp)
	}
	return ""
}

func dumpAll(kids []node) string {
	var b strings.Builder
	for _, n := range kids {
		b.WriteString(" " + dump(n))
	}
	return b.String()
}

// seed adds the queries of the scripts.
func seed(f *testing.F, prefixes ...string) {
	f.Helper()
	files, err := filepath.Glob("testdata/*.test")
	if err != nil || len(files) == 0 {
		f.Fatalf("no scripts: %v", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		for line := range strings.SplitSeq(string(text), "\n") {
			for _, p := range prefixes {
				if query, ok := strings.CutPrefix(line, p+" "); ok {
					f.Add(query)
				}
			}
		}
	}
}

// checkError shows that an error is an *Error whose offset lies in the query
// and whose text is printable.
func checkError(t *testing.T, query string, err error) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) || e.Query != query || e.Offset < 0 || e.Offset > len(query) {
		t.Fatalf("%q: got %#v", query, err)
	}
	for _, r := range e.Error() {
		if r != '\n' && r < ' ' || r == 0x7f {
			t.Fatalf("%q: %q is printed raw", query, r)
		}
	}
}

// FuzzParse shows that no filter makes the parser panic, and that the
// canonical form of a filter gives the same tree.
func FuzzParse(f *testing.F) {
	seed(f, "runs", "experiments")
	for _, query := range []string{
		"name > 'b' AND metrics.acc > 0.5", "model_type BETWEEN 'a' AND 'b'", "dataset.digest = 'd1'", "creation_time > '2024-01-31'", "min(metrics.acc) < 1",
		"trace.status = 'OK' AND tags.name = 'x'", "metadata.run_id != 'r' OR execution_time > 5", "tags.`a b` IS NULL", "request_metadata.k LIKE 'v%'", "tags.NAME = 'x'",
	} {
		f.Add(query)
	}
	f.Fuzz(func(t *testing.T, query string) {
		for _, target := range []target{runs, experiments, models, traces} {
			first, err := parse(query, target)
			if err != nil {
				checkError(t, query, err)
				continue
			}
			if !utf8.ValidString(query) {
				t.Fatalf("%q is not UTF-8, and parses", query)
			}
			text := first.String()
			second, err := parse(text, target)
			if err != nil {
				t.Fatalf("%q: the canonical form does not parse: %v", query, err)
			}
			if got, want := dump(second.root), dump(first.root); got != want {
				t.Fatalf("%q: canonical form %q:\ngot  %s\nwant %s", query, text, got, want)
			}
			if again := second.String(); again != text {
				t.Fatalf("%q: the canonical form %q becomes %q", query, text, again)
			}
			first.Match(newMemory("x"))
		}
	})
}

// FuzzOrder does the same for an order_by item.
func FuzzOrder(f *testing.F) {
	seed(f, "order", "order-experiments")
	f.Fuzz(func(t *testing.T, item string) {
		for _, parse := range []func([]string) (*Order, error){ParseRunOrder, ParseExperimentOrder, ParseTraceOrder} {
			first, err := parse([]string{item})
			if err != nil {
				checkError(t, item, err)
				continue
			}
			m := newMemory("x")
			if c := first.Compare(first.Key(m), first.Key(m)); c != 0 {
				t.Fatalf("%q: a record is not equal to itself: %d", item, c)
			}
			var text strings.Builder
			first.keys[0].field.write(&text, first.keys[0].keyText)
			second, err := parse([]string{text.String()})
			if err != nil {
				t.Fatalf("%q: the canonical form %q does not parse: %v", item, text.String(), err)
			}
			if got, want := second.keys[0].field, first.keys[0].field; got != want {
				t.Fatalf("%q: got %+v, want %+v", item, got, want)
			}
		}
	})
}

// FuzzModelOrder shows that no field of an order of models makes the parser panic, and that what is
// ordered equals itself.
func FuzzModelOrder(f *testing.F) {
	for _, field := range []string{"", "name", "metrics.acc", "metrics.", "metrics.`a b`", "creation_time", "params.x", " model_id ", "metrics.a.b", "\xff"} {
		f.Add(field, "d", "1", true)
		f.Add(field, "", "1", false)
	}
	f.Fuzz(func(t *testing.T, field, name, digest string, down bool) {
		o, err := ParseModelOrder([]ModelOrderItem{{Field: field, Descending: down, On: Dataset{Name: name, Digest: digest}}})
		if err != nil {
			checkError(t, field, err)
			return
		}
		m := newMemory("x")
		if c := o.Compare(o.Key(m), o.Key(m)); c != 0 {
			t.Fatalf("%q: a record is not equal to itself: %d", field, c)
		}
	})
}

// FuzzLike compares the matcher with the regular expression that MLflow uses.
func FuzzLike(f *testing.F) {
	for _, p := range someLikes {
		for _, s := range someTexts {
			f.Add(p, s)
		}
	}
	f.Add("%a%b%c", "aabbcabc")
	f.Add("%\n_%", "a\nb\n")
	f.Add("%ab_b%\n", "xabab\nabbb\n\n")
	f.Fuzz(func(t *testing.T, pattern, s string) {
		if !utf8.ValidString(pattern) || !utf8.ValidString(s) || len(pattern) > 200 {
			return
		}
		like := compileLike(pattern, false)
		if got, want := like.match(s), likeReference(pattern, false).MatchString(s); got != want {
			t.Fatalf("%q LIKE %q: got %v, want %v", s, pattern, got, want)
		}
		if strings.ContainsAny(pattern+s, "İıiI") {
			return // Python folds these four together, Go does not
		}
		like = compileLike(pattern, true)
		if got, want := like.match(s), likeReference(pattern, true).MatchString(s); got != want {
			t.Fatalf("%q ILIKE %q: got %v, want %v", s, pattern, got, want)
		}
	})
}
