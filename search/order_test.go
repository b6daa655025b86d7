package search

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// multiPass is MLflow's sort: the base order, then one stable sort per item,
// the last item first, descending ones too.
func multiPass(records []*memory, items []expression, descending []bool) []string {
	sorted := slices.Clone(records)
	slices.SortFunc(sorted, func(a, b *memory) int { return strings.Compare(a.text[RunID], b.text[RunID]) })
	slices.SortStableFunc(sorted, func(a, b *memory) int { return byTime(a, b) })
	for i := len(items) - 1; i >= 0; i-- {
		slices.SortStableFunc(sorted, func(a, b *memory) int {
			x, y := items[i].read(a), items[i].read(b)
			if len(x) == 0 || len(y) == 0 {
				return len(y) - len(x)
			}
			c := 0
			if items[i].numeric {
				p, _ := numberOf(x[0])
				q, _ := numberOf(y[0])
				switch {
				case math.IsNaN(p.float) && math.IsNaN(q.float):
					return 0
				case math.IsNaN(p.float):
					return 1
				case math.IsNaN(q.float):
					return -1
				case p.float < q.float:
					c = -1
				case p.float > q.float:
					c = 1
				}
			} else {
				c = strings.Compare(x[0], y[0])
			}
			if descending[i] {
				return -c
			}
			return c
		})
	}
	var ids []string
	for _, m := range sorted {
		ids = append(ids, m.id)
	}
	return ids
}

// byTime is start_time DESC, missing last.
func byTime(a, b *memory) int {
	x, ok := a.times[StartTime]
	y, also := b.times[StartTime]
	switch {
	case ok != also && ok:
		return -1
	case ok != also:
		return 1
	case x > y:
		return -1
	case x < y:
		return 1
	}
	return 0
}

func TestRandomOrders(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	r := random{rand.New(rand.NewPCG(seed, 2))}
	var records []*memory
	for i := range 50 {
		m := r.record(i)
		m.text[RunID] = m.id
		records = append(records, m)
	}
	for range 300 {
		var items []string
		var fields []expression
		var descending []bool
		for range r.IntN(4) {
			e := r.comparison()
			e.numeric = e.numeric && !strings.HasPrefix(e.field, "params") && !strings.HasPrefix(e.field, "tags")
			if strings.HasPrefix(e.field, "dataset") {
				continue
			}
			item := strings.ReplaceAll(e.field, "c d", "`c d`")
			direction := pick(r, "", " ASC", " DESC", " desc")
			items, fields = append(items, item+direction), append(fields, e)
			descending = append(descending, strings.EqualFold(direction, " desc"))
		}
		o, err := ParseRunOrder(items)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		shuffled := slices.Clone(records)
		r.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		slices.SortFunc(shuffled, func(a, b *memory) int { return o.Compare(o.Key(a.only(o.Needs())), o.Key(b.only(o.Needs()))) })
		var got []string
		for _, m := range shuffled {
			got = append(got, m.id)
		}
		if want := multiPass(records, fields, descending); !slices.Equal(got, want) {
			t.Fatalf("seed %d: order by %q: got %v, want %v", seed, items, got, want)
		}
	}
}

func TestOrderString(t *testing.T) {
	for _, test := range []struct {
		items []string
		want  string
	}{
		{nil, "start_time DESC, run_id"},
		{[]string{"metric.`a b` desc", "Created", "MIN(metrics.`x`)"}, "metrics.`a b` DESC, start_time, min(metrics.x), run_id"},
		{[]string{"run_id DESC"}, "run_id DESC, start_time DESC"},
	} {
		o, err := ParseRunOrder(test.items)
		if err != nil {
			t.Fatal(err)
		}
		if got := o.String(); got != test.want {
			t.Errorf("%q: got %q, want %q", test.items, got, test.want)
		}
	}
	o, err := ParseExperimentOrder([]string{"name"})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := o.String(), "experiment.name, experiment_id DESC"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestZeroOrder(t *testing.T) {
	var o *Order
	m := newMemory("x")
	if c := o.Compare(o.Key(m), o.Key(m)); c != 0 || o.String() != "" || len(o.Needs().Attributes) != 0 {
		t.Errorf("the nil order compares %d, is %q and needs %v", c, o.String(), o.Needs())
	}
}
