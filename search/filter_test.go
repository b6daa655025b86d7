package search

import (
	"errors"
	"reflect"
	"strings"
	"sync"
	"testing"
)

func TestString(t *testing.T) {
	for _, test := range []struct{ filter, want string }{
		{"", ""},
		{"AND and", ""},
		{"metric.acc>0.5and_x IS NULL", "error"},
		{"metric.acc>0.5   attr.status\n=\"x\" and", `metrics.acc > 0.5 AND status = "x"`},
		{"((a.b = 1))", "error"},
		{"((params.b = 1))", "params.b = 1"},
		{"parameter.`b` like 'x' Or (Not tag.`c d` in ('a' \"b\",2 ,))", "error"},
		{"parameter.`b` like 'x' Or (Not tag.`c d` in ('a' \"b\",'c' ,))", "params.b LIKE 'x' OR NOT tags.`c d` IN ('a' \"b\", 'c')"},
		{"(run_id = 'a' AND (run_id = 'b' AND run_id = 'c')) OR (run_id = 'd' OR run_id = 'e')", "run_id = 'a' AND run_id = 'b' AND run_id = 'c' OR run_id = 'd' OR run_id = 'e'"},
		{"(run_id = 'a' OR run_id = 'b') run_id = 'c'", "(run_id = 'a' OR run_id = 'b') AND run_id = 'c'"},
		{"not (run_id = 'a' AND run_id = 'b')", "NOT (run_id = 'a' AND run_id = 'b')"},
		{"not not run_id is not null", "NOT NOT run_id IS NOT NULL"},
		{"Created BETWEEN '2024-01-01' AND 1e3", "start_time BETWEEN '2024-01-01' AND 1e3"},
		{"`Run Name` NOT ILIKE \"%x\"", "run_name NOT ILIKE \"%x\""},
		{"experiment.id = '1' AND datasets.`name` RLIKE 'x'", "experiment_id = '1' AND dataset.name RLIKE 'x'"},
		{"Count ( metric.\"a\" ) NOT BETWEEN 1 AND 2", "count(metrics.a) NOT BETWEEN 1 AND 2"},
		{`params.x = "C:\" AND params.y = 'z'`, `params.x = "C:\" AND params.y = 'z'`},
	} {
		f, err := ParseRuns(test.filter)
		if test.want == "error" {
			if err == nil {
				t.Errorf("%q: got %q, want an error", test.filter, f)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if got := f.String(); got != test.want {
			t.Errorf("%q: got %q, want %q", test.filter, got, test.want)
		}
	}
}

func TestNeeds(t *testing.T) {
	f, err := ParseRuns("(metrics.b > 1 OR min(metrics.a) < 1) AND metrics.a = 1 AND last(metrics.c) = 1 AND params.p = 1 AND params.o IS NULL AND params.p = 'x' AND NOT tags.t LIKE 'x' AND duration > 1 AND Created < 5 AND experiment.name = 'e' AND dataset.name = 'd'")
	if err != nil {
		t.Fatal(err)
	}
	want := Needs{
		Attributes: []Attribute{EndTime, ExperimentName, StartTime},
		Metrics:    []MetricNeed{{"a", true}, {"b", false}, {"c", false}},
		Params:     []string{"o", "p"},
		Tags:       []string{"t"},
		Datasets:   true,
	}
	if got := f.Needs(); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	o, err := ParseRunOrder([]string{"metrics.b DESC", "max(metrics.c)", "params.q", "tags.s"})
	if err != nil {
		t.Fatal(err)
	}
	want = Needs{
		Attributes: []Attribute{EndTime, ExperimentName, RunID, StartTime},
		Metrics:    []MetricNeed{{"a", true}, {"b", false}, {"c", true}},
		Params:     []string{"o", "p", "q"},
		Tags:       []string{"s", "t"},
		Datasets:   true,
	}
	if got := f.Needs().Union(o.Needs()); !reflect.DeepEqual(got, want) {
		t.Errorf("with the order: got %+v, want %+v", got, want)
	}
	if got := (*Filter)(nil).Needs(); !reflect.DeepEqual(got, Needs{}) {
		t.Errorf("the nil filter needs %+v", got)
	}
}

// asked is a Record that counts what it is asked for.
type asked struct {
	*memory
	metrics int
}

func (a *asked) Metric(key string) (Summary, bool) { a.metrics++; return a.memory.Metric(key) }

func TestCheapFirst(t *testing.T) {
	a := &asked{memory: newMemory("x")}
	a.text[Status], a.tags["t"] = "FAILED", "1"
	for _, filter := range []string{
		"metrics.loss < 1 AND status = 'FINISHED'",
		"(metrics.loss < 1 OR metrics.loss > 2) AND NOT tags.t = '1'",
		"metrics.loss < 1 OR status = 'FAILED'",
	} {
		f, err := ParseRuns(filter)
		if err != nil {
			t.Fatal(err)
		}
		f.Match(a)
		if a.metrics != 0 {
			t.Errorf("%s: asked for %d metrics, want 0", filter, a.metrics)
		}
	}
}

func TestNilFilter(t *testing.T) {
	var f *Filter
	if !f.Match(newMemory("x")) || !new(Filter).Match(newMemory("x")) || f.String() != "" {
		t.Error("the nil and the zero filter must match everything")
	}
}

func TestConcurrentMatch(t *testing.T) {
	f, err := ParseRuns("params.p ILIKE 'A%' AND params.p RLIKE '^a' AND run_id IN ('a', 'b') OR min(metrics.m) > 1")
	if err != nil {
		t.Fatal(err)
	}
	o, err := ParseRunOrder([]string{"metrics.m"})
	if err != nil {
		t.Fatal(err)
	}
	m := newMemory("a")
	m.params["p"], m.text[RunID] = "abc", "a"
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 200 {
				if !f.Match(m) || o.Compare(o.Key(m), o.Key(m)) != 0 || f.String() == "" {
					t.Error("got false, want true")
				}
			}
		})
	}
	wg.Wait()
}

