package remote

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/internal/wire"
)

// The calls about traces of MLflow 2.14 to 3.1, for servers that do not have those of MLflow 3.2. A
// trace has no previews and no assessments in them, and its id is drawn by the server.

// inV2 is a call about traces in the form of MLflow 2, where only its path differs.
func inV2(c call) call {
	c.path, c.title, c.since = "2.0"+strings.TrimPrefix(c.path, "3.0"), "2.0"+strings.TrimPrefix(c.title, "3.0"), "2.14"
	return c
}

// askTraces makes a call about traces, in the form of MLflow 2 where the server lacks it otherwise.
func (s *Store) askTraces(ctx context.Context, c call, answer any) (repeated bool, err error) {
	repeated, err = s.ask(ctx, c, answer)
	if errors.Is(err, mlruns.ErrUnsupported) {
		return s.ask(ctx, inV2(c), answer)
	}
	return repeated, err
}

func (s *Store) traceV2(ctx context.Context, traceID string) (*mlruns.Trace, error) {
	var answer wire.TraceV2Answer
	if _, err := s.ask(ctx, inV2(traceCall(http.MethodGet, traceID, "/info", reads, nil)), &answer); err != nil {
		return nil, err
	}
	return traceOfV2(answer)
}

func traceOfV2(answer wire.TraceV2Answer) (*mlruns.Trace, error) {
	t, err := answer.Info.Entity()
	if err == nil {
		t.Problems = answer.Problems
	}
	return t, err
}

func (s *Store) searchTracesV2(ctx context.Context, q mlruns.TraceQuery, experiments []string, size int) (*mlruns.TracePage, error) {
	c := inV2(traceCall(http.MethodGet, "", "", reads, nil))
	c.query = url.Values{"experiment_ids": experiments, "max_results": {strconv.Itoa(size)}, "order_by": q.OrderBy}
	for name, text := range map[string]string{"filter": q.Filter, "page_token": q.PageToken} {
		if text != "" {
			c.query.Set(name, text)
		}
	}
	var answer wire.TraceV2Page
	if _, err := s.ask(ctx, c, &answer); err != nil {
		return nil, err
	}
	return answer.Entity()
}

// endTraceV2 ends a trace. MLflow 3 has no other call that does.
func (s *Store) endTraceV2(ctx context.Context, traceID string, end mlruns.TraceEnd) (*mlruns.Trace, error) {
	status := string(end.State)
	if end.State == mlruns.TraceUnspecified {
		status = "TRACE_STATUS_UNSPECIFIED"
	}
	c := inV2(traceCall(http.MethodPatch, traceID, "", repeats, fields{
		"request_id": traceID, "timestamp_ms": end.End.UnixMilli(), "status": status, "request_metadata": tagList(end.Metadata), "tags": tagList(end.Tags),
	}))
	var answer wire.TraceV2Answer
	if _, err := s.ask(ctx, c, &answer); err != nil {
		return nil, err
	}
	return traceOfV2(answer)
}

// importTraceV2 starts a trace under an id that the server draws, and ends it. It is found again by
// the tag of the id that it had.
func (s *Store) importTraceV2(ctx context.Context, t mlruns.Trace) (string, error) {
	tags := make(map[string]string, len(t.Tags)+1)
	for key, value := range t.Tags {
		tags[key] = value
	}
	tags[mlruns.TagSourceTrace] = t.ID
	body := fields{"experiment_id": t.ExperimentID, "timestamp_ms": t.Start.UnixMilli(), "request_metadata": tagList(t.Metadata), "tags": tagList(tags)}
	made, err := createFound(ctx, s, creation[mlruns.Trace]{
		create: func() (*mlruns.Trace, error) {
			var answer wire.TraceV2Answer
			if err := s.once(ctx, inV2(traceCall(http.MethodPost, "", "", adds, body)), &answer); err != nil {
				return nil, err
			}
			return traceOfV2(answer)
		},
		find: func() ([]*mlruns.Trace, error) {
			page, err := s.searchTracesV2(ctx, mlruns.TraceQuery{Filter: "tags.`" + mlruns.TagSourceTrace + "` = '" + strings.ReplaceAll(t.ID, "'", "") + "'"}, []string{t.ExperimentID}, 10)
			if err != nil {
				return nil, err
			}
			return page.Traces, nil
		},
	})
	if err != nil {
		return "", err
	}
	if t.State == mlruns.TraceInProgress && t.End.IsZero() {
		return made.ID, nil
	}
	end := t.End
	if end.IsZero() {
		end = t.Start
	}
	_, err = s.endTraceV2(ctx, made.ID, mlruns.TraceEnd{State: t.State, End: end})
	return made.ID, err
}
