package filestore

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"gopkg.in/yaml.v3"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/internal/pyfmt"
)

// document is a meta.yaml: a mapping whose scalars are kept as text, because YAML 1.1 and 1.2 disagree on what many of them are,
// and whose unknown keys are kept for the next rewrite.
type document struct{ entries []docEntry }

type docEntry struct {
	key   string
	value pyfmt.Value
	// text is the scalar's text; a mapping or list has none.
	text         string
	scalar, null bool
	// texts are the scalars in a mapping.
	texts map[string]string
}

// damage is what is wrong with a file, and where.
type damage struct {
	kind   mlruns.ProblemKind // "": as of any other damage in its place
	line   int
	reason string
	told   bool // in MLflow's words, which say by themselves what they are about
}

func (d *damage) Error() string {
	if d.line > 0 {
		return fmt.Sprintf("line %d: %s", d.line, d.reason)
	}
	return d.reason
}

var errEmptyMeta = &damage{reason: "the file is empty"}

// parseDocument reads a meta.yaml. The usual flat form is scanned by hand, everything else goes through yaml.v3.
func parseDocument(data []byte) (document, error) {
	if doc, ok := scanFlat(data); ok {
		return doc, nil
	}
	if len(bytes.TrimSpace(data)) == 0 {
		return document{}, errEmptyMeta
	}
	doc, err := decodeDocument(data)
	if git := notMeta(data); err != nil && git != nil {
		err = git
	}
	return doc, err
}

// scanFlat reads the flat form.
func scanFlat(data []byte) (document, bool) {
	var m flatMeta
	if !m.scan(data) {
		return document{}, false
	}
	doc := document{entries: make([]docEntry, len(m.entries))}
	for i, e := range m.entries {
		switch e.kind {
		case flatQuoted:
			doc.entries[i] = stringEntry(e.key, e.value)
		case flatPlain:
			doc.entries[i] = plainEntry(e.key, e.value)
		case flatSequence:
			doc.entries[i] = docEntry{key: e.key, value: pyfmt.Sequence(nil)}
		case flatMapping:
			doc.entries[i] = docEntry{key: e.key, value: pyfmt.Mapping(nil)}
		}
	}
	return doc, true
}

func stringEntry(key, text string) docEntry {
	return docEntry{key: key, value: pyfmt.String(text), text: text, scalar: true}
}

func plainEntry(key, text string) docEntry {
	return docEntry{key: key, value: pyfmt.Plain(text), text: text, scalar: true, null: pyfmt.Resolve(text) == pyfmt.KindNull}
}

// A meta.yaml has some twenty keys, but an experiment's copies of tags and a data set's schema and profile can be large texts. A larger file is read
// if it is large by its texts and not by what they are parted into, each part of which costs the parser some 200 bytes.
const (
	largeDocument = 1 << 20
	maxMarks      = 1 << 20
)

var decodingLarge sync.Mutex

// marks counts the characters of which each key, item or line of YAML has at least one.
func marks(data []byte) (n int) {
	for _, c := range data {
		switch c {
		case ':', ',', '-', '?', '[', '{', '\n', '#', '&', '*', '!':
			n++
		}
	}
	return n
}

// decodeDocument reads any YAML that PyYAML writes or a person edits.
func decodeDocument(data []byte) (doc document, err error) {
	defer func() {
		// A parser that panics on hostile input must cost one file, not the process.
		if p := recover(); p != nil {
			doc, err = document{}, &damage{reason: fmt.Sprintf("not YAML: %v", p)}
		}
	}()
	if !utf8.Valid(data) {
		return document{}, &damage{line: lineOfInvalid(data), reason: "not UTF-8"}
	}
	if len(data) > largeDocument {
		if marks(data) > maxMarks {
			return document{}, &damage{reason: fmt.Sprintf("more than %d keys, items and line breaks", maxMarks)}
		}
		// One at a time: what the parser makes of it takes many times its size.
		decodingLarge.Lock()
		defer decodingLarge.Unlock()
	}
	var root yaml.Node
	if err := yaml.Unmarshal(data, &root); err != nil {
		return document{}, yamlDamage(err)
	}
	if len(root.Content) != 1 || root.Content[0].Kind != yaml.MappingNode {
		return document{}, &damage{line: 1, reason: "not a mapping of keys to values"}
	}
	pairs := root.Content[0].Content
	var list entryList
	aliased := 0
	for i := 0; i+1 < len(pairs); i += 2 {
		entry, err := entryOf(pairs[i], pairs[i+1])
		if err != nil {
			return document{}, err
		}
		// They share their text until the file is rewritten.
		if aliased += aliasedText(pairs[i+1]); aliased > largeDocument {
			return document{}, &damage{line: pairs[i+1].Line, reason: "aliases that stand for too much"}
		}
		list.put(entry)
	}
	return list.document, nil
}

func entryOf(key, node *yaml.Node) (docEntry, error) {
	if key.Kind != yaml.ScalarNode {
		return docEntry{}, &damage{line: key.Line, reason: "a key is not a text"}
	}
	if node = scalarBehind(node); node.Kind == yaml.ScalarNode {
		if plainNode(node) {
			return plainEntry(key.Value, node.Value), nil
		}
		return stringEntry(key.Value, node.Value), nil
	}
	value, err := valueOf(node, 0)
	return docEntry{key: key.Value, value: value, texts: textsOf(node)}, err
}

// scalarBehind is the scalar that an alias stands for, or the node itself.
func scalarBehind(node *yaml.Node) *yaml.Node {
	if node.Kind == yaml.AliasNode && node.Alias.Kind == yaml.ScalarNode {
		return node.Alias
	}
	return node
}

