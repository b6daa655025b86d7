package search

import (
	"archive/tar"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"math"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// golden is the part of a golden store's expected.json that searches are about.
type golden struct {
	Labels            map[string]string
	Runs              map[string]goldenRun
	Experiments       map[string][]goldenExperiment
	SearchRuns        []goldenQuery `json:"search_runs"`
	SearchExperiments []goldenQuery `json:"search_experiments"`
}

type goldenRun struct {
	Info struct {
		RunID        string  `json:"run_id"`
		RunName      *string `json:"run_name"`
		ExperimentID string  `json:"experiment_id"`
		UserID       *string `json:"user_id"`
		Status       string
		StartTime    *json.Number `json:"start_time"`
		EndTime      *json.Number `json:"end_time"`
		ArtifactURI  string       `json:"artifact_uri"`
		Stage        string       `json:"lifecycle_stage"`
	}
	Params, Tags  map[string]string
	Latest        []goldenMetric            `json:"latest_metrics"`
	History       map[string][]goldenMetric `json:"metric_history"`
	DatasetInputs []struct {
		Dataset struct{ Name, Digest string }
		Tags    []struct{ Key, Value string }
	} `json:"dataset_inputs"`
	Error json.RawMessage
}

type goldenMetric struct {
	Key             string
	Value           json.RawMessage
	Timestamp, Step json.Number // beyond int64 in poison-bigint_metric, and fractions in others
}

type goldenExperiment struct {
	ID      string `json:"experiment_id"`
	Name    string
	Stage   string `json:"lifecycle_stage"`
	Tags    map[string]string
	Created *int64 `json:"creation_time"`
	Updated *int64 `json:"last_update_time"`
}

type goldenQuery struct {
	ExperimentIDs []string `json:"experiment_ids"` // asked for runs, the answer for experiments
	Filter        string
	View          string
	Max           int      `json:"max_results"`
	OrderBy       []string `json:"order_by"`
	Token         string   `json:"page_token"`
	RunIDs        []string `json:"run_ids"`
	Next          *string  `json:"next_page_token"`
	Error         *struct {
		Type, Message string
		Code          string `json:"error_code"`
	}
	experiments bool
}

// name is what the tables of deviations call a query.
func (q goldenQuery) name() string {
	n := q.Filter
	if q.experiments {
		n = "experiments: " + n
	}
	if q.OrderBy != nil {
		n += " ORDER BY " + strings.Join(q.OrderBy, "; ")
	}
	return n
}

func loadGolden(t *testing.T, version string) golden {
	t.Helper()
	f, err := os.Open("../testdata/golden/mlflow-" + version + ".tar.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	for archive := tar.NewReader(z); ; {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			t.Fatal("no expected.json in the archive")
		}
		if err != nil {
			t.Fatal(err)
		}
		if path.Clean(h.Name) != version+"/expected.json" {
			continue
		}
		var g golden
		if err := json.NewDecoder(archive).Decode(&g); err != nil {
			t.Fatal(err)
		}
		return g
	}
}

