package search

import (
	"strings"
	"testing"
)

const threeClauses = "metrics.loss < 0.2 AND params.optimizer = 'adamw' AND status != 'FAILED'"

func BenchmarkParse(b *testing.B) {
	for name, filter := range map[string]string{
		"1 clause":  "metrics.loss < 0.2",
		"3 clauses": threeClauses,
		"superset":  "(min(metrics.loss) < 0.2 OR NOT params.lr BETWEEN 1e-4 AND 1e-2) AND start_time > '2024-01-01T00:00:00Z'",
		"1800 ids":  "run_id IN ('" + strings.Repeat("0123456789abcdef0123456789abcdef', '", 1800) + "')",
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := ParseRuns(filter); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// flat is a Record that answers at once, so that the benchmark measures
// evaluation alone.
type flat struct{}

func (flat) Text(Attribute) (string, bool) { return "FINISHED", true }
func (flat) Time(Attribute) (int64, bool)  { return 1704067200000, true }
func (flat) Metric(string) (Summary, bool) { return Summary{Latest: 0.1, Min: 0.1}, true }
func (flat) Param(string) (string, bool)   { return "adamw", true }
func (flat) Tag(string) (string, bool)     { return "0.001", true }
func (flat) Datasets() []Dataset           { return nil }

func BenchmarkMatch(b *testing.B) {
	for name, filter := range map[string]string{
		"3 clauses":      threeClauses,
		"number of text": "tags.lr < 0.01",
		"like":           "params.optimizer LIKE 'ad%w'",
		"ilike":          "params.optimizer ILIKE '%AM%'",
		"rlike":          "params.optimizer RLIKE '^ad'",
		"time":           "start_time >= '2024-01-01' AND duration = 0",
	} {
		b.Run(name, func(b *testing.B) {
			f, err := ParseRuns(filter)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if !f.Match(flat{}) {
					b.Fatal("no match")
				}
			}
		})
	}
}

func BenchmarkOrder(b *testing.B) {
	o, err := ParseRunOrder([]string{"metrics.loss DESC"})
	if err != nil {
		b.Fatal(err)
	}
	b.Run("key", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			o.Key(flat{})
		}
	})
	b.Run("compare", func(b *testing.B) {
		x, y := o.Key(flat{}), o.Key(flat{})
		b.ReportAllocs()
		for b.Loop() {
			o.Compare(x, y)
		}
	})
}

// BenchmarkHostileLike matches the pattern that is worst for the matcher.
func BenchmarkHostileLike(b *testing.B) {
	like := compileLike("%"+strings.Repeat("a%", 20)+strings.Repeat("a", 1000)+"b", false)
	value := strings.Repeat("a", 8000)
	b.ReportAllocs()
	for b.Loop() {
		if like.match(value) {
			b.Fatal("matched")
		}
	}
}
