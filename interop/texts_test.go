//go:build interop

package interop

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"regexp"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/mlruns/mlruns/internal/pyfmt"
)

const (
	nStrings = 10_000
	nFloats  = 10_000
)

// lookAlike is the class of strings that PyYAML leaves plain and we quote, as layout.md describes
// it.
var lookAlike = regexp.MustCompile(`^([yYnN]|[-+]?(0[oxbOXB][-+]?[0-9a-fA-F_]+|[0-9._]+([eE][-+]?[0-9_]+)?)|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2})$`)

var yamlPieces = []string{"a", "b c", " ", "  ", "\n", "\n\n", "\t", "\r", ":", ": ", " #", "#", "-", "- ", "?", "'", "\"", "\\", "é", "日本", "🚀", "\u00a0", "\u2028", "\u2029", "\u0085", "\ufeff", "\x00", "\x1b", "\x7f",
	"{", "}", "[", "]", "&", "*", "!", "|", ">", "%", "@", "`", "=", "<<", "~", "null", "true", "no", "0", "1", "08", "0x", "0o", "0b", "1e", "e5", ".", "_", "+", "2020-01-01", "T1:2:3", "12:30", "nan", ".inf", "---", "...", "word ", "several words to fold ", "\ue000", "\ufffd", "\U000e0001"}

// yamlText puts pieces together that YAML trips over; one in eight is long enough to be folded.
func (w *wild) yamlText() string {
	var b strings.Builder
	n := 1 + w.IntN(6)
	if w.IntN(8) == 0 {
		n = 20 + w.IntN(40)
	}
	for range n {
		if w.IntN(20) == 0 {
			b.WriteRune(rune(w.IntN(0xd800)))
			continue
		}
		b.WriteString(pick(w, yamlPieces...))
	}
	return b.String()
}

// TestStringsAsPyYAML compares the meta.yaml bytes of random strings with those of MLflow's own
// writer, and has both sides read both.
func TestStringsAsPyYAML(t *testing.T) {
	eachVersion(t, func(t *testing.T, p *python) {
		w := newWild(4)
		texts, ours := make([]string, nStrings), make([][]byte, nStrings)
		for i := range texts {
			texts[i] = w.yamlText()
			var err error
			if ours[i], err = pyfmt.AppendDocument(nil, []pyfmt.Field{{Key: "name", Value: pyfmt.String(texts[i])}}); err != nil {
				t.Fatalf("%q: %v", texts[i], err)
			}
		}
		theirs := ours
		if p.since(1, 8) { // before, MLflow dumped with PyYAML's own emitter instead of libyaml's
			p.must(t, "dump_strings", map[string]any{"strings": texts}, &theirs)
		}
		var back []string
		p.must(t, "load_strings", map[string]any{"documents": ours}, &back)
		quoted := 0
		for i, text := range texts {
			if !bytes.Equal(ours[i], theirs[i]) {
				if !isQuotedLookAlike(text, theirs[i], ours[i]) {
					t.Errorf("%q is written\n%q, by MLflow\n%q", text, ours[i], theirs[i])
				}
				quoted++
			}
			if back[i] != text {
				t.Errorf("%q comes back as %q from PyYAML", text, back[i])
			}
			for _, document := range [][]byte{ours[i], theirs[i]} {
				if got := yamlName(document); got != text {
					t.Errorf("%q comes back as %q from yaml.v3: %q", text, got, document)
				}
			}
		}
		report(t, p, "strings", "ok: %d, %d quoted look-alikes", nStrings, quoted)
	})
}

func isQuotedLookAlike(text string, theirs, ours []byte) bool {
	return lookAlike.MatchString(text) && string(theirs) == "name: "+text+"\n" && string(ours) == "name: '"+text+"'\n"
}

func yamlName(document []byte) string {
	var read struct{ Name yaml.Node }
	if err := yaml.Unmarshal(document, &read); err != nil {
		return "error: " + err.Error()
	}
	return read.Name.Value
}

// TestFloatsAsPython compares random floats with Python's repr, and reads them back on both sides.
func TestFloatsAsPython(t *testing.T) {
	eachVersion(t, func(t *testing.T, p *python) {
		w := newWild(5)
		bits, ours := make([]string, nFloats), make([]string, nFloats)
		for i := range bits {
			f := w.number()
			if w.IntN(4) == 0 {
				f = math.Round(w.NormFloat64()*1e6) / math.Pow10(w.IntN(20)-4)
			}
			bits[i] = hex.EncodeToString(binary.BigEndian.AppendUint64(nil, math.Float64bits(f)))
			ours[i] = string(pyfmt.AppendFloat(nil, f))
		}
		var theirs, back []string
		p.must(t, "reprs", map[string]any{"bits": bits}, &theirs)
		p.must(t, "floats", map[string]any{"texts": ours}, &back)
		for i := range bits {
			if ours[i] != theirs[i] {
				t.Errorf("%s is written %q, by Python %q", bits[i], ours[i], theirs[i])
			}
			f, err := pyfmt.ParseFloat(theirs[i])
			if read := fmt.Sprintf("%016x", math.Float64bits(f)); err != nil || theirs[i] != "nan" && (read != bits[i] || back[i] != bits[i]) {
				t.Errorf("%s comes back from %q as %s for us (%v), as %s for Python", bits[i], theirs[i], read, err, back[i])
			}
		}
		report(t, p, "floats", "ok: %d", nFloats)
	})
}
