package search

import (
	"cmp"
	"maps"
	"slices"
)

// Needs names all that a filter or an order may ask of a Record, sorted and
// without duplicates.
type Needs struct {
	Attributes []Attribute
	Metrics    []MetricNeed
	Params     []string
	Tags       []string
	Datasets   bool
}

// MetricNeed is a metric of which Summary.Latest is needed, and with History
// all of the summary.
type MetricNeed struct {
	Key     string
	History bool
}

// Union returns what n and m need together.
func (n Needs) Union(m Needs) Needs {
	var u needs
	u.merge(n)
	u.merge(m)
	return u.sorted()
}

// needs collects fields.
type needs struct {
	attributes map[Attribute]bool
	metrics    map[string]bool // the value: the history too
	params     map[string]bool
	tags       map[string]bool
	datasets   bool
}

func (n *needs) add(f field) {
	switch f.kind {
	case attributeField:
		if f.attribute == duration {
			set(&n.attributes, StartTime, true)
			set(&n.attributes, EndTime, true)
			return
		}
		set(&n.attributes, f.attribute, true)
	case metricField:
		set(&n.metrics, f.key, f.function != noFunction && f.function != lastFunction)
	case paramField, metadataField:
		set(&n.params, f.key, true)
	case tagField:
		set(&n.tags, f.key, true)
	case datasetField:
		n.datasets = true
	}
}

func (n *needs) merge(m Needs) {
	for _, a := range m.Attributes {
		set(&n.attributes, a, true)
	}
	for _, k := range m.Metrics {
		set(&n.metrics, k.Key, k.History)
	}
	for _, k := range m.Params {
		set(&n.params, k, true)
	}
	for _, k := range m.Tags {
		set(&n.tags, k, true)
	}
	n.datasets = n.datasets || m.Datasets
}

// set adds a key to a map that is made when first needed.
func set[K comparable](m *map[K]bool, key K, value bool) {
	if *m == nil {
		*m = map[K]bool{}
	}
	(*m)[key] = (*m)[key] || value
}

func (n *needs) sorted() Needs {
	s := Needs{
		Attributes: keys(n.attributes),
		Params:     keys(n.params),
		Tags:       keys(n.tags),
		Datasets:   n.datasets,
	}
	for _, key := range keys(n.metrics) {
		s.Metrics = append(s.Metrics, MetricNeed{key, n.metrics[key]})
	}
	return s
}

// keys returns the keys of a map in order.
func keys[K cmp.Ordered](m map[K]bool) []K {
	if len(m) == 0 {
		return nil
	}
	return slices.Sorted(maps.Keys(m))
}