func (m goldenMetric) point(t *testing.T) point {
	t.Helper()
	var p point
	p.timestamp, _ = m.Timestamp.Int64()
	p.step, _ = m.Step.Int64()
	switch string(m.Value) {
	case `"NaN"`:
		p.value = math.NaN()
	case `"Infinity"`:
		p.value = math.Inf(1)
	case `"-Infinity"`:
		p.value = math.Inf(-1)
	default:
		if err := json.Unmarshal(m.Value, &p.value); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

// record is the Record of a run.
func (r goldenRun) record(t *testing.T) *memory {
	t.Helper()
	m := newMemory(r.Info.RunID)
	m.text[RunID], m.text[Status] = r.Info.RunID, r.Info.Status
	m.text[ArtifactURI], m.text[ExperimentID] = r.Info.ArtifactURI, r.Info.ExperimentID
	if r.Info.UserID != nil {
		m.text[UserID] = *r.Info.UserID
	}
	if name, ok := r.Tags["mlflow.runName"]; ok {
		m.text[RunName] = name // MLflow 1.8 has no name but the tag
	}
	if r.Info.RunName != nil {
		m.text[RunName] = *r.Info.RunName
	}
	for a, n := range map[Attribute]*json.Number{StartTime: r.Info.StartTime, EndTime: r.Info.EndTime} {
		if n == nil {
			continue
		}
		if ms, err := n.Float64(); err == nil {
			m.times[a] = int64(ms)
		}
	}
	m.params, m.tags = r.Params, r.Tags
	for _, l := range r.Latest {
		m.metrics[l.Key] = []point{l.point(t)}
	}
	for key, points := range r.History {
		m.metrics[key] = nil
		for _, p := range points {
			m.metrics[key] = append(m.metrics[key], p.point(t))
		}
	}
	for _, in := range r.DatasetInputs {
		d := Dataset{Name: in.Dataset.Name, Digest: in.Dataset.Digest}
		for _, tag := range in.Tags {
			if tag.Key == "mlflow.data.context" {
				d.Context, d.HasContext = tag.Value, true
			}
		}
		m.datasets = append(m.datasets, d)
	}
	return m
}

func (e goldenExperiment) record() *memory {
	m := newMemory(e.ID)
	m.text[ExperimentID], m.text[ExperimentName] = e.ID, e.Name
	m.tags = e.Tags
	if e.Created != nil {
		m.times[CreationTime] = *e.Created
	}
	if e.Updated != nil {
		m.times[LastUpdateTime] = *e.Updated
	}
	return m
}

func visible(view, stage string) bool {
	return view == "ALL" || view == map[string]string{"active": "ACTIVE_ONLY", "deleted": "DELETED_ONLY"}[stage]
}

// stripBytes strips the b” in which the golden files record tokens.
func stripBytes(s string) string {
	if strings.HasPrefix(s, "b'") {
		return s[2 : len(s)-1]
	}
	return s
}

func (q goldenQuery) next() string {
	if q.Next == nil {
		return ""
	}
	return stripBytes(*q.Next)
}

// ids are the ids of the answer.
func (q goldenQuery) ids() []string {
	if q.experiments {
		return q.ExperimentIDs
	}
	return q.RunIDs
}

// labels names the answer independently of random ids and their order.
func (g *golden) labels(q goldenQuery) string {
	names := g.names()
	var labels []string
	for _, id := range q.ids() {
		labels = append(labels, names[id])
	}
	slices.Sort(labels)
	return strings.Join(labels, "|")
}

// common is labels without what the stores do not both have.
func (g *golden) common(q goldenQuery, other *golden) string {
	return strings.Join(slices.DeleteFunc(strings.Split(g.labels(q), "|"), func(label string) bool {
		stage := g.stages()[label]
		return stage == "" || stage != other.stages()[label]
	}), "|")
}

// names returns the label of every run and the name of every experiment.
func (g *golden) names() map[string]string {
	names := map[string]string{}
	for label, id := range g.Labels {
		names[id] = label
	}
	for _, e := range g.Experiments["ALL"] {
		names[e.ID] = e.Name
	}
	return names
}

// stages returns the lifecycle stage of every label and name, "" if it is ambiguous.
func (g *golden) stages() map[string]string {
	stages := map[string]string{}
	for label, id := range g.Labels {
		stages[label] = g.Runs[id].Info.Stage
	}
	for _, e := range g.Experiments["ALL"] {
		if other, ok := stages[e.Name]; ok && other != e.Stage {
			stages[e.Name] = ""
			continue
		}
		stages[e.Name] = e.Stage
	}
	return stages
}

func (g *golden) hasNoDatasets() bool {
	for _, r := range g.Runs {
		if len(r.DatasetInputs) > 0 {
			return false
		}
	}
	return true
}

// records returns what a query searches, an experiment that is listed twice
// twice. The runs that MLflow could not read back are in experiments of their
// own, named poison-…, that no query asks for.
func (g *golden) records(t *testing.T, q goldenQuery) (records []*memory) {
	t.Helper()
	if q.experiments {
		for _, e := range g.Experiments["ALL"] {
			if visible(q.View, e.Stage) {
				records = append(records, e.record())
			}
		}
		return records
	}
	for _, id := range q.ExperimentIDs {
		for _, r := range g.Runs {
			if r.Error == nil && r.Info.ExperimentID == id && visible(q.View, r.Info.Stage) {
				records = append(records, r.record(t))
			}
		}
	}
	return records
}

// variants are filters that mean the same as f.
func variants(f string) []string {
	if f == "" || strings.HasSuffix(f, " and") {
		return []string{f}
	}
	return []string{
		f, "(" + f + ")", "NOT NOT (" + f + ")", "(" + f + ") AND (" + f + ")", "(" + f + ") OR (" + f + ")",
		"(" + f + ") (" + f + ")", "NOT (NOT (" + f + ") OR NOT (" + f + "))",
	}
}

// superset are the queries that MLflow refuses and this package answers, with
// the labels or names of the answer, and why.
var superset = map[string]struct {
	want   string
	reason string
}{
	"params.lr = 0.1":                        {"grid0|grid4|grid8", "params compare with numbers"},
	"params.lr IN ('0.1', '10')":             {"grid0|grid11|grid3|grid4|grid7|grid8", "IN for every field"},
	"params.lr NOT IN ('0.1', '10')":         {"grid1|grid2|grid5|grid6|grid9", "NOT IN for every field"},
	"status IN ('FINISHED', 'FAILED')":       {"grid0|grid1|grid4|grid5|grid6|grid8|grid9", "IN for every field"},
	"experiment_id = '0'":                    {"", "experiment_id is a field"},
	"metrics.acc > 0.5 or params.lr = '0.1'": {"grid0|grid11|grid2|grid4|grid8", "OR"},
	"(metrics.acc > 0.5)":                    {"grid11|grid2|grid4|grid8", "parentheses"},
	"not metrics.acc > 0.5":                  {"grid0|grid1|grid3|grid5|grid6|grid7", "NOT; NaN is not missing"},
	"metrics.acc BETWEEN 0 AND 1":            {"grid0|grid1|grid11|grid2|grid6|grid7", "BETWEEN"},
	" ORDER BY experiment_id":                {"grid0|grid1|grid11|grid2|grid3|grid4|grid5|grid6|grid7|grid8|grid9", "experiment_id is a field"},

	"experiments: name IN ('main', 'grid')": {"grid|main", "IN for every field"},
	"experiments: experiment_id = '0'":      {"Default", "experiment_id is a field"},
}

type newerQuery struct {
	pattern *regexp.Regexp
	reason  string
}

// newer are the queries that an older MLflow answers otherwise: 3.11's language
// wins, and its answer is the one that is wanted.
var newer = []newerQuery{
	{regexp.MustCompile(`^datasets?\.`), "datasets since 2.4.1"},
	{regexp.MustCompile(`IS (NOT )?NULL$`), "IS NULL since 3.11.1, for experiments since 3.10.1"},
	{regexp.MustCompile(`LIKE '%\\%'$`), "regular expression characters in LIKE are literal since 3.11.1"},
	{regexp.MustCompile("^`?(attributes\\.)?(status|run_name|run name|user_id|start_time|end_time|created|artifact_uri|run_id)\\b"), "bare names since 2.0, the attributes since 1.21 to 2.1"},
	{regexp.MustCompile(`ORDER BY (start_time|end_time|status|run_name|run_id|user_id|created|Created|artifact_uri)\b`), "bare names since 2.0, the attributes since 1.21 to 2.1"},
	{regexp.MustCompile(`ORDER BY metrics?\.(acc( ASC| DESC| desc)?$|loss DESC; metrics.acc)`), "1.8 cannot sort NaN and missing values together"},
	{regexp.MustCompile(`sideways$`), "1.8 takes a second word into the key"},
	{regexp.MustCompile(`^params\.'lr'`), "single quoted keys since sqlparse 0.5"},
	{regexp.MustCompile(`^metrics\.损失`), "ideographs in keys since sqlparse 0.4.4"},
}

// TestGolden runs every search of the golden stores over records made of what
// MLflow says the runs and experiments are.
func TestGolden(t *testing.T) {
	now := loadGolden(t, "3.11")
	counts := map[string]map[string]int{
		"3.11": {"same": 229, "superset": 12, "paging": 4},
		"2.9":  {"same": 221, "superset": 12, "paging": 4, "newer": 8},
		"1.8":  {"same": 135, "superset": 10, "paging": 2, "newer": 60},
	}
	for version, want := range counts {
		t.Run(version, func(t *testing.T) {
			g := loadGolden(t, version)
			got := map[string]int{}
			for i, q := range g.SearchRuns {
				got[g.check(t, q, now.SearchRuns[i], &now)]++
			}
			for i, q := range g.SearchExperiments {
				q.experiments, now.SearchExperiments[i].experiments = true, true
				got[g.check(t, q, now.SearchExperiments[i], &now)]++
			}
			if !maps.Equal(got, want) {
				t.Errorf("queries by outcome: got %v, want %v", got, want)
			}
		})
	}
}

// check runs a query in all its variants and returns how the answer is related
// to MLflow's: "same", "superset", "newer", or "paging" for a query that is not
// for this package. latest is what MLflow 3.11 says to the same query.
func (g *golden) check(t *testing.T, q, latest goldenQuery, now *golden) string {
	t.Helper()
	extra, isExtra := superset[q.name()]
	outcome, want := "same", ""
	switch {
	case q.Max < 0 || q.Max > 50000 || q.experiments && q.Max == 0:
		return "paging" // a store checks max_results
	case isExtra && q.Error != nil:
		outcome, want = "superset", extra.want
	case q.isNewer() && ((q.Error != nil) != (latest.Error != nil) || g.common(q, now) != now.common(latest, g)):
		outcome, want = "newer", now.common(latest, g)
		if g.hasNoDatasets() && strings.HasPrefix(q.Filter, "dataset") {
			want = ""
		}
	}
	records := g.records(t, q)
	for _, filter := range variants(q.Filter) {
		got, err := run(filter, q, records)
		switch {
		case outcome == "newer" && latest.Error != nil:
			if err == nil {
				t.Errorf("%s as %s: got no error, MLflow 3.11 says %s", q.name(), filter, latest.Error.Message)
			}
		case outcome == "newer":
			if err != nil || g.common(got, now) != want {
				t.Errorf("%s as %s: got %q, %v, want %q", q.name(), filter, g.common(got, now), err, want)
			}
		case outcome == "superset":
			if err != nil || g.labels(got) != want {
				t.Errorf("%s as %s: got %q, %v, want %q", q.name(), filter, g.labels(got), err, want)
			}
		case (err != nil) != (q.Error != nil):
			t.Errorf("%s as %s: got error %v, want %+v", q.name(), filter, err, q.Error)
		case err != nil:
			if code := q.Error.Code; code != "INVALID_PARAMETER_VALUE" && !q.olderCode() {
				t.Errorf("%s: MLflow's code is %s", q.name(), code)
			}
		case !slices.Equal(got.ids(), q.ids()) || got.next() != q.next():
			t.Errorf("%s as %s: got %v %q, want %v %q", q.name(), filter, got.ids(), got.next(), q.ids(), q.next())
		}
	}
	return outcome
}

// olderCode reports whether the error is one for which MLflow had another code
// before 2.14.
func (q goldenQuery) olderCode() bool {
	return q.Error.Code == "INTERNAL_ERROR" && strings.HasPrefix(q.Error.Message, "Invalid ")
}

func (q goldenQuery) isNewer() bool {
	return slices.ContainsFunc(newer, func(n newerQuery) bool { return n.pattern.MatchString(q.name()) })
}

// run answers a query with another filter in its place.
func run(filter string, q goldenQuery, records []*memory) (got goldenQuery, err error) {
	parse, parseOrder := ParseRuns, ParseRunOrder
	if q.experiments {
		parse, parseOrder = ParseExperiments, ParseExperimentOrder
	}
	f, err := parse(filter)
	if err != nil {
		return got, err
	}
	o, err := parseOrder(q.OrderBy)
	if err != nil {
		return got, err
	}
	ids, next, err := answer(f, o, records, q)
	if q.experiments {
		return goldenQuery{ExperimentIDs: ids, Next: &next, experiments: true}, err
	}
	return goldenQuery{RunIDs: ids, Next: &next}, err
}

// answer runs a query as a store would and returns the ids of its page and the
// next page token.
func answer(filter *Filter, order *Order, records []*memory, q goldenQuery) (ids []string, next string, err error) {
	offset, err := DecodeToken(stripBytes(q.Token))
	if err != nil {
		return nil, "", err
	}
	type match struct {
		id  string
		key Key
	}
	var found []match
	for _, r := range records {
		if filter.Match(r.only(filter.Needs())) {
			found = append(found, match{r.id, order.Key(r.only(order.Needs()))})
		}
	}
	slices.SortStableFunc(found, func(a, b match) int { return order.Compare(a.key, b.key) })
	end := offset + q.Max
	for _, m := range found[min(offset, len(found)):min(end, len(found))] {
		ids = append(ids, m.id)
	}
	if end < len(found) {
		next = EncodeToken(end)
	}
	return ids, next, nil
}
