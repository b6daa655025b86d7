package pyfmt

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"
)

// parse reads a document with yaml.v3, each scalar as its text and style say.
func parse(t testing.TB, text string) *yaml.Node {
	t.Helper()
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(text), &doc); err != nil {
		t.Fatalf("yaml.v3 cannot read %q: %v", text, err)
	}
	return doc.Content[0]
}

// fromNode returns the Value of a parsed node.
func fromNode(n *yaml.Node) Value {
	switch n.Kind {
	case yaml.MappingNode:
		fields := []Field{}
		for i := 0; i < len(n.Content); i += 2 {
			fields = append(fields, Field{n.Content[i].Value, fromNode(n.Content[i+1])})
		}
		return Mapping(fields)
	case yaml.SequenceNode:
		items := []Value{}
		for _, item := range n.Content {
			items = append(items, fromNode(item))
		}
		return Sequence(items)
	}
	if n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0 {
		return String(n.Value)
	}
	return Plain(n.Value)
}

// TestRewriteMetaFiles reads meta files that MLflow wrote and writes the same bytes.
func TestRewriteMetaFiles(t *testing.T) {
	files, err := filepath.Glob("testdata/meta/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, name := range files {
		want, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		got := document(t, fromNode(parse(t, string(want))).fields...)
		if diff := cmp.Diff(string(want), got); diff != "" {
			t.Errorf("%s (-MLflow +got):\n%s", name, diff)
		}
	}
}

// FuzzYAML writes a string, as a value and as a key, at several depths and reads it back with
// yaml.v3. Nobody may take a scalar without quotes for anything but a string.
func FuzzYAML(f *testing.F) {
	g := readGolden(f)
	for _, c := range append(g.Strings, g.Retyped...) {
		f.Add(c.S)
	}
	f.Fuzz(func(t *testing.T, s string) {
		fields := places(s)
		out, err := AppendDocument(nil, fields)
		if !utf8.ValidString(s) {
			if err == nil {
				t.Fatalf("%q is written as %q, want an error", s, out)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(string(out), "\n") {
			t.Fatalf("%q does not end in a line feed", out)
		}
		root := parse(t, string(out))
		if got := fromNode(root); !reflect.DeepEqual(got, Mapping(fields)) {
			t.Errorf("%q is read back as %+v, want %+v", out, got, fields)
		}
		checkStrings(t, root)
	})
}

// checkStrings reports the plain scalars below n that PyYAML or yaml.v3 takes for anything but
// strings.
func checkStrings(t *testing.T, n *yaml.Node) {
	t.Helper()
	if n.Kind == yaml.ScalarNode && n.Style == 0 {
		if kind := Resolve(n.Value); kind != KindString || n.ShortTag() != "!!str" {
			t.Errorf("plain %q is %d for PyYAML and %s for yaml.v3", n.Value, kind, n.ShortTag())
		}
	}
	for _, child := range n.Content {
		checkStrings(t, child)
	}
}
