//go:build interop

package interop

import (
	"fmt"
	"strings"
)

// query is a search that both sides are asked, page by page.
type query struct {
	Of          string   `json:"of"` // runs or experiments
	Experiments []string `json:"experiments"`
	Filter      string   `json:"filter"`
	Order       []string `json:"order"`
	View        int      `json:"view"` // MLflow's number
	Max         int      `json:"max"`
	Token       string   `json:"token"`
	Pages       int      `json:"pages"`
	// features are the parts of the query that docs/compat.md says the two sides differ in.
	features map[string]bool
}

func (q query) String() string {
	return fmt.Sprintf("%s of %q: filter %q order %q view %d max %d token %q", q.Of, q.Experiments, q.Filter, q.Order, q.View, q.Max, q.Token)
}

// vocabulary is what queries ask about: keys and values that are in the store, and some that are
// not.
type vocabulary struct {
	*wild
	runIDs                             []string
	metricKeys, textKeys, texts, names []string
	times                              []int64
	experiments                        []string
	q                                  *query
}

func (v *vocabulary) feature(name string) { v.q.features[name] = true }

// one gives true once in n times.
func (v *vocabulary) one(n int) bool { return v.IntN(n) == 0 }

func (v *vocabulary) keyword(word string) string {
	switch v.IntN(4) {
	case 0:
		return strings.ToLower(word)
	case 1:
		return word[:1] + strings.ToLower(word[1:])
	}
	return word
}

// quoted puts a key as a filter may hold it.
func (v *vocabulary) quoted(key string) string {
	plain := !strings.ContainsAny(key, " /-:")
	if plain && !v.one(3) {
		return key
	}
	return pick(v.wild, "`"+key+"`", `"`+key+`"`)
}

func (v *vocabulary) metric() string {
	return pick(v.wild, "metrics", "metrics", "metric") + "." + v.quoted(pick(v.wild, v.metricKeys...))
}

func (v *vocabulary) textField() string {
	return pick(v.wild, "params", "param", "parameters", "parameter", "tags", "tag") + "." + v.quoted(pick(v.wild, v.textKeys...))
}

func (v *vocabulary) attribute(names ...string) string {
	return pick(v.wild, "", "", "attributes.", "attribute.", "attr.", "run.") + pick(v.wild, names...)
}

func (v *vocabulary) digits() string {
	switch v.IntN(6) {
	case 0:
		return fmt.Sprint(v.IntN(7) - 3)
	case 1:
		return fmt.Sprintf("%g", float64(v.IntN(100))/10)
	case 2:
		return fmt.Sprintf("%.1f", float64(v.IntN(60)-20)/10)
	case 3:
		return pick(v.wild, "1e3", "-1e-3", ".5", "5.", "0", "1E2", "1e400")
	}
	return fmt.Sprint(v.IntN(4))
}

func (v *vocabulary) literal(s string) string {
	if strings.Contains(s, "'") {
		return `"` + s + `"`
	}
	if strings.Contains(s, `"`) || !v.one(3) {
		return "'" + s + "'"
	}
	return `"` + s + `"`
}

// pattern makes a LIKE pattern of a text.
func (v *vocabulary) pattern(s string) string {
	r := []rune(s)
	for range v.IntN(3) {
		if len(r) == 0 {
			break
		}
		i := v.IntN(len(r))
		switch v.IntN(4) {
		case 0:
			r[i] = '_'
		case 1:
			r = append(r[:i:i], '%')
		case 2:
			r = append([]rune{'%'}, r[i:]...)
		default:
			r = []rune(strings.ToUpper(string(r)))
		}
	}
	return string(r)
}

func (v *vocabulary) comparison() string { return pick(v.wild, "=", "!=", "<", "<=", ">", ">=") }

func (v *vocabulary) textComparison(field string, texts []string) string {
	text := pick(v.wild, texts...)
	switch v.IntN(5) {
	case 0:
		return field + " " + v.keyword("LIKE") + " " + v.literal(v.pattern(text))
	case 1:
		return field + " " + v.keyword("ILIKE") + " " + v.literal(v.pattern(text))
	}
	space := pick(v.wild, " ", "", "  ")
	return field + space + pick(v.wild, "=", "!=") + space + v.literal(text)
}

