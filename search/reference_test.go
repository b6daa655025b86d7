package search

import (
	"fmt"
	"math"
	"math/rand/v2"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"testing"
	"time"
)

// This file holds a second, naive evaluator: it interprets a random expression
// over the maps of a memory record, with *bool for the three truth values, and
// shares no code with the package but the type of the record.

// expression is a random filter.
type expression struct {
	connective string // AND, OR, NOT, or "" for a comparison
	kids       []expression
	field      string   // metrics.a, min(metrics.a), params.a, status, duration, …
	operator   string   // without NOT
	negated    bool     // NOT IN, IS NOT NULL, …; for = it means !=
	values     []string // as they are, without quotes
	numeric    bool
}

// random draws from a small vocabulary, so that most comparisons concern
// something that some record has.
type random struct{ *rand.Rand }

func pick[T any](r random, items ...T) T { return items[r.IntN(len(items))] }

var (
	someNumbers = []string{"0", "1", "-1", "0.5", "2", "-0.0", "1e999", "-1e999", "1e-3", "3"}
	someTexts   = []string{"", "a", "A", "ab", "aB", "b", "a%b", "a\nb", "1", "0.5", " 2 ", "nan", "1e999", "é", "É", "a_b", "K", "\n", "0x1", "1_0"}
	someLikes   = []string{"", "%", "a%", "%b", "a_b", "_", "A%", "%a%b%", "é", "1%", "__", "k", "%\n%", "%%b"}
	someRegexps = []string{"a", "^a", "b$", ".", "^$", "(?i)A", "[0-9]", "a.b"}
	someKeys    = []string{"a", "b", "c d"}
	someStates  = []string{"RUNNING", "FINISHED", "finished"}
)

func (r random) expression(depth int) expression {
	if depth > 0 && r.IntN(3) > 0 {
		switch r.IntN(3) {
		case 0:
			return expression{connective: "NOT", kids: []expression{r.expression(depth - 1)}}
		case 1:
			return expression{connective: "AND", kids: r.kids(depth)}
		default:
			return expression{connective: "OR", kids: r.kids(depth)}
		}
	}
	return r.comparison()
}

func (r random) kids(depth int) []expression {
	kids := make([]expression, 2+r.IntN(2))
	for i := range kids {
		kids[i] = r.expression(depth - 1)
	}
	return kids
}

func (r random) comparison() expression {
	e := expression{negated: r.IntN(2) == 0}
	kind := r.IntN(6)
	switch kind {
	case 0:
		e.field, e.numeric = "metrics."+pick(r, someKeys...), true
	case 1:
		e.field, e.numeric = pick(r, "min", "max", "mean", "first", "last", "count")+"(metrics."+pick(r, someKeys...)+")", true
	case 2:
		e.field, e.numeric = pick(r, "params.", "tags.")+pick(r, someKeys...), r.IntN(2) == 0
	case 3:
		e.field = pick(r, "status", "run_name", "experiment.name")
	case 4:
		e.field, e.numeric = pick(r, "start_time", "end_time", "duration"), true
	default:
		e.field = "dataset." + pick(r, "name", "digest", "context")
	}
	if r.IntN(8) == 0 {
		e.operator, e.numeric = "IS NULL", e.numeric && kind != 2
		return e
	}
	texts := someTexts
	if e.field == "status" {
		texts = someStates
	}
	if e.numeric {
		texts = someNumbers
		e.operator = pick(r, "=", "<", "<=", ">", ">=", "IN", "BETWEEN")
		if e.operator[0] == '<' || e.operator[0] == '>' {
			e.negated = false
		}
	} else {
		e.operator = pick(r, "=", "LIKE", "ILIKE", "RLIKE", "IN")
	}
	n := map[string]int{"IN": 1 + r.IntN(12), "BETWEEN": 2}[e.operator]
	for range max(n, 1) {
		switch e.operator {
		case "LIKE", "ILIKE":
			e.values = append(e.values, pick(r, someLikes...))
		case "RLIKE":
			e.values = append(e.values, pick(r, someRegexps...))
		default:
			e.values = append(e.values, pick(r, texts...))
		}
	}
	return e
}

