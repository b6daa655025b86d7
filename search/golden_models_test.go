package search

import (
	"archive/tar"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// goldenMLflow3 is the part of a golden store of models and traces that searches are about.
type goldenMLflow3 struct {
	Models map[string]struct {
		Result *goldenModel
	}
	Traces map[string]struct {
		Result *goldenTrace
	}
	Searches []goldenModelQuery
	deleted  map[string]bool // the ids of models whose meta.yaml says so
}

type goldenModel struct {
	ID, Experiment, Name, Status string
	Type, Run                    *string
	Created, Updated             int64
	Params, Tags                 map[string]string
	Metrics                      []struct {
		Key, Value string
		Time, Step int64
		Dataset    []string
	}
}

type goldenTrace struct {
	ID, Experiment, State string
	Time                  int64
	Duration              *int64
	ClientID              *string `json:"client_id"`
	Metadata, Tags        map[string]string
}

type goldenModelQuery struct {
	Of          string
	Experiments []string
	Filter      string
	Order       json.RawMessage
	Datasets    []map[string]*string
	Max         *int
	Token       string
	Pages       []struct {
		IDs   []string `json:"ids"`
		Token string
	}
	Error *struct{ Type, Code, Message string }
}

// name is what the table of deviations calls a query.
func (q goldenModelQuery) name() string {
	n := q.Of + ": " + q.Filter
	if q.Order != nil && string(q.Order) != "null" {
		n += " ORDER BY " + string(q.Order)
	}
	for _, d := range q.Datasets {
		if name, digest := d["dataset_name"], d["dataset_digest"]; name != nil && digest != nil {
			n += fmt.Sprintf(" ON %q", *name+"|"+*digest)
		}
	}
	if q.Max != nil {
		n += fmt.Sprintf(" (MAX %d)", *q.Max)
	}
	if q.Token != "" {
		n += " TOKEN " + q.Token
	}
	return n
}

func loadGoldenMLflow3(t *testing.T, version string) (g goldenMLflow3) {
	t.Helper()
	f, err := os.Open("../testdata/models/mlflow-" + version + ".tar.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	deleted := map[string]bool{}
	for archive := tar.NewReader(z); ; {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			g.deleted = deleted
			return g
		}
		if err != nil {
			t.Fatal(err)
		}
		switch name := path.Clean(h.Name); {
		case name == version+"/expected.json":
			if err := json.NewDecoder(archive).Decode(&g); err != nil {
				t.Fatal(err)
			}
		case path.Base(name) == "meta.yaml" && path.Base(path.Dir(path.Dir(name))) == "models":
			text, err := io.ReadAll(archive)
			if err != nil {
				t.Fatal(err)
			}
			deleted[path.Base(path.Dir(name))] = strings.Contains(string(text), "lifecycle_stage: deleted")
		}
	}
}

// modelMemory is the record of a model or a trace over maps.
type modelMemory struct {
	*memory
	measured map[string]*Measured
	on       []Dataset
}

func (m *modelMemory) Metric(key string) (Summary, bool) {
	if m.measured[key] == nil {
		return Summary{}, false
	}
	return m.measured[key].First(m.on)
}

func (m *modelMemory) MetricOn(key string, on Dataset) (Summary, bool) {
	if m.measured[key] == nil {
		return Summary{}, false
	}
	return m.measured[key].Newest(on)
}

func (m *goldenModel) record(t *testing.T) *modelMemory {
	t.Helper()
	r := &modelMemory{memory: newMemory(m.ID), measured: map[string]*Measured{}}
	r.text[ModelID], r.text[ModelName], r.text[Status] = m.ID, m.Name, m.Status
	for a, s := range map[Attribute]*string{ModelType: m.Type, SourceRunID: m.Run} {
		if s != nil {
			r.text[a] = *s
		}
	}
	r.times[CreationTimestamp], r.times[LastUpdatedTimestamp] = m.Created, m.Updated
	r.params, r.tags = m.Params, m.Tags
	for _, p := range m.Metrics {
		value, err := strconv.ParseFloat(p.Value, 64)
		if err != nil {
			t.Fatal(err)
		}
		if r.measured[p.Key] == nil {
			r.measured[p.Key] = &Measured{}
		}
		r.measured[p.Key].Add(Dataset{Name: p.Dataset[0], Digest: p.Dataset[1]}, value, p.Time, p.Step)
	}
	for _, m := range r.measured {
		r.datasets = append(r.datasets, m.Datasets()...)
	}
	return r
}

func (tr *goldenTrace) record() *modelMemory {
	r := &modelMemory{memory: newMemory(tr.ID)}
	r.text[RequestID], r.text[ExperimentID], r.text[Status] = tr.ID, tr.Experiment, tr.State
	if tr.ClientID != nil {
		r.text[ClientRequestID] = *tr.ClientID
	}
	r.times[TimestampMs] = tr.Time
	if tr.Duration != nil {
		r.times[ExecutionTimeMs], r.times[EndTimeMs] = *tr.Duration, tr.Time+*tr.Duration
	}
	r.params, r.tags = tr.Metadata, tr.Tags
	return r
}

// records are what a query searches, an experiment that is listed twice twice.
func (g *goldenMLflow3) records(t *testing.T, q goldenModelQuery) (records []*modelMemory) {
	t.Helper()
	for _, experiment := range q.Experiments {
		for _, id := range slices.Sorted(maps.Keys(g.Models)) {
			if m := g.Models[id]; q.Of == "models" && m.Result != nil && m.Result.Experiment == experiment && !g.deleted[id] {
				records = append(records, m.Result.record(t))
			}
		}
		for _, id := range slices.Sorted(maps.Keys(g.Traces)) {
			if tr := g.Traces[id]; q.Of == "traces" && tr.Result != nil && tr.Result.Experiment == experiment {
				records = append(records, tr.Result.record())
			}
		}
	}
	return records
}

// modelDeviations are the queries that are answered otherwise than by MLflow, each kind with a
// pattern of the query's name and MLflow's error.
var modelDeviations = []struct {
	pattern *regexp.Regexp
	reason  string
}{
	{regexp.MustCompile(`^models: datasets?\.name `), "MLflow compares the name of the model itself; here it is the data sets of its points"},
	{regexp.MustCompile(`^models: (name|status) IN .*[A-Z]'`), "3.1 finds no text with an upper-case letter in a list"},
	{regexp.MustCompile(`\(MAX -1\)`), "a page cannot be smaller than one"},
	{regexp.MustCompile(`TOKEN eyJvZmZzZXQiOiAtMX0=`), "a token of MLflow's that counts from the end, made for a negative page"},
	{regexp.MustCompile(`"test\|"`), "an empty digest means any"},
	{regexp.MustCompile(`Experiment \S+ does not exist|persisted metric data`), "a store's matter"},
	{regexp.MustCompile(` (IS NULL|IS NOT NULL|NOT IN|IN|LIKE|ILIKE|RLIKE|BETWEEN) ?.*! `), "every operator for every field"},
	{regexp.MustCompile(` OR | NOT |: \(|: NOT `), "OR, NOT, parentheses"},
	{regexp.MustCompile(`(params.lr|tags.color) = [0-9]`), "params and tags compare with numbers"},
	{regexp.MustCompile(`creation_timestamp < 1.5|timestamp > 1.5|creation_time > 0|last_updated_time|end_time|experiment_id = |trace_id|client_request_id|prompt = `), "fields that this version refuses or fails at"},
	{regexp.MustCompile(`'<' not supported`), "missing values have an order"},
}

// TestGoldenModels runs every search of the golden stores of models and traces over records made of
// what MLflow says that they are. What MLflow answers is answered so in every variant of the
// filter, but for the deviations.
func TestGoldenModels(t *testing.T) {
	counts := map[string]map[string]int{
		"3.1": {
			"same": 294, "refused": 119, "a store's matter": 4,
			"3.1 finds no text with an upper-case letter in a list":                                3,
			"MLflow compares the name of the model itself; here it is the data sets of its points": 2,
			"OR, NOT, parentheses":              7,
			"a page cannot be smaller than one": 2,
			"a token of MLflow's that counts from the end, made for a negative page": 2,
			"an empty digest means any":                    1,
			"every operator for every field":               38,
			"fields that this version refuses or fails at": 17,
			"missing values have an order":                 3,
			"params and tags compare with numbers":         2,
		},
		"3.17": {
			"same": 320, "refused": 119, "a store's matter": 4,
			"MLflow compares the name of the model itself; here it is the data sets of its points": 2,
			"OR, NOT, parentheses":              7,
			"a page cannot be smaller than one": 2,
			"a token of MLflow's that counts from the end, made for a negative page": 2,
			"an empty digest means any":                    1,
			"every operator for every field":               19,
			"fields that this version refuses or fails at": 13,
			"missing values have an order":                 3,
			"params and tags compare with numbers":         2,
		},
	}
	for version, want := range counts {
		t.Run(version, func(t *testing.T) {
			g := loadGoldenMLflow3(t, version)
			got := map[string]int{}
			for _, q := range g.Searches {
				got[g.check(t, q)]++
			}
			if !maps.Equal(got, want) {
				t.Errorf("queries by outcome: got %#v, want %v", got, want)
			}
		})
	}
}

// check compares the answer to a query in all its variants with MLflow's, and tells how they are
// related: "same", "refused", or the reason of a deviation.
func (g *goldenMLflow3) check(t *testing.T, q goldenModelQuery) string {
	t.Helper()
	for _, page := range q.Pages {
		if q.Of == "models" && slices.ContainsFunc(page.IDs, func(id string) bool { return g.Models[id].Result == nil }) {
			return "a store's matter" // a model of an experiment in the trash, which no get finds
		}
	}
	outcome := "same"
	if q.Error != nil {
		outcome = "refused"
	}
	filters := variants(q.Filter)
	if strings.HasPrefix(q.Filter, "AND") || strings.HasSuffix(q.Filter, "AND") {
		filters = filters[:1]
	}
	for _, filter := range filters {
		v := q
		v.Filter = filter
		difference := g.difference(t, v)
		if difference == "" {
			continue
		}
		name := q.name() + " ! " + q.message()
		for _, d := range modelDeviations {
			if d.pattern.MatchString(name) {
				return d.reason
			}
		}
		t.Errorf("%s as %s %v: %s", name, filter, q.Experiments, difference)
		return "different"
	}
	return outcome
}

func (q goldenModelQuery) message() string {
	if q.Error == nil {
		return ""
	}
	return q.Error.Message
}

// difference tells how the answer differs from MLflow's, "" if it does not.
func (g *goldenMLflow3) difference(t *testing.T, q goldenModelQuery) string {
	t.Helper()
	token := q.Token
	for _, page := range q.Pages {
		ids, next, err := g.answer(t, q, token)
		if err != nil || !slices.Equal(ids, page.IDs) || next != page.Token {
			return fmt.Sprintf("got %v %q, %v, want %v", ids, next, err, page)
		}
		token = next
	}
	if q.Error == nil {
		return ""
	}
	ids, _, err := g.answer(t, q, token)
	if err == nil {
		return fmt.Sprintf("got %v, want an error", ids)
	}
	var e *Error
	if want := q.Error.Message; errors.As(err, &e) && sameText.MatchString(want) && !strings.HasPrefix(e.Msg, want) {
		return fmt.Sprintf("got the error %q, want %q", e.Msg, want)
	}
	return ""
}

// sameText are the messages that are repeated word by word; the others list what the superset has
// more of, or the pieces of a filter that was put in parentheses.
var sameText = regexp.MustCompile("^(Invalid order by|Invalid order_by entity|Expected a quoted string value for attributes|Span filtering|Assessment filtering|Invalid span|`dataset_digest`)")

// answer runs a query as a store would.
func (g *goldenMLflow3) answer(t *testing.T, q goldenModelQuery, token string) (ids []string, next string, err error) {
	t.Helper()
	filter, order, on, err := q.parse()
	if err != nil {
		return nil, "", err
	}
	offset, err := DecodeToken(token)
	if err != nil {
		return nil, "", err
	}
	type match struct {
		id  string
		key Key
	}
	var found []match
	for _, r := range g.records(t, q) {
		r.on = on
		if len(on) > 0 && filter.Needs().Metrics == nil && !r.isOn(on) {
			continue
		}
		if filter.Match(r) {
			found = append(found, match{r.id, order.Key(r)})
		}
	}
	slices.SortStableFunc(found, func(a, b match) int { return order.Compare(a.key, b.key) })
	size := 100
	if q.Max != nil && *q.Max != 0 {
		size = *q.Max
	}
	if size < 0 || q.Of == "traces" && size > 50000 {
		return nil, "", errors.New("a store refuses it")
	}
	end := offset + size
	for _, m := range found[min(offset, len(found)):min(end, len(found))] {
		ids = append(ids, m.id)
	}
	if end < len(found) {
		next = EncodeToken(end)
	}
	return ids, next, nil
}

func (m *modelMemory) isOn(on []Dataset) bool {
	for _, metric := range m.measured {
		if metric.IsOn(on) {
			return true
		}
	}
	return false
}

// parse is what a store does with the texts of a query.
func (q goldenModelQuery) parse() (*Filter, *Order, []Dataset, error) {
	if q.Of == "traces" {
		var items []string
		if q.Order != nil {
			if err := json.Unmarshal(q.Order, &items); err != nil {
				return nil, nil, nil, err
			}
		}
		f, err := ParseTraces(q.Filter)
		if err != nil {
			return nil, nil, nil, err
		}
		o, err := ParseTraceOrder(items)
		return f, o, nil, err
	}
	var items []struct {
		Field     *string `json:"field_name"`
		Ascending any     `json:"ascending"`
		Name      string  `json:"dataset_name"`
		Digest    string  `json:"dataset_digest"`
	}
	if q.Order != nil {
		if err := json.Unmarshal(q.Order, &items); err != nil {
			return nil, nil, nil, err
		}
	}
	var terms []ModelOrderItem
	for i, item := range items {
		term := ModelOrderItem{On: Dataset{Name: item.Name, Digest: item.Digest}}
		if item.Field != nil {
			term.Field = *item.Field
		}
		switch ascending := item.Ascending.(type) {
		case bool:
			term.Descending = !ascending
		case float64:
			term.Descending = ascending == 0
		default:
			if ascending != nil || strings.Contains(string(q.Order), `"ascending": null`) && i == 0 {
				return nil, nil, nil, errors.New("ascending must be a boolean")
			}
		}
		terms = append(terms, term)
	}
	var on []Dataset
	for _, d := range q.Datasets {
		if d["dataset_name"] == nil || *d["dataset_name"] == "" {
			return nil, nil, nil, errors.New("dataset_name must be specified")
		}
		wanted := Dataset{Name: *d["dataset_name"]}
		if d["dataset_digest"] != nil {
			wanted.Digest = *d["dataset_digest"]
		}
		on = append(on, wanted)
	}
	f, err := ParseModels(q.Filter)
	if err != nil {
		return nil, nil, nil, err
	}
	o, err := ParseModelOrder(terms)
	return f, o, on, err
}
