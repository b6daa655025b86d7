package main

import (
	"context"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/internal/wire"
)

func (a *app) models() *cobra.Command {
	noun := &cobra.Command{Use: "models", Short: "Find and change logged models, which MLflow 3 keeps beside runs"}
	return a.group(noun, a.searchModels(), a.getModel(), a.createModel(), a.finalizeModel(), a.listModelArtifacts(), a.logModelArtifact(), a.downloadModelArtifact(),
		a.onModel("delete-artifacts MODEL PATH", "Remove an artifact of a model, a file or a folder", 2, func(ctx context.Context, s *session, args []string) error {
			return s.DeleteModelArtifacts(ctx, args[0], args[1])
		}),
		a.onModel("log-param MODEL KEY VALUE", "Record a param of a model; another value replaces the one that is there", 3, func(ctx context.Context, s *session, args []string) error {
			return s.LogLoggedModelParams(ctx, args[0], map[string]string{args[1]: args[2]})
		}),
		a.onModel("delete MODEL", "Mark a model deleted, for good; \"store gc\" removes it", 1, func(ctx context.Context, s *session, args []string) error {
			return s.DeleteLoggedModel(ctx, args[0])
		}),
		a.onModel("set-tag MODEL KEY VALUE", "Set a tag of a model", 3, func(ctx context.Context, s *session, args []string) error {
			return s.SetLoggedModelTags(ctx, args[0], map[string]string{args[1]: args[2]})
		}),
		a.onModel("delete-tag MODEL KEY", "Remove a tag of a model", 2, func(ctx context.Context, s *session, args []string) error {
			return s.DeleteLoggedModelTag(ctx, args[0], args[1])
		}),
	)
}

// onModel makes a verb that changes a model and answers nothing.
func (a *app) onModel(use, short string, args int, do work) *cobra.Command {
	cmd := a.verb(use, short, cobra.ExactArgs(args), a.writing(func(ctx context.Context, s *session, args []string) error {
		if err := do(ctx, s, args); err != nil {
			return err
		}
		return a.done()
	}))
	cmd.ValidArgsFunction = a.completed(modelIDs)
	return cmd
}

// modelIDs offers the ids of active models, described by status and name.
func modelIDs(ctx context.Context, s *session, yield func(word, about string) bool) {
	for m, err := range s.LoggedModels(ctx, mlruns.ModelQuery{}) {
		if err != nil || !yield(m.ID, m.Status.String()+" "+m.Name) {
			return
		}
	}
}

// partFlags are what the searches for models and traces take.
type partFlags struct {
	experiments []string
	filter      string
	orderBy     []string
	limit       int
	pageToken   string
	explain     bool
}

// add takes an example of a filter and of an order that hold for what is searched.
func (q *partFlags) add(a *app, cmd *cobra.Command, filter, order string, limit int) {
	f := cmd.Flags()
	f.StringArrayVar(&q.experiments, "experiment", nil, "`ID|NAME` of an experiment (repeatable); all that are active if not given")
	f.StringVar(&q.filter, "filter", "", "show only what this filter selects, an `EXPR` such as "+strconv.Quote(filter))
	f.StringArrayVar(&q.orderBy, "order-by", nil, "a `CLAUSE` such as "+strconv.Quote(order)+" (repeatable)")
	f.IntVar(&q.limit, "max-results", limit, "show so many at most")
	f.StringVar(&q.pageToken, "page-token", "", "go on where the page with this next_page_token `TOKEN` ended")
	f.BoolVar(&q.explain, "explain", false, "print the plan and what it cost instead of what was found")
	a.completedFlag(cmd, "experiment", experimentNames)
}

// ids checks the flags and gives the ids of the experiments named.
func (q *partFlags) ids(ctx context.Context, s *session) (ids []string, err error) {
	if err := (&queryFlags{limit: q.limit}).check(); err != nil {
		return nil, err
	}
	for _, idOrName := range q.experiments {
		e, err := s.experiment(ctx, idOrName)
		if err != nil {
			return nil, err
		}
		ids = append(ids, e.ID)
	}
	return ids, nil
}

