package search

import "strings"

// Filter is a parsed filter. It is immutable and safe for concurrent use. The
// nil and the zero Filter match every record.
type Filter struct {
	root  node
	needs Needs
}

// ParseRuns parses a filter over runs. An empty filter matches every run.
// Errors are of type *Error.
func ParseRuns(filter string) (*Filter, error) { return parse(filter, runs) }

// ParseExperiments parses a filter over experiments. An empty filter matches
// every experiment. Errors are of type *Error.
func ParseExperiments(filter string) (*Filter, error) { return parse(filter, experiments) }

// ParseModels parses a filter over logged models. An empty filter matches every model. Errors are
// of type *Error.
func ParseModels(filter string) (*Filter, error) { return parse(filter, models) }

// ParseTraces parses a filter over traces. An empty filter matches every trace. Errors are of type
// *Error.
func ParseTraces(filter string) (*Filter, error) { return parse(filter, traces) }

func parse(filter string, t target) (*Filter, error) {
	if filter == "" {
		return &Filter{}, nil
	}
	p, err := newParser(filter, t)
	if err != nil {
		return nil, err
	}
	if p.tok.kind == tokenEOF {
		return nil, newError(filter, 0, "Invalid filter '%s'. Could not be parsed.", filter)
	}
	root, err := p.filter()
	if err != nil {
		return nil, err
	}
	c := checker{query: filter, target: t}
	if err := c.check(root); err != nil {
		return nil, err
	}
	return &Filter{root: root, needs: c.needs.sorted()}, nil
}

// Match reports whether the filter is true of a record; unknown is not true.
func (f *Filter) Match(r Record) bool {
	return f == nil || f.root == nil || f.root.is(r, yes)
}

// Needs returns all that Match may ask of a record.
func (f *Filter) Needs() Needs {
	if f == nil {
		return Needs{}
	}
	return f.needs
}

// String returns the filter in its canonical form: one blank, operators in
// upper case, every AND written, aliases resolved, no needless parentheses.
// Parsed for the same target it gives an equal filter.
func (f *Filter) String() string {
	if f == nil || f.root == nil {
		return ""
	}
	var b strings.Builder
	write(&b, f.root, 0)
	return b.String()
}
