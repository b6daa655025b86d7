package validate

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/internal/failure"
	"github.com/mlruns/mlruns/internal/pyfmt"
)

// lastTraceYear is the last that Python's times have, and MLflow writes a trace's time as one.
const lastTraceYear = 9999

// Trace checks a trace that is to be started.
func Trace(t mlruns.Trace) error {
	if err := PlainName("trace_id", t.ID); err != nil {
		return err
	}
	if err := traceState(t.State); err != nil {
		return err
	}
	if !t.Start.IsZero() && (!TimeInRange(t.Start) || t.Start.UTC().Year() > lastTraceYear) {
		return failure.Invalid(fmt.Sprintf("Invalid value %d for parameter 'request_time' supplied: it must be from 1970 to the year %d", t.Start.UnixMilli(), lastTraceYear))
	}
	if !t.End.IsZero() && (t.Start.IsZero() || t.End.Before(t.Start)) {
		return TraceEndsEarly()
	}
	for _, f := range [...]struct{ field, text string }{
		{"client_request_id", t.ClientRequestID}, {"request_preview", t.RequestPreview}, {"response_preview", t.ResponsePreview},
	} {
		if err := Text(f.field, f.text); err != nil {
			return err
		}
	}
	return traceValues(t.Metadata, t.Tags)
}

func traceState(s mlruns.TraceState) error {
	if s.Valid() {
		return nil
	}
	return failure.Invalid(fmt.Sprintf("Invalid value %s for parameter 'state' supplied: it must be OK, ERROR, IN_PROGRESS or empty", pyfmt.JSON(string(s))))
}

func traceValues(lists ...map[string]string) error {
	for _, m := range lists {
		for _, key := range slices.Sorted(maps.Keys(m)) {
			if err := TraceTag(key, m[key]); err != nil {
				return err
			}
		}
	}
	return nil
}

// TraceEndsEarly refuses a trace that ends before it begins.
func TraceEndsEarly() error {
	return failure.Invalid("Invalid value for parameter 'execution_duration' supplied: a trace cannot end before it begins")
}

// TraceEnd checks what is to be recorded of a trace that has ended.
func TraceEnd(end mlruns.TraceEnd) error {
	if err := traceState(end.State); err != nil {
		return err
	}
	return traceValues(end.Metadata, end.Tags)
}

// TraceTag checks a tag of a trace. A key with a slash is refused, where MLflow fails.
func TraceTag(key, value string) error {
	if err := Tag(mlruns.Tag{Key: key, Value: value}); err != nil {
		return err
	}
	if strings.Contains(key, "/") {
		return failure.Invalid(fmt.Sprintf("Invalid value %s for parameter 'key' supplied: MLflow makes no folders for the tags of a trace, so that a key has no slash", pyfmt.JSON(key)))
	}
	return nil
}

// TraceDeletion checks which traces are to be removed.
func TraceDeletion(d mlruns.TraceDeletion) error {
	switch {
	case d.Until.IsZero() && len(d.IDs) == 0 && d.Max == 0:
		return failure.Invalid("Either `max_timestamp_millis` or `trace_ids` must be specified.")
	case !d.Until.IsZero() && len(d.IDs) > 0:
		return failure.Invalid("Only one of `max_timestamp_millis` and `trace_ids` can be specified.")
	case d.Until.IsZero() && d.Max != 0:
		return failure.Invalid("`max_traces` can't be specified if `trace_ids` is specified.")
	case d.Max < 0:
		return failure.Invalid(fmt.Sprintf("`max_traces` must be a positive integer, received %d.", d.Max))
	}
	return nil
}
