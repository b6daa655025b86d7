package main

import (
	"context"
	"encoding/json"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/internal/wire"
)

func (a *app) traces() *cobra.Command {
	noun := &cobra.Command{Use: "traces", Short: "Find traces of GenAI programs"}
	return a.group(noun, a.searchTraces(), a.getTrace(), a.deleteTraces(),
		a.onTrace("set-tag TRACE KEY VALUE", "Set a tag of a trace", 3, func(ctx context.Context, s *session, args []string) error {
			return s.SetTraceTag(ctx, args[0], args[1], args[2])
		}),
		a.onTrace("delete-tag TRACE KEY", "Remove a tag of a trace", 2, func(ctx context.Context, s *session, args []string) error {
			return s.DeleteTraceTag(ctx, args[0], args[1])
		}),
	)
}

// onTrace makes a verb that changes a trace and answers nothing.
func (a *app) onTrace(use, short string, args int, do work) *cobra.Command {
	cmd := a.verb(use, short, cobra.ExactArgs(args), a.writing(func(ctx context.Context, s *session, args []string) error {
		if err := do(ctx, s, args); err != nil {
			return err
		}
		return a.done()
	}))
	cmd.ValidArgsFunction = a.completed(traceIDs)
	return cmd
}

func (a *app) deleteTraces() *cobra.Command {
	var experiment string
	var until timeFlag
	var most int
	cmd := a.verb("delete [TRACE]...", "Remove traces of an experiment for good; prints how many", cobra.ArbitraryArgs, a.writing(func(ctx context.Context, s *session, args []string) error {
		id, err := s.experimentID(ctx, experiment, mlruns.ViewAll)
		if err != nil {
			return err
		}
		n, err := s.DeleteTraces(ctx, mlruns.TraceDeletion{ExperimentID: id, IDs: args, Until: until.Time, Max: most})
		if err != nil {
			return err
		}
		if a.json {
			return a.printJSON(map[string]int{"traces_deleted": n})
		}
		a.println(strconv.Itoa(n))
		return nil
	}))
	cmd.Long = `Remove traces of an experiment for good, with the artifacts beside them: those named, or with --until those
that began at that time or before, the oldest first. Prints how many were removed. What is named and not
there, or in another experiment, is passed over.`
	cmd.Flags().StringVar(&experiment, "experiment", mlruns.DefaultExperimentID, "the `ID|NAME` of the experiment")
	cmd.Flags().Var(&until, "until", "remove those that began then or before, in milliseconds since 1970")
	cmd.Flags().IntVar(&most, "max", 0, "with --until, remove so many at most")
	a.completedFlag(cmd, "experiment", experimentNames)
	cmd.ValidArgsFunction = a.completed(traceIDs)
	return cmd
}

// traceIDs offers the ids of traces, described by state and name.
func traceIDs(ctx context.Context, s *session, yield func(word, about string) bool) {
	for t, err := range s.Traces(ctx, mlruns.TraceQuery{MaxResults: mostCompletions}) {
		if err != nil || !yield(t.ID, t.State.String()+" "+t.Tags[mlruns.TagTraceName]) {
			return
		}
	}
}

func (a *app) searchTraces() *cobra.Command {
	var q partFlags
	cmd := a.verb("search", "List traces, the newest first", noArgs, a.reading(func(ctx context.Context, s *session, _ []string) error {
		ids, err := q.ids(ctx, s)
		if err != nil {
			return err
		}
		page, err := s.SearchTraces(ctx, mlruns.TraceQuery{Experiments: ids, Filter: q.filter, OrderBy: q.orderBy, MaxResults: q.limit, PageToken: q.pageToken})
		if err != nil {
			return err
		}
		if q.explain {
			return a.explain("traces", page.Scan, page.Problems)
		}
		if a.json {
			return a.printJSON(wire.NewTracePage(page))
		}
		a.drawTraces(page.Traces)
		(&queryFlags{}).more(a, page.NextPageToken)
		a.warn(page.Problems)
		return nil
	}))
	q.add(a, cmd, "status = 'ERROR'", "execution_time DESC", mlruns.DefaultTraceResults)
	return cmd
}

func (a *app) drawTraces(traces []*mlruns.Trace) {
	if len(traces) == 0 {
		a.note("no traces")
		return
	}
	now := a.now()
	state, name := column{title: "state", optional: true}, column{title: "name"}
	started, took := column{title: "started", optional: true}, column{title: "duration", right: true, optional: true}
	request, id := column{title: "request", optional: true}, column{title: "trace id", whole: true}
	for _, t := range traces {
		state.cells = append(state.cells, t.State.String())
		name.cells = append(name.cells, t.Tags[mlruns.TagTraceName])
		started.cells = append(started.cells, age(t.Start, now))
		took.cells = append(took.cells, duration(t.Start, t.End))
		request.cells = append(request.cells, t.RequestPreview)
		id.cells = append(id.cells, t.ID)
	}
	a.draw([]column{state, name, started, took, request, id})
}

func (a *app) getTrace() *cobra.Command {
	var spans bool
	cmd := a.verb("get TRACE", "Show all of a trace but its spans, or with --spans these, as JSON", cobra.ExactArgs(1), a.reading(func(ctx context.Context, s *session, args []string) error {
		if spans {
			data, err := s.TraceData(ctx, args[0])
			if err != nil {
				return err
			}
			return a.printJSON(data)
		}
		t, err := s.Trace(ctx, args[0])
		if err != nil {
			return err
		}
		if a.json {
			return a.printJSON(wire.NewTraceAnswer(t))
		}
		a.fields("Trace", []field{
			{"id", t.ID}, {"experiment", t.ExperimentID}, {"state", t.State.String()}, {"started", moment(t.Start)}, {"ended", moment(t.End)}, {"duration", duration(t.Start, t.End)},
			{"client's id", t.ClientRequestID}, {"request", t.RequestPreview}, {"response", t.ResponsePreview},
		})
		a.fields("Metadata", texts(t.Metadata))
		a.fields("Tags", texts(t.Tags))
		a.fields("Assessments", assessments(t.Assessments))
		a.warn(t.Problems)
		return nil
	}))
	cmd.Flags().BoolVar(&spans, "spans", false, "print the spans instead")
	cmd.ValidArgsFunction = a.completed(traceIDs)
	return cmd
}

// assessments are the names of assessments, with their whole text.
func assessments(list []json.RawMessage) []field {
	var fields []field
	for _, text := range list {
		var about struct {
			Name string `json:"assessment_name"`
		}
		_ = json.Unmarshal(text, &about) // what has no name is shown without one
		fields = append(fields, field{about.Name, string(text)})
	}
	return fields
}
