package codec

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

// Document is a meta.yaml: a mapping whose scalars are kept as text, because YAML 1.1 and 1.2
// disagree on what many of them are, and whose unknown keys are kept for the next rewrite.
type Document struct{ Entries []Entry }

type Entry struct {
	Key   string
	value pyfmt.Value
	// text is the scalar's text; a mapping or list has none.
	text         string
	scalar, null bool
	// texts are the scalars in a mapping.
	texts map[string]string
}

// Damage is what is wrong with a file, and where.
type Damage struct {
	Kind   mlruns.ProblemKind // "": as of any other damage in its place
	Line   int
	Reason string
	Told   bool // in MLflow's words, which say by themselves what they are about
}

func (d *Damage) Error() string {
	if d.Line > 0 {
		return fmt.Sprintf("line %d: %s", d.Line, d.Reason)
	}
	return d.Reason
}

// ErrEmptyMeta is a meta.yaml without anything in it.
var ErrEmptyMeta = &Damage{Reason: "the file is empty"}

// ParseDocument reads a meta.yaml. The usual flat form is scanned by hand, everything else goes
// through yaml.v3.
func ParseDocument(data []byte) (Document, error) {
	if doc, ok := ScanFlat(data); ok {
		return doc, nil
	}
	if len(bytes.TrimSpace(data)) == 0 {
		return Document{}, ErrEmptyMeta
	}
	doc, err := DecodeDocument(data)
	if git := notMeta(data); err != nil && git != nil {
		err = git
	}
	return doc, err
}

// ScanFlat reads the flat form.
func ScanFlat(data []byte) (Document, bool) {
	var m FlatMeta
	if !m.Scan(data) {
		return Document{}, false
	}
	doc := Document{Entries: make([]Entry, len(m.Entries))}
	for i, e := range m.Entries {
		switch e.kind {
		case flatQuoted:
			doc.Entries[i] = stringEntry(e.key, e.value)
		case flatPlain:
			doc.Entries[i] = plainEntry(e.key, e.value)
		case flatSequence:
			doc.Entries[i] = Entry{Key: e.key, value: pyfmt.Sequence(nil)}
		case flatMapping:
			doc.Entries[i] = Entry{Key: e.key, value: pyfmt.Mapping(nil)}
		}
	}
	return doc, true
}

func stringEntry(key, text string) Entry {
	return Entry{Key: key, value: pyfmt.String(text), text: text, scalar: true}
}

func plainEntry(key, text string) Entry {
	return Entry{Key: key, value: pyfmt.Plain(text), text: text, scalar: true, null: pyfmt.Resolve(text) == pyfmt.KindNull}
}

// A meta.yaml has some twenty keys, but an experiment's copies of tags and a data set's schema and
// profile can be large texts. A larger file is read if it is large by its texts and not by what
// they are parted into, each part of which costs the parser some 200 bytes.
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

// DecodeDocument reads any YAML that PyYAML writes or a person edits.
func DecodeDocument(data []byte) (doc Document, err error) {
	defer func() {
		// A parser that panics on hostile input must cost one file, not the process.
		if p := recover(); p != nil {
			doc, err = Document{}, &Damage{Reason: fmt.Sprintf("not YAML: %v", p)}
		}
	}()
	if !utf8.Valid(data) {
		return Document{}, &Damage{Line: LineOfInvalid(data), Reason: "not UTF-8"}
	}
	if len(data) > largeDocument {
		if marks(data) > maxMarks {
			return Document{}, &Damage{Reason: fmt.Sprintf("more than %d keys, items and line breaks", maxMarks)}
		}
		// One at a time: what the parser makes of it takes many times its size.
		decodingLarge.Lock()
		defer decodingLarge.Unlock()
	}
	var root yaml.Node
	if err := yaml.Unmarshal(data, &root); err != nil {
		return Document{}, yamlDamage(err)
	}
	if len(root.Content) != 1 || root.Content[0].Kind != yaml.MappingNode {
		return Document{}, &Damage{Line: 1, Reason: "not a mapping of keys to values"}
	}
	pairs := root.Content[0].Content
	var list entryList
	aliased := 0
	for i := 0; i+1 < len(pairs); i += 2 {
		entry, err := entryOf(pairs[i], pairs[i+1])
		if err != nil {
			return Document{}, err
		}
		// They share their text until the file is rewritten.
		if aliased += aliasedText(pairs[i+1]); aliased > largeDocument {
			return Document{}, &Damage{Line: pairs[i+1].Line, Reason: "aliases that stand for too much"}
		}
		list.put(entry)
	}
	return list.Document, nil
}

