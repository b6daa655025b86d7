//go:build interop

package interop

import (
	"math"
	"math/rand/v2"
	"strings"
	"time"
)

// wild makes random keys, texts and numbers, the nastiest that are legal.
type wild struct {
	*rand.Rand
	n int
}

func newWild(stream uint64) *wild { return &wild{Rand: rand.New(rand.NewPCG(*seed, stream))} }

func pick[T any](w *wild, list ...T) T { return list[w.IntN(len(list))] }

const keyLetters = "abXY019_.- éß日本Ω²"

var (
	textLetters = []rune(keyLetters + "/:'\"#%{}[]&*!|>@`,\\~=+?<$^()\tü🚀\u2028\u00a0\u200b\ufeff\u0085")
	lookAlikes  = []string{"", "null", "~", "1e5", "08", "yes", "y", "2020-01-01", "2020-1-1", "0x1F", "0o17", " x ", "12:30:00", "=", "<<", "nan", ".inf", "- a", "a: b", "a #b", "'", "-", "---", "1_000", "None", "True"}
	numbers     = []float64{0, math.Copysign(0, -1), 1, 5, 1e16, 1e-5, 0.1 + 0.2, math.SmallestNonzeroFloat64, math.MaxFloat64, math.NaN(), math.Inf(1), math.Inf(-1), -1e-10, 123456789.125}
)

func (w *wild) runes(from []rune, most int) string {
	var b strings.Builder
	for range w.IntN(most + 1) {
		b.WriteRune(from[w.IntN(len(from))])
	}
	return b.String()
}

// text is a value on one line.
func (w *wild) text() string {
	switch w.IntN(12) {
	case 0:
		return pick(w, lookAlikes...)
	case 1:
		return strings.Repeat(w.runes(textLetters, 30)+"x", 100)
	case 2:
		return strings.Repeat("long words to fold ", w.IntN(12))
	}
	return w.runes(textLetters, 30)
}

// lines is a value that may have several, by Python's splitlines.
func (w *wild) lines(allowed bool) string {
	if !allowed {
		return strings.Join(strings.FieldsFunc(w.text(), func(r rune) bool { return r == '\u2028' || r == '\u0085' }), "")
	}
	if w.IntN(8) == 0 {
		return w.text() + "\n\n" + w.text() + pick(w, "\n", "\r\n", "\rx", "")
	}
	return w.text()
}

// key is a key that no other call gives, nor one that needs another's file as its folder.
func (w *wild) key(a abilities) string {
	w.n++
	key := "k" + itoa(w.n) + strings.TrimRight(w.runes([]rune(keyLetters), 12), ".")
	if w.IntN(3) == 0 {
		key = "nest/" + strings.Trim(key, " .") + "/" + pick(w, "deep", "é", "d p")
	}
	if a.colons && w.IntN(8) == 0 {
		key += ":colon"
	}
	return key
}

func (w *wild) number() float64 {
	if w.IntN(2) == 0 {
		return pick(w, numbers...)
	}
	return math.Float64frombits(w.Uint64())
}

func (w *wild) at() time.Time { return time.UnixMilli(1 + w.Int64N(2_000_000_000_000)).UTC() }

// when is the time of a point: one of two where there may be ties.
func (w *wild) when(a abilities) time.Time {
	if a.ties && w.IntN(4) > 0 {
		return time.UnixMilli(5 + w.Int64N(2)).UTC()
	}
	return w.at()
}

// name is a name of an experiment. A quote in it is a bug of MLflow ≥ 2.0, the row "name with a
// quote" of docs/compat.md.
func (w *wild) name() string {
	w.n++
	text := []rune(strings.ReplaceAll(w.text(), "'", ""))
	return string(text[:min(len(text), 490)]) + " " + itoa(w.n)
}