// text writes an expression, with random case, quotes, blanks and parentheses.
func (r random) text(e expression) string {
	switch e.connective {
	case "NOT":
		return r.word("NOT") + r.blank() + "(" + r.text(e.kids[0]) + ")"
	case "AND", "OR":
		glue := r.blank() + r.word(e.connective) + r.blank()
		var parts []string
		for _, k := range e.kids {
			parts = append(parts, "("+r.text(k)+")")
		}
		if e.connective == "AND" && r.IntN(4) == 0 {
			glue = r.blank()
		}
		return strings.Join(parts, glue)
	}
	left := strings.Replace(e.field, "c d", pick(r, "`c d`", `"c d"`, "'c d'"), 1)
	operator := e.operator
	switch {
	case e.negated && operator == "=":
		operator = "!="
	case e.negated && operator == "IS NULL":
		operator = "IS NOT NULL"
	case e.negated:
		operator = "NOT " + operator
	}
	var values []string
	for _, v := range e.values {
		values = append(values, r.value(v, e))
	}
	right := strings.Join(values, " "+r.word("AND")+" ")
	if e.operator == "IN" {
		right = "(" + strings.Join(values, ",") + ")"
	}
	return left + r.blank() + r.word(operator) + r.blank() + right
}

func (r random) value(v string, e expression) string {
	if e.numeric {
		return v
	}
	if e.operator == "IN" {
		v = strings.NewReplacer("\n", `\n`, "\\", `\\`).Replace(v)
	}
	quote := pick(r, "'", `"`)
	return quote + v + quote
}

func (r random) blank() string { return pick(r, " ", "  ", "\t", "\n") }

func (r random) word(s string) string { return pick(r, s, strings.ToLower(s)) }

func (r random) record(id int) *memory {
	m := newMemory("r" + strconv.Itoa(id))
	for _, key := range someKeys {
		if r.IntN(3) > 0 {
			for range 1 + r.IntN(4) {
				v := pick(r, 0, 1, -1, 0.5, 2, math.NaN(), math.Inf(1), math.Inf(-1), math.Copysign(0, -1))
				m.metrics[key] = append(m.metrics[key], point{v, int64(r.IntN(3)), int64(r.IntN(3) - 1)})
			}
		}
		if r.IntN(3) > 0 {
			m.params[key] = pick(r, someTexts...)
		}
		if r.IntN(3) > 0 {
			m.tags[key] = pick(r, someTexts...)
		}
	}
	if r.IntN(4) > 0 {
		m.text[Status], m.text[ExperimentName] = pick(r, someStates...), pick(r, someTexts...)
	}
	if r.IntN(2) > 0 {
		m.text[RunName], m.times[EndTime] = pick(r, someTexts...), int64(r.IntN(4))
	}
	if r.IntN(4) > 0 {
		m.times[StartTime] = int64(r.IntN(4))
	}
	for range r.IntN(3) {
		d := Dataset{Name: pick(r, someTexts...), Digest: pick(r, someTexts...), HasContext: r.IntN(2) == 0}
		if d.HasContext {
			d.Context = pick(r, someTexts...)
		}
		m.datasets = append(m.datasets, d)
	}
	return m
}

// evaluate is the reference: nil is unknown.
func (e expression) evaluate(m *memory) *bool {
	is := func(b bool) *bool { return &b }
	switch e.connective {
	case "NOT":
		if k := e.kids[0].evaluate(m); k != nil {
			return is(!*k)
		}
		return nil
	case "AND", "OR":
		decisive := e.connective == "OR"
		result := is(!decisive)
		for _, kid := range e.kids {
			k := kid.evaluate(m)
			if k != nil && *k == decisive {
				return k
			}
			if k == nil {
				result = nil
			}
		}
		return result
	}
	values := e.read(m)
	if e.operator == "IS NULL" {
		return is((len(values) == 0) != e.negated)
	}
	var result *bool
	for _, v := range values { // more than one only for datasets
		ok, known := e.compare(v)
		if known && ok {
			return is(true)
		}
		if known {
			result = is(false)
		}
	}
	return result
}

// read returns the values of the field as text.
func (e expression) read(m *memory) (values []string) {
	one := func(s string, ok bool) []string {
		if !ok {
			return nil
		}
		return []string{s}
	}
	field := e.field
	if i := strings.IndexByte(field, '('); i > 0 {
		return historyOf(field[:i], m.metrics[field[i+len("(metrics."):len(field)-1]])
	}
	prefix, key, _ := strings.Cut(field, ".")
	switch prefix {
	case "metrics":
		return historyOf("last", m.metrics[key])
	case "params":
		v, ok := m.params[key]
		return one(v, ok)
	case "tags":
		v, ok := m.tags[key]
		return one(v, ok)
	case "dataset":
		for _, d := range m.datasets {
			if key != "context" || d.HasContext {
				values = append(values, map[string]string{"name": d.Name, "digest": d.Digest, "context": d.Context}[key])
			}
		}
		return values
	case "start_time", "end_time":
		v, ok := m.times[Attribute(prefix)]
		return one(strconv.FormatInt(v, 10), ok)
	case "duration":
		start, ok := m.times[StartTime]
		end, also := m.times[EndTime]
		return one(strconv.FormatInt(end-start, 10), ok && also)
	}
	v, ok := m.text[Attribute(field)]
	return one(v, ok)
}

