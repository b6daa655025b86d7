package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/artifacts"
)

// tagsFlag is --tag K=V, any number of times.
type tagsFlag map[string]string

func (t *tagsFlag) String() string { return "" }
func (t *tagsFlag) Type() string   { return "KEY=VALUE" }

func (t *tagsFlag) Set(text string) error {
	key, value, ok := strings.Cut(text, "=")
	switch _, twice := (*t)[key]; {
	case !ok:
		return fmt.Errorf("want KEY=VALUE")
	case twice:
		return fmt.Errorf("the key %q is given twice", key)
	case *t == nil:
		*t = tagsFlag{}
	}
	(*t)[key] = value
	return nil
}

// mappingsFlag is --map-artifacts LOCATION=DIR, any number of times. An "=" in a location is
// written "%3D".
type mappingsFlag []artifacts.Mapping

func (m *mappingsFlag) String() string { return "" }
func (m *mappingsFlag) Type() string   { return "LOCATION=DIR" }

func (m *mappingsFlag) Set(text string) error {
	from, dir, ok := strings.Cut(text, "=")
	if !ok || from == "" || dir == "" {
		return fmt.Errorf("want LOCATION=DIR")
	}
	*m = append(*m, artifacts.Mapping{From: from, Dir: dir})
	return nil
}

var views = []string{mlruns.ViewActive: "active", mlruns.ViewDeleted: "deleted", mlruns.ViewAll: "all"}

// viewFlag is --view.
type viewFlag mlruns.View

func (v *viewFlag) String() string { return views[*v] }
func (v *viewFlag) Type() string   { return "VIEW" }

func (v *viewFlag) Set(text string) error {
	i := slices.Index(views, text)
	if i < 0 {
		return fmt.Errorf("want one of %s", strings.Join(views, ", "))
	}
	*v = viewFlag(i)
	return nil
}

// statusFlag is --status, in any case.
type statusFlag mlruns.Status

func (s *statusFlag) String() string {
	if *s == 0 {
		return ""
	}
	return mlruns.Status(*s).String()
}

func (s *statusFlag) Type() string { return "STATUS" }

func (s *statusFlag) Set(text string) error {
	status, err := mlruns.ParseStatus(strings.ToUpper(text))
	if err != nil {
		return fmt.Errorf("want one of %s", strings.Join(statuses(), ", "))
	}
	*s = statusFlag(status)
	return nil
}

func statuses() []string {
	var names []string
	for s := mlruns.StatusRunning; s.Valid(); s++ {
		names = append(names, s.String())
	}
	return names
}

// timeFlag is --timestamp, in milliseconds. The zero time is now.
type timeFlag struct{ time.Time }

func (t *timeFlag) String() string { return "" }
func (t *timeFlag) Type() string   { return "MILLISECONDS" }

func (t *timeFlag) Set(text string) error {
	ms, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return fmt.Errorf("want milliseconds since 1970")
	}
	t.Time = time.UnixMilli(ms)
	return nil
}

// queryFlags are what both searches take.
type queryFlags struct {
	filter    string
	orderBy   []string
	view      viewFlag
	limit     int
	pageToken string
	explain   bool
}

// add takes an example of a filter and of an order that hold for what is searched.
func (q *queryFlags) add(cmd *cobra.Command, filter, order string) {
	f := cmd.Flags()
	f.StringVar(&q.filter, "filter", "", "show only what this filter selects, an `EXPR` such as "+strconv.Quote(filter))
	f.StringArrayVar(&q.orderBy, "order-by", nil, "a `CLAUSE` such as "+strconv.Quote(order)+" (repeatable)")
	f.Var(&q.view, "view", "active, deleted or all")
	f.IntVar(&q.limit, "max-results", mlruns.DefaultMaxResults, "show so many at most")
	f.BoolVar(&q.explain, "explain", false, "print the plan and what it cost instead of what was found")
	f.StringVar(&q.pageToken, "page-token", "", "go on where the page with this next_page_token `TOKEN` ended")
	complete(cmd, "view", views)
}

func (q *queryFlags) check() error {
	if q.limit < 1 || q.limit > mlruns.MaxResultsLimit {
		return &usageError{fmt.Sprintf("--max-results is %d; it must be between 1 and %d", q.limit, mlruns.MaxResultsLimit)}
	}
	return nil
}

func (q *queryFlags) more(a *app, next string) {
	if next != "" {
		a.note("there are more: --page-token %s", next)
	}
}
