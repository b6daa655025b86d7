package search

import "math"

// memory is a Record over maps. Whatever is not in a map is missing.
type memory struct {
	id       string
	text     map[Attribute]string
	times    map[Attribute]int64
	metrics  map[string][]point
	params   map[string]string
	tags     map[string]string
	datasets []Dataset
	hide     map[string]bool // summaries that show only Latest
}

type point struct {
	value           float64
	timestamp, step int64
}

func newMemory(id string) *memory {
	return &memory{
		id: id, text: map[Attribute]string{}, times: map[Attribute]int64{}, metrics: map[string][]point{},
		params: map[string]string{}, tags: map[string]string{},
	}
}

func (m *memory) Text(a Attribute) (string, bool) { s, ok := m.text[a]; return s, ok }
func (m *memory) Time(a Attribute) (int64, bool)  { t, ok := m.times[a]; return t, ok }
func (m *memory) Param(key string) (string, bool) { s, ok := m.params[key]; return s, ok }
func (m *memory) Tag(key string) (string, bool)   { s, ok := m.tags[key]; return s, ok }
func (m *memory) Datasets() []Dataset             { return m.datasets }
func (m *memory) Metric(key string) (Summary, bool) {
	var h History
	for _, p := range m.metrics[key] {
		h.Add(p.value, p.timestamp, p.step)
	}
	s, ok := h.Summary()
	if m.hide[key] {
		s = Summary{Latest: s.Latest, Min: -7, Max: math.Inf(1), Mean: 1e9, First: -1, Count: 77}
	}
	return s, ok
}

// only returns a copy of m that shows nothing but what n names.
func (m *memory) only(n Needs) *memory {
	c := newMemory(m.id)
	c.hide = map[string]bool{}
	for _, a := range n.Attributes {
		if s, ok := m.text[a]; ok {
			c.text[a] = s
		}
		if t, ok := m.times[a]; ok {
			c.times[a] = t
		}
	}
	for _, k := range n.Metrics {
		if p, ok := m.metrics[k.Key]; ok {
			c.metrics[k.Key], c.hide[k.Key] = p, !k.History
		}
	}
	for _, k := range n.Params {
		if s, ok := m.params[k]; ok {
			c.params[k] = s
		}
	}
	for _, k := range n.Tags {
		if s, ok := m.tags[k]; ok {
			c.tags[k] = s
		}
	}
	if n.Datasets {
		c.datasets = m.datasets
	}
	return c
}