func entryOf(key, node *yaml.Node) (Entry, error) {
	if key.Kind != yaml.ScalarNode {
		return Entry{}, &Damage{Line: key.Line, Reason: "a key is not a text"}
	}
	if node = scalarBehind(node); node.Kind == yaml.ScalarNode {
		if plainNode(node) {
			return plainEntry(key.Value, node.Value), nil
		}
		return stringEntry(key.Value, node.Value), nil
	}
	value, err := valueOf(node, 0)
	return Entry{Key: key.Value, value: value, texts: textsOf(node)}, err
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
		return pyfmt.Value{}, &Damage{Line: node.Line, Reason: "nested too deeply"}
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
			fields.put(Entry{Key: node.Content[i].Value, value: value})
		}
		return pyfmt.Mapping(fields.fields()), nil
	}
	// An alias to a collection can stand for an exponential amount of data.
	return pyfmt.Value{}, &Damage{Line: node.Line, Reason: "an alias to a collection"}
}

var yamlLine = regexp.MustCompile(`^yaml: line (\d+): `)

func yamlDamage(err error) error {
	text := err.Error()
	if m := yamlLine.FindStringSubmatch(text); m != nil {
		line, _ := strconv.Atoi(m[1])
		return &Damage{Line: line, Reason: "not YAML: " + text[len(m[0]):]}
	}
	return &Damage{Reason: "not YAML: " + strings.TrimPrefix(text, "yaml: ")}
}

// LineOfInvalid is the line of the first byte that is not UTF-8.
func LineOfInvalid(data []byte) int {
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

// Find gives a key's place among the entries, negative where the key is missing.
func (d *Document) Find(key string) int {
	return slices.IndexFunc(d.Entries, func(e Entry) bool { return e.Key == key })
}

func (d *Document) put(e Entry) {
	if i := d.Find(e.Key); i >= 0 {
		d.Entries[i] = e
		return
	}
	d.Entries = append(d.Entries, e)
}

// entryList is a document of any number of keys while it is read. Of a key given twice the last
// wins, as in PyYAML.
type entryList struct {
	Document
	at map[string]int
}

func (l *entryList) put(e Entry) {
	if i, ok := l.at[e.Key]; ok {
		l.Entries[i] = e
		return
	}
	if l.at == nil {
		l.at = map[string]int{}
	}
	l.at[e.Key] = len(l.Entries)
	l.Entries = append(l.Entries, e)
}

func (d *Document) drop(key string) {
	if i := d.Find(key); i >= 0 {
		d.Entries = slices.Delete(d.Entries, i, i+1)
	}
}

// SetString sets a key to a string.
func (d *Document) SetString(key, text string) { d.put(stringEntry(key, text)) }

func (d *Document) setInt(key string, n int64) {
	d.put(Entry{Key: key, value: pyfmt.Int(n), text: strconv.FormatInt(n, 10), scalar: true})
}

func (d *Document) setNull(key string) { d.put(Entry{Key: key, scalar: true, null: true}) }

func (d *Document) setValue(key string, v pyfmt.Value) { d.put(Entry{Key: key, value: v}) }

// Text gives a scalar's text; false where the key is missing, null or a collection.
func (d *Document) Text(key string) (string, bool) {
	i := d.Find(key)
	if i < 0 || !d.Entries[i].scalar || d.Entries[i].null {
		return "", false
	}
	return d.Entries[i].text, true
}

// integer gives a number; false where the key is missing or null.
func (d *Document) integer(key string) (n int64, ok bool, err error) { return integerOf(d, key) }

func (d *Document) fields() []pyfmt.Field {
	fields := make([]pyfmt.Field, len(d.Entries))
	for i, e := range d.Entries {
		fields[i] = pyfmt.Field{Key: e.Key, Value: e.value}
	}
	return fields
}

// Encode gives the file's bytes: PyYAML's style, keys sorted.
func (d *Document) Encode() ([]byte, error) {
	return pyfmt.AppendDocument(make([]byte, 0, 512), d.fields())
}

// textMap gives the scalars of a mapping; it is never nil.
func (d *Document) textMap(key string) map[string]string {
	if i := d.Find(key); i >= 0 && d.Entries[i].texts != nil {
		return d.Entries[i].texts
	}
	return map[string]string{}
}

// setText records "" as null.
func (d *Document) setText(key, text string) {
	if text == "" {
		d.setNull(key)
		return
	}
	d.SetString(key, text)
}