// historyOf computes a function of a history from sorted copies of it.
func historyOf(function string, points []point) []string {
	if len(points) == 0 {
		return nil
	}
	sorted := slices.Clone(points)
	sort.SliceStable(sorted, func(i, j int) bool {
		return sorted[i].step < sorted[j].step || sorted[i].step == sorted[j].step && sorted[i].timestamp < sorted[j].timestamp
	})
	var numbers []float64
	sum := 0.0
	for _, p := range points {
		if p.value == p.value {
			numbers = append(numbers, p.value)
			sum += p.value
		}
	}
	sort.Float64s(numbers)
	if len(numbers) == 0 {
		numbers, sum = []float64{math.NaN()}, math.NaN()
	}
	last := sorted[len(sorted)-1]
	latest := math.NaN()
	first := true
	for _, p := range sorted {
		if p.step == last.step && p.timestamp == last.timestamp && (first || p.value > latest) {
			latest, first = p.value, false
		}
	}
	v := map[string]float64{
		"min": numbers[0], "max": numbers[len(numbers)-1], "mean": sum / float64(len(numbers)),
		"first": sorted[0].value, "last": latest, "count": float64(len(points)),
	}[function]
	return []string{strconv.FormatFloat(v, 'g', -1, 64)}
}

var referenceNumber = regexp.MustCompile(`(?i)^\s*[-+]?(\d+\.?\d*([eE][-+]?\d+)?|\.\d+([eE][-+]?\d+)?|inf|infinity|nan)\s*$`)

// compare decides a comparison with one value; known is false for a text that
// should be a number and is none.
func (e expression) compare(v string) (result, known bool) {
	if e.numeric {
		if !referenceNumber.MatchString(v) {
			return false, false
		}
		x, _ := strconv.ParseFloat(strings.TrimSpace(v), 64)
		var in []bool
		for _, w := range e.values {
			y, _ := strconv.ParseFloat(w, 64)
			in = append(in, map[string]bool{"=": x == y, "IN": x == y, "<": x < y, "<=": x <= y, ">": x > y, ">=": x >= y}[e.operator])
		}
		result = slices.Contains(in, true)
		if e.operator == "BETWEEN" {
			low, _ := strconv.ParseFloat(e.values[0], 64)
			high, _ := strconv.ParseFloat(e.values[1], 64)
			result = low <= x && x <= high
		}
		return result != e.negated, true
	}
	switch e.operator {
	case "LIKE", "ILIKE":
		result = likeReference(e.values[0], e.operator == "ILIKE").MatchString(v)
	case "RLIKE":
		result = regexp.MustCompile(e.values[0]).MatchString(v)
	default:
		result = slices.Contains(e.values, v)
	}
	return result != e.negated, true
}

// likeReference translates a pattern to a regular expression, as MLflow does.
func likeReference(pattern string, fold bool) *regexp.Regexp {
	var b strings.Builder
	if fold {
		b.WriteString("(?i)")
	}
	b.WriteString(`\A`)
	for _, r := range pattern {
		switch r {
		case '%':
			b.WriteString(".*")
		case '_':
			b.WriteString(".")
		default:
			b.WriteString(regexp.QuoteMeta(string(r)))
		}
	}
	if !strings.HasSuffix(pattern, "%") {
		b.WriteString(`\n?\z`)
	}
	return regexp.MustCompile(b.String())
}

// TestRandomFilters compares Match with the reference, on the record and on
// what Needs leaves of it, for the filter and for its canonical form.
func TestRandomFilters(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	r := random{rand.New(rand.NewPCG(seed, 1))}
	var records []*memory
	for i := range 60 {
		records = append(records, r.record(i))
	}
	matches := 0
	for range 1500 {
		e := r.expression(4)
		text := r.text(e)
		f, err := ParseRuns(text)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		canonical, err := ParseRuns(f.String())
		if err != nil {
			t.Fatalf("seed %d: String of %q does not parse: %v", seed, text, err)
		}
		for _, m := range records[:20+r.IntN(40)] {
			want := false
			if p := e.evaluate(m); p != nil {
				want = *p
			}
			if want {
				matches++
			}
			part := m.only(f.Needs())
			if got := [...]bool{f.Match(m), f.Match(part), canonical.Match(m)}; got != [...]bool{want, want, want} {
				t.Fatalf("seed %d: %q of %s: got %v (whole record, needed part, canonical form), want %v\n%s", seed, text, m.id, got, want, fmt.Sprintf("%+v", m))
			}
		}
	}
	if matches < 500 {
		t.Errorf("seed %d: only %d matches, the test shows little", seed, matches)
	}
}