func (a *app) searchModels() *cobra.Command {
	var q partFlags
	var view viewFlag
	var datasets []string
	cmd := a.verb("search", "List models, the newest first", noArgs, a.reading(func(ctx context.Context, s *session, _ []string) error {
		ids, err := q.ids(ctx, s)
		if err != nil {
			return err
		}
		query := mlruns.ModelQuery{Experiments: ids, Filter: q.filter, View: mlruns.View(view), MaxResults: q.limit, PageToken: q.pageToken}
		for _, clause := range q.orderBy {
			query.OrderBy = append(query.OrderBy, modelOrder(clause))
		}
		for _, d := range datasets {
			query.Datasets = append(query.Datasets, dataset(d))
		}
		page, err := s.SearchLoggedModels(ctx, query)
		if err != nil {
			return err
		}
		if q.explain {
			return a.explain("models", page.Scan, page.Problems)
		}
		if a.json {
			return a.printJSON(wire.NewModelPage(page))
		}
		a.drawModels(page.Models, mlruns.View(view))
		(&queryFlags{}).more(a, page.NextPageToken)
		a.warn(page.Problems)
		return nil
	}))
	q.add(a, cmd, "metrics.acc > 0.9", "metrics.acc DESC", mlruns.DefaultModelResults)
	cmd.Long = `List models, the newest first.

--order-by takes a field and a direction: "creation_timestamp DESC", "metrics.acc ASC". Behind a metric
"@" and a data set ask the points on that: "metrics.acc@test:d1 DESC", with the name of the data set
and, if it matters, its digest. Without one the newest point counts, whatever it was measured on.`
	cmd.Flags().Var(&view, "view", "active, deleted or all")
	cmd.Flags().StringArrayVar(&datasets, "dataset", nil, "ask only points on the data set `NAME[:DIGEST]` (repeatable)")
	complete(cmd, "view", views)
	return cmd
}

// modelOrder reads a field, perhaps with "@" and a data set behind it, and a direction, or none.
func modelOrder(clause string) (order mlruns.ModelOrder) {
	field := strings.TrimSpace(clause)
	for _, direction := range [...]string{" ASC", " DESC"} {
		if n := len(field) - len(direction); n > 0 && strings.EqualFold(field[n:], direction) {
			field, order.Descending = strings.TrimSpace(field[:n]), direction == " DESC"
			break
		}
	}
	field, on, _ := strings.Cut(field, "@") // which no key of a metric has
	order.Field, order.Dataset = strings.TrimSpace(field), dataset(strings.TrimSpace(on))
	return order
}

func (a *app) drawModels(models []*mlruns.LoggedModel, view mlruns.View) {
	if len(models) == 0 {
		a.note("no models")
		return
	}
	now := a.now()
	status, name, stage := column{title: "status", optional: true}, column{title: "name"}, column{title: "stage", optional: true}
	kind, made := column{title: "type", optional: true}, column{title: "created", optional: true}
	run, id := column{title: "run", optional: true}, column{title: "model id", whole: true}
	for _, m := range models {
		status.cells = append(status.cells, m.Status.String())
		name.cells = append(name.cells, m.Name)
		stage.cells = append(stage.cells, string(m.Stage))
		kind.cells = append(kind.cells, m.Type)
		made.cells = append(made.cells, age(m.Created, now))
		run.cells = append(run.cells, m.SourceRunID)
		id.cells = append(id.cells, m.ID)
	}
	columns := []column{status, name, kind, made, run}
	if view != mlruns.ViewActive {
		columns = append(columns, stage)
	}
	a.draw(append(columns, id))
}

func (a *app) getModel() *cobra.Command {
	cmd := a.verb("get MODEL", "Show all of a model", cobra.ExactArgs(1), a.reading(func(ctx context.Context, s *session, args []string) error {
		m, err := s.LoggedModel(ctx, args[0])
		if err != nil {
			return err
		}
		if a.json {
			return a.printJSON(wire.ModelAnswer{Model: wire.NewModel(m), Problems: m.Problems})
		}
		artifacts, err := s.ModelArtifactRoot(ctx, args[0])
		if err != nil {
			artifacts = m.ArtifactLocation
		}
		a.fields("Model", []field{
			{"id", m.ID}, {"name", m.Name}, {"type", m.Type}, {"experiment", m.ExperimentID}, {"run", m.SourceRunID}, {"status", m.Status.String()},
			{"created", moment(m.Created)}, {"updated", moment(m.Updated)}, {"artifacts", artifacts},
		})
		a.fields("Params", texts(m.Params))
		a.section("Metrics", modelMetricColumns(m.Metrics))
		a.fields("Tags", texts(m.Tags))
		a.warn(m.Problems)
		return nil
	}))
	cmd.ValidArgsFunction = a.completed(modelIDs)
	return cmd
}

func modelMetricColumns(metrics []mlruns.Metric) []column {
	key, value := column{title: "key"}, column{title: "latest value", right: true, whole: true}
	step, on, run := column{title: "step", right: true, whole: true}, column{title: "data set"}, column{title: "run", optional: true}
	for _, m := range metrics {
		key.cells = append(key.cells, m.Key)
		value.cells = append(value.cells, wire.Number(m.Value).String())
		step.cells = append(step.cells, strconv.FormatInt(m.Step, 10))
		on.cells = append(on.cells, strings.TrimSpace(m.DatasetName+" "+m.DatasetDigest))
		run.cells = append(run.cells, m.RunID)
	}
	return []column{key, value, step, on, run}
}