// TestLimits shows that hostile filters are errors, and soon.
func TestLimits(t *testing.T) {
	deep := func(n int) string { return strings.Repeat("(", n) + "params.a = 1" + strings.Repeat(")", n) }
	for _, test := range []struct {
		name, filter string
		offset       int
		msg          string
	}{
		{"longest", "params.a = '" + strings.Repeat("x", MaxQuery-13) + "'", -1, ""},
		{"too long", "params.a = '" + strings.Repeat("x", MaxQuery) + "'", MaxQuery, "longer than"},
		{"a megabyte of quotes", strings.Repeat("'", 1<<20), MaxQuery, "longer than"},
		{"deepest", deep(MaxDepth), -1, ""},
		{"too deep", deep(MaxDepth + 1), MaxDepth, "nested deeper"},
		{"ten thousand", deep(10000), MaxDepth, "nested deeper"},
		{"open only", strings.Repeat("(", 10000), MaxDepth, "nested deeper"},
		{"not", strings.Repeat("NOT ", 10000) + "params.a = 1", 4 * MaxDepth, "nested deeper"},
		{"not and open", strings.Repeat("NOT(", 10000) + "params.a = 1", 4*MaxDepth/2 + 0, "nested deeper"},
		{"many clauses", strings.Repeat("params.a = 1 OR ", 10000) + "params.a = 1", -1, ""},
		{"many ands", strings.Repeat("AND ", 60000), -1, ""},
		{"long list", "run_id IN (" + strings.Repeat("'0123456789abcdef',", 10000) + ")", -1, ""},
		{"unterminated", "params.a = 'x' AND " + strings.Repeat(`\'`, 100000) + "`", 19, "Invalid clause"},
		{"many fallbacks", "params.a IN (" + strings.Repeat("`", 100001), 13, "While parsing a list"},
	} {
		f, err := ParseRuns(test.filter)
		if test.offset < 0 {
			if err != nil {
				t.Errorf("%s: %v", test.name, err)
			} else if again, err := ParseRuns(f.String()); err != nil && len(f.String()) <= MaxQuery || err == nil && again.String() != f.String() {
				t.Errorf("%s: the canonical form does not parse again: %v", test.name, err)
			}
			continue
		}
		var e *Error
		if !errors.As(err, &e) {
			t.Errorf("%s: got %v, want an *Error", test.name, err)
			continue
		}
		if e.Offset != test.offset || !strings.Contains(e.Msg, test.msg) {
			t.Errorf("%s: got %q at %d, want %q at %d", test.name, e.Msg, e.Offset, test.msg, test.offset)
		}
		if len(e.Error()) > 2000 {
			t.Errorf("%s: the message has %d bytes", test.name, len(e.Error()))
		}
	}
}
