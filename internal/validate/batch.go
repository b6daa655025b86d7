package validate

import (
	"fmt"
	"strings"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/internal/failure"
)

// Batch checks a batch as MLflow's log_batch does, except that over-long values are refused where
// MLflow cuts them.
func Batch(b mlruns.Batch) error {
	for i, m := range b.Metrics {
		if err := element("metrics", i, m, metric); err != nil {
			return err
		}
	}
	for i, p := range b.Params {
		if err := element("params", i, p, param); err != nil {
			return err
		}
	}
	for i, t := range b.Tags {
		if err := element("tags", i, t, tagOfBatch); err != nil {
			return err
		}
	}
	if err := size(b); err != nil {
		return err
	}
	return distinctParams(b.Params)
}

// element checks one element of a list. Its name is made only for the message that needs it.
func element[T any](list string, i int, v T, check func(prefix string, v T) error) error {
	if check("", v) == nil {
		return nil
	}
	return check(fmt.Sprintf("%s[%d].", list, i), v)
}

// tagOfBatch checks a tag of a batch, where lengths have limits.
func tagOfBatch(prefix string, t mlruns.Tag) error {
	if err := tag(prefix, t); err != nil {
		return err
	}
	if err := length(prefix+"key", t.Key, mlruns.MaxKeyLength); err != nil {
		return err
	}
	return length(prefix+"value", t.Value, mlruns.MaxTagValueLength)
}

func size(b mlruns.Batch) error {
	for _, l := range [...]struct {
		what     string
		n, limit int
	}{
		{"metrics", len(b.Metrics), mlruns.MaxBatchMetrics},
		{"params", len(b.Params), mlruns.MaxBatchParams},
		{"tags", len(b.Tags), mlruns.MaxBatchTags},
		{"metrics, params, and tags", len(b.Metrics) + len(b.Params) + len(b.Tags), mlruns.MaxBatchEntities},
	} {
		if l.n > l.limit {
			return failure.Invalid(fmt.Sprintf("A batch logging request can contain at most %d %s. Got %d %s. Please split up %s across multiple requests and try again.",
				l.limit, l.what, l.n, l.what, l.what))
		}
	}
	return nil
}

func distinctParams(params []mlruns.Param) error {
	count := make(map[string]int, len(params))
	var repeated []string
	for _, p := range params {
		if count[p.Key]++; count[p.Key] > 1 {
			repeated = append(repeated, "'"+p.Key+"'")
		}
	}
	if repeated == nil {
		return nil
	}
	return failure.Invalid("Duplicate parameter keys have been submitted: [" + strings.Join(repeated, ", ") +
		"]. Please ensure the request contains only one param value per param key.")
}