func (v *vocabulary) list(elements []string) string {
	var parts []string
	for range 1 + v.IntN(3) {
		s := pick(v.wild, elements...)
		if strings.ToLower(s) != s || strings.ToUpper(s) == s {
			v.feature("dropped list elements")
		}
		parts = append(parts, v.literal(s))
	}
	return "(" + strings.Join(parts, pick(v.wild, ", ", ",", " , ")) + ")"
}

// clause is one comparison of a filter over runs. Most are right.
func (v *vocabulary) clause() string {
	switch v.IntN(12) {
	case 0, 1, 2:
		return v.metric() + " " + v.comparison() + " " + v.digits()
	case 3, 4, 5:
		return v.textComparison(v.textField(), v.texts)
	case 6:
		return v.textField() + " " + v.keyword("IS NULL")
	case 7:
		return v.textField() + " " + v.keyword("IS NOT NULL")
	case 8:
		return v.attribute("start_time", "end_time", "created", "`start time`") + " " + v.comparison() + " " + fmt.Sprint(pick(v.wild, v.times...))
	case 9:
		if v.one(2) {
			return v.attribute("run_id") + " " + v.keyword(pick(v.wild, "IN", "NOT IN")) + " " + v.list(v.runIDs)
		}
		return v.textComparison(v.attribute("status", "run_name", "run_id", "user_id", "`Run name`", "`run name`", "artifact_uri"), append([]string{"FINISHED", "RUNNING", "finished"}, v.names...))
	case 10:
		field := pick(v.wild, "dataset", "datasets") + "." + pick(v.wild, "name", "digest", "context")
		if v.one(3) {
			return field + " " + v.keyword(pick(v.wild, "IN", "NOT IN")) + " " + v.list([]string{"train", "eval", "d1", "mnist", "D2", "1"})
		}
		return v.textComparison(field, []string{"train", "eval", "mnist", "d1", "1"})
	}
	return v.wrong()
}

// wrong is a clause that MLflow refuses, or that only we answer.
func (v *vocabulary) wrong() string {
	switch v.IntN(14) {
	case 0:
		return v.metric() + " " + v.comparison() + " " + v.literal("0.5")
	case 1:
		return v.metric() + " " + pick(v.wild, "LIKE", "ILIKE") + " 5"
	case 2:
		v.feature("larger language")
		return v.textField() + " " + v.comparison() + " " + v.digits()
	case 3:
		return v.textField() + " " + pick(v.wild, "<", ">", ">=") + " 'x'"
	case 4:
		return pick(v.wild, "bogus.x", "bogus", "model.x", "attributes.bogus", "dataset.bogus", "lifecycle_stage") + " = 'x'"
	case 5:
		return v.metric() + " " + pick(v.wild, "==", "<>", "~", "=>", "!") + " 1"
	case 6:
		return v.textField() + " ="
	case 7:
		return v.textField() + " = unquoted"
	case 8:
		v.feature("larger language")
		return v.clauseOf("(", ")", "NOT ")
	case 9:
		v.feature("larger language")
		return v.metric() + " " + v.digits()
	case 10:
		v.feature("larger language")
		return v.textField() + " " + pick(v.wild, "IN", "NOT IN") + " " + v.list(v.texts)
	case 11:
		v.feature("larger language")
		return v.metric() + pick(v.wild, " IS NULL", " BETWEEN 0 AND 1")
	case 12:
		v.feature("larger language")
		return pick(v.wild, "experiment_id = '0'", "duration > 1", "max(metrics.a) > 1", "start_time > '2024-01-01'", "status IN ('RUNNING')", "run_name RLIKE 'a'")
	}
	return "'" + v.metric() + " = 1"
}

func (v *vocabulary) clauseOf(open, shut, not string) string {
	return pick(v.wild, open+v.metric()+" > 0"+shut, not+v.metric()+" > 0", v.metric()+" > 0 OR "+v.metric()+" < 1")
}

