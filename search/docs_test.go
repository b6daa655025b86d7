package search

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestDocs runs the examples of docs/search.md.
func TestDocs(t *testing.T) {
	text, err := os.ReadFile("../docs/search.md")
	if err != nil {
		t.Fatal(err)
	}
	var records []*memory
	ran := map[string]int{}
	for i, part := range strings.Split(string(text), "\n```") {
		if i%2 == 0 {
			continue
		}
		kind, block, _ := strings.Cut(part, "\n")
		switch kind {
		case "runs":
			records = docsRuns(t, block)
		case "filters":
			ran[kind] += examples(t, block, func(filter string) []string { return docsMatch(t, filter, records) })
		case "orders":
			ran[kind] += examples(t, block, func(order string) []string { return docsSort(t, order, records) })
		case "error":
			query, want, _ := strings.Cut(block, "\n")
			if _, err := ParseRuns(query); err == nil || err.Error() != want {
				t.Errorf("%s: got\n%v\nwant\n%s", query, err, want)
			}
			ran[kind]++
		default:
			t.Errorf("unknown block %q", kind)
		}
	}
	if ran["filters"] < 40 || ran["orders"] < 7 || ran["error"] < 2 {
		t.Errorf("ran only %v", ran)
	}
}

// examples runs every line of a block, "query -> ids".
func examples(t *testing.T, block string, run func(string) []string) (n int) {
	t.Helper()
	for line := range strings.SplitSeq(block, "\n") {
		query, want, ok := strings.Cut(line, "->")
		if !ok {
			t.Errorf("no -> in %q", line)
			continue
		}
		ids := strings.Fields(strings.ReplaceAll(want, "none", ""))
		if got := run(strings.TrimSpace(query)); !slices.Equal(got, ids) {
			t.Errorf("%s: got %v, want %v", query, got, ids)
		}
		n++
	}
	return n
}

func docsMatch(t *testing.T, filter string, records []*memory) (ids []string) {
	f, err := ParseRuns(filter)
	if err != nil {
		t.Errorf("%v", err)
	}
	for _, r := range records {
		if f.Match(r) {
			ids = append(ids, r.id)
		}
	}
	return ids
}

func docsSort(t *testing.T, order string, records []*memory) (ids []string) {
	var items []string
	if order != "" {
		items = strings.Split(order, "; ")
	}
	o, err := ParseRunOrder(items)
	if err != nil {
		t.Errorf("%v", err)
	}
	sorted := slices.Clone(records)
	slices.SortFunc(sorted, func(a, b *memory) int { return o.Compare(o.Key(a), o.Key(b)) })
	for _, r := range sorted {
		ids = append(ids, r.id)
	}
	return ids
}

// docsRuns reads the block that lists the runs.
func docsRuns(t *testing.T, block string) (records []*memory) {
	for line := range strings.SplitSeq(block, "\n") {
		words := strings.Fields(line)
		if words[0] == "run" {
			records = append(records, newMemory(words[1]))
			records[len(records)-1].text[RunID] = words[1]
			words = words[1:]
		}
		m := records[len(records)-1]
		if words[0] == "dataset" {
			m.datasets = append(m.datasets, Dataset{Name: words[1], Digest: words[2], Context: words[3], HasContext: true})
			continue
		}
		if words[0] == "metric" {
			for i, v := range words[3:] {
				value, err := strconv.ParseFloat(v, 64)
				if err != nil {
					t.Fatal(err)
				}
				m.metrics[words[1]] = append(m.metrics[words[1]], point{value, int64(i), int64(i)})
			}
			continue
		}
		for _, word := range words[1:] {
			key, value, _ := strings.Cut(word, "=")
			docsField(t, m, words[0], key, value)
		}
	}
	return records
}

func docsField(t *testing.T, m *memory, kind, key, value string) {
	switch {
	case kind == "params":
		m.params[key] = value
	case kind == "tags":
		m.tags[key] = value
	case key == "start":
		start, err := time.Parse(time.RFC3339, value)
		if err != nil {
			t.Fatal(err)
		}
		m.times[StartTime] = start.UnixMilli()
	case key == "minutes":
		n, err := strconv.ParseInt(value, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		m.times[EndTime] = m.times[StartTime] + n*60000
	default:
		m.text[map[string]Attribute{"name": RunName, "status": Status, "experiment": ExperimentName}[key]] = value
	}
}