// aliasedText counts the bytes of the scalars that the aliases in a node stand for.
func aliasedText(node *yaml.Node) (n int) {
	if node.Kind == yaml.AliasNode {
		return len(scalarBehind(node).Value)
	}
	for _, inner := range node.Content {
		n += aliasedText(inner)
	}
	return n
}

func textsOf(node *yaml.Node) map[string]string {
	texts := map[string]string{}
	if node.Kind == yaml.MappingNode {
		for i := 0; i+1 < len(node.Content); i += 2 {
			if value := scalarBehind(node.Content[i+1]); value.Kind == yaml.ScalarNode {
				texts[node.Content[i].Value] = value.Value
			}
		}
	}
	return texts
}

func plainNode(node *yaml.Node) bool {
	const quoted = yaml.SingleQuotedStyle | yaml.DoubleQuotedStyle | yaml.LiteralStyle | yaml.FoldedStyle | yaml.TaggedStyle
	return node.Style&quoted == 0
}

// maxDepth bounds nesting; MLflow writes a depth of two.
const maxDepth = 100

func valueOf(node *yaml.Node, depth int) (pyfmt.Value, error) {
	if depth > maxDepth {
		return pyfmt.Value{}, &damage{line: node.Line, reason: "nested too deeply"}
	}
	node = scalarBehind(node)
	switch node.Kind {
	case yaml.ScalarNode:
		if plainNode(node) {
			return pyfmt.Plain(node.Value), nil
		}
		return pyfmt.String(node.Value), nil
	case yaml.SequenceNode:
		items := make([]pyfmt.Value, len(node.Content))
		for i, n := range node.Content {
			var err error
			if items[i], err = valueOf(n, depth+1); err != nil {
				return pyfmt.Value{}, err
			}
		}
		return pyfmt.Sequence(items), nil
	case yaml.MappingNode:
		var fields entryList
		for i := 0; i+1 < len(node.Content); i += 2 {
			value, err := valueOf(node.Content[i+1], depth+1)
			if err != nil {
				return pyfmt.Value{}, err
			}
			fields.put(docEntry{key: node.Content[i].Value, value: value})
		}
		return pyfmt.Mapping(fields.fields()), nil
	}
	// An alias to a collection can stand for an exponential amount of data.
	return pyfmt.Value{}, &damage{line: node.Line, reason: "an alias to a collection"}
}

var yamlLine = regexp.MustCompile(`^yaml: line (\d+): `)

func yamlDamage(err error) error {
	text := err.Error()
	if m := yamlLine.FindStringSubmatch(text); m != nil {
		line, _ := strconv.Atoi(m[1])
		return &damage{line: line, reason: "not YAML: " + text[len(m[0]):]}
	}
	return &damage{reason: "not YAML: " + strings.TrimPrefix(text, "yaml: ")}
}

// lineOfInvalid is the line of the first byte that is not UTF-8.
func lineOfInvalid(data []byte) int {
	line := 1
	for len(data) > 0 {
		r, size := utf8.DecodeRune(data)
		if r == utf8.RuneError && size == 1 {
			break
		}
		if r == '\n' {
			line++
		}
		data = data[size:]
	}
	return line
}

func (d *document) find(key string) int {
	return slices.IndexFunc(d.entries, func(e docEntry) bool { return e.key == key })
}

func (d *document) put(e docEntry) {
	if i := d.find(e.key); i >= 0 {
		d.entries[i] = e
		return
	}
	d.entries = append(d.entries, e)
}

// entryList is a document of any number of keys while it is read. Of a key given twice the last wins, as in PyYAML.
type entryList struct {
	document
	at map[string]int
}

func (l *entryList) put(e docEntry) {
	if i, ok := l.at[e.key]; ok {
		l.entries[i] = e
		return
	}
	if l.at == nil {
		l.at = map[string]int{}
	}
	l.at[e.key] = len(l.entries)
	l.entries = append(l.entries, e)
}

func (d *document) drop(key string) {
	if i := d.find(key); i >= 0 {
		d.entries = slices.Delete(d.entries, i, i+1)
	}
}

func (d *document) setString(key, text string) { d.put(stringEntry(key, text)) }

func (d *document) setInt(key string, n int64) {
	d.put(docEntry{key: key, value: pyfmt.Int(n), text: strconv.FormatInt(n, 10), scalar: true})
}

func (d *document) setNull(key string) { d.put(docEntry{key: key, scalar: true, null: true}) }

func (d *document) setValue(key string, v pyfmt.Value) { d.put(docEntry{key: key, value: v}) }

// text gives a scalar's text; false where the key is missing, null or a collection.
func (d *document) text(key string) (string, bool) {
	i := d.find(key)
	if i < 0 || !d.entries[i].scalar || d.entries[i].null {
		return "", false
	}
	return d.entries[i].text, true
}

// integer gives a number; false where the key is missing or null.
func (d *document) integer(key string) (n int64, ok bool, err error) { return integerOf(d, key) }

func (d *document) fields() []pyfmt.Field {
	fields := make([]pyfmt.Field, len(d.entries))
	for i, e := range d.entries {
		fields[i] = pyfmt.Field{Key: e.key, Value: e.value}
	}
	return fields
}

// encode gives the file's bytes: PyYAML's style, keys sorted.
func (d *document) encode() ([]byte, error) {
	return pyfmt.AppendDocument(make([]byte, 0, 512), d.fields())
}

// textMap gives the scalars of a mapping; it is never nil.
func (d *document) textMap(key string) map[string]string {
	if i := d.find(key); i >= 0 && d.entries[i].texts != nil {
		return d.entries[i].texts
	}
	return map[string]string{}
}

// setText records "" as null.
func (d *document) setText(key, text string) {
	if text == "" {
		d.setNull(key)
		return
	}
	d.setString(key, text)
}