func (v *vocabulary) filter(clause func() string) string {
	var parts []string
	for range pick(v.wild, 0, 1, 1, 1, 2, 2, 3) {
		parts = append(parts, clause())
	}
	filter := strings.Join(parts, pick(v.wild, " AND ", " and ", "  And "))
	if v.one(20) {
		filter = pick(v.wild, " "+filter+" ", filter+" AND", "AND "+filter)
	}
	return filter
}

func (v *vocabulary) orders(fields func() string) []string {
	orders := []string{}
	for range pick(v.wild, 0, 0, 1, 1, 2, 3) {
		direction := pick(v.wild, "", "", " ASC", " DESC", " asc", " desc", " DESC")
		if v.one(40) {
			direction = pick(v.wild, " sideways", " ASC DESC", ",")
		}
		orders = append(orders, fields()+direction)
	}
	return orders
}

func (v *vocabulary) orderField() string {
	switch v.IntN(12) {
	case 0, 1, 2, 3:
		return v.metric()
	case 4, 5, 6:
		return v.textField()
	case 7:
		return pick(v.wild, "bogus", "bogus.x", "", "dataset.name", "`a", "lifecycle_stage", "metrics.a > 1")
	}
	return v.attribute("start_time", "end_time", "status", "run_name", "run_id", "user_id", "artifact_uri", "created", "Created", "`Start Time`", "`run name`")
}

// runQuery makes a search of runs.
func (v *vocabulary) runQuery() query {
	q := query{Of: "runs", View: 1 + v.IntN(3), Pages: 2, features: map[string]bool{}}
	v.q = &q
	// Never none: of no experiments MLflow finds nothing, and we all (docs/compat.md).
	q.Experiments = pick(v.wild, v.experiments[:1], v.experiments[:1], v.experiments[1:2], v.experiments[:2], v.experiments, []string{"nope"}, []string{v.experiments[0], "999"})
	q.Filter = v.filter(v.clause)
	q.Order = v.orders(v.orderField)
	v.paging()
	return q
}

func (v *vocabulary) paging() {
	q := v.q
	q.Max = pick(v.wild, 1000, 1000, 1000, 50000, 5, 5, 2, 1)
	switch v.IntN(60) {
	case 0:
		q.Max = 50001
	case 1:
		q.Max = 0
		v.feature("max_results 0")
	case 2:
		q.Max = -1
		v.feature("negative max_results")
	case 3:
		q.Token = pick(v.wild, "junk", "eyJvZmZzZXQiOiA0fQ==", "eyJvZmZzZXQiOiAxMDAwfQ==", "e30=")
	}
}

func (v *vocabulary) experimentClause() string {
	field := pick(v.wild, "name", "name", "attribute.name", "attributes.name", "tags.`stage`", "tags.stage", "tag.stage", `tags."a b"`, "tags.missing")
	switch v.IntN(8) {
	case 0:
		return pick(v.wild, "creation_time", "last_update_time", "attribute.creation_time") + " " + v.comparison() + " " + fmt.Sprint(pick(v.wild, v.times...))
	case 1:
		return pick(v.wild, "tags.stage", "tags.missing", "tag.`a b`") + " " + v.keyword(pick(v.wild, "IS NULL", "IS NOT NULL"))
	case 2:
		v.feature("larger language")
		return pick(v.wild, "name IN ('a')", "experiment_id = '0'", "name = 'a' OR name = 'b'", "NOT name = 'a'", "(name = 'a')", "name IS NULL")
	case 3:
		return pick(v.wild, "bogus = 'x'", "name > 'a'", "name = unquoted", "tags.stage < 'a'", "metrics.a > 1", "creation_time = 'x'", "creation_time LIKE 'x'", "name =", "lifecycle_stage = 'active'")
	}
	return v.textComparison(field, v.texts)
}

// experimentQuery makes a search of experiments.
func (v *vocabulary) experimentQuery() query {
	q := query{Of: "experiments", View: 1 + v.IntN(3), Pages: 3, features: map[string]bool{}}
	v.q = &q
	q.Filter = v.filter(v.experimentClause)
	q.Order = v.orders(func() string {
		return pick(v.wild, "name", "experiment_id", "creation_time", "last_update_time", "attribute.name", "bogus", "tags.stage", "attributes.creation_time")
	})
	v.paging()
	return q
}
