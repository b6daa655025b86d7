package wire

import (
	"io"
	"maps"
	"slices"
	"strconv"
)

// RunColumns are runs as columns, for who makes a table of them: a fraction of the bytes of a list
// of runs, and of the time to read it.
//
//	{"rows":2,
//	 "info":{"run_id":["…","…"],…,"end_time":[null,9]},
//	 "metrics":[{"key":"loss","value":[0.5,0.25],"timestamp":[1,2],"step":[0,0]}],
//	 "params":[{"key":"lr","rows":[1],"value":["0.1"]}],
//	 "tags":[…],
//	 "rest":[{"row":1,"inputs":{…},"outputs":{…},"metrics":[…]}]}
//
// A column that has no "rows" has a value for each run. "rest" is what few runs have: data sets,
// models, and the points that name one of them, whole.
type RunColumns struct {
	infos        []RunInfo
	metrics      map[string]*pointColumn
	params, tags map[string]*textColumn
	rest         []runRest
}

type pointColumn struct {
	rows         []int
	values       []Number
	times, steps []Int
}

type textColumn struct {
	rows   []int
	values []string
}

type runRest struct {
	Row     int      `json:"row"`
	Inputs  *Inputs  `json:"inputs,omitempty"`
	Outputs *Outputs `json:"outputs,omitempty"`
	Metrics []Metric `json:"metrics,omitempty"`
}

// NewRunColumns makes columns without a row.
func NewRunColumns() *RunColumns {
	return &RunColumns{metrics: map[string]*pointColumn{}, params: map[string]*textColumn{}, tags: map[string]*textColumn{}}
}

// Add adds a run as the next row.
func (c *RunColumns) Add(r Run) {
	row := len(c.infos)
	c.infos = append(c.infos, r.Info)
	rest := runRest{Row: row, Outputs: r.Outputs}
	for _, m := range r.Data.Metrics {
		at := c.metrics[m.Key]
		if at == nil {
			at = &pointColumn{}
			c.metrics[m.Key] = at
		}
		at.rows, at.values = append(at.rows, row), append(at.values, m.Value)
		at.times, at.steps = append(at.times, m.Timestamp), append(at.steps, m.Step)
		if m.ModelID != "" || m.DatasetName != "" || m.DatasetDigest != "" {
			rest.Metrics = append(rest.Metrics, m)
		}
	}
	addTexts(c.params, row, r.Data.Params)
	addTexts(c.tags, row, r.Data.Tags)
	if len(r.Inputs.Datasets)+len(r.Inputs.Models) > 0 {
		rest.Inputs = &r.Inputs
	}
	if rest.Inputs != nil || rest.Outputs != nil || rest.Metrics != nil {
		c.rest = append(c.rest, rest)
	}
}

func addTexts(columns map[string]*textColumn, row int, entries []Tag) {
	for _, e := range entries {
		at := columns[e.Key]
		if at == nil {
			at = &textColumn{}
			columns[e.Key] = at
		}
		at.rows, at.values = append(at.rows, row), append(at.values, e.Value)
	}
}

// WriteJSON writes the columns, one after the other.
func (c *RunColumns) WriteJSON(w io.Writer) error {
	p := pieces{w: w}
	p.text = strconv.AppendInt(append(p.text, `{"rows":`...), int64(len(c.infos)), 10)
	p.text = append(p.text, `,"info":{`...)
	c.writeInfo(&p)
	p.text = append(p.text, `},"metrics":[`...)
	for i, key := range slices.Sorted(maps.Keys(c.metrics)) {
		m := c.metrics[key]
		c.begin(&p, i, key, m.rows)
		p.text = appendList(append(p.text, `,"value":`...), m.values, func(b []byte, n Number) []byte { return n.append(b) })
		p.text = appendList(append(p.text, `,"timestamp":`...), m.times, appendInt)
		p.text = appendList(append(p.text, `,"step":`...), m.steps, appendInt)
		p.end()
	}
	p.text = append(p.text, `],"params":[`...)
	c.writeTexts(&p, c.params)
	p.text = append(p.text, `],"tags":[`...)
	c.writeTexts(&p, c.tags)
	p.text = append(p.text, `],"rest":`...)
	p.text = appendList(p.text, c.rest, func(b []byte, r runRest) []byte { return appendAny(b, r) })
	p.end()
	return p.err
}

func (c *RunColumns) writeInfo(p *pieces) {
	texts := []struct {
		name string
		of   func(RunInfo) string
	}{
		{`"run_id":`, func(i RunInfo) string { return i.ID }},
		{`,"run_name":`, func(i RunInfo) string { return i.Name }},
		{`,"experiment_id":`, func(i RunInfo) string { return i.ExperimentID }},
		{`,"user_id":`, func(i RunInfo) string { return i.User }},
		{`,"status":`, func(i RunInfo) string { return i.Status }},
		{`,"artifact_uri":`, func(i RunInfo) string { return i.ArtifactURI }},
		{`,"lifecycle_stage":`, func(i RunInfo) string { return string(i.Stage) }},
	}
	for _, t := range texts {
		p.text = append(p.text, t.name...)
		p.text = appendList(p.text, c.infos, func(b []byte, i RunInfo) []byte { return appendText(b, t.of(i)) })
		p.flush()
	}
	p.text = append(p.text, `,"start_time":`...)
	p.text = appendList(p.text, c.infos, func(b []byte, i RunInfo) []byte { return appendTime(b, i.Start) })
	p.text = append(p.text, `,"end_time":`...)
	p.text = appendList(p.text, c.infos, func(b []byte, i RunInfo) []byte { return appendTime(b, i.End) })
	p.flush()
}

func (c *RunColumns) writeTexts(p *pieces, columns map[string]*textColumn) {
	for i, key := range slices.Sorted(maps.Keys(columns)) {
		c.begin(p, i, key, columns[key].rows)
		p.text = appendList(append(p.text, `,"value":`...), columns[key].values, appendText)
		p.end()
	}
}

// begin begins the i-th column of a kind.
func (c *RunColumns) begin(p *pieces, i int, key string, rows []int) {
	if i > 0 {
		p.text = append(p.text, ',')
	}
	p.text = appendText(append(p.text, `{"key":`...), key)
	if len(rows) < len(c.infos) {
		p.text = appendList(append(p.text, `,"rows":`...), rows, func(b []byte, n int) []byte { return strconv.AppendInt(b, int64(n), 10) })
	}
}

func appendInt(b []byte, n Int) []byte { return strconv.AppendInt(b, int64(n), 10) }

func appendTime(b []byte, t *Int) []byte {
	if t == nil {
		return append(b, "null"...)
	}
	return appendInt(b, *t)
}

func appendList[T any](b []byte, list []T, one func([]byte, T) []byte) []byte {
	b = append(b, '[')
	for i, element := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = one(b, element)
	}
	return append(b, ']')
}

// pieces writes a text piece by piece, until that fails.
type pieces struct {
	w    io.Writer
	text []byte
	err  error
}

func (p *pieces) flush() {
	if p.err == nil {
		_, p.err = p.w.Write(p.text)
	}
	p.text = p.text[:0]
}

// end ends an object, and writes it.
func (p *pieces) end() {
	p.text = append(p.text, '}')
	p.flush()
}
