package validate

import "github.com/mlruns/mlruns"

// Truncate cuts over-long values of params and tags to their limits, as MLflow ≥ 2.11 does in
// log_param and log_batch.
func Truncate(b mlruns.Batch) mlruns.Batch {
	params := make([]mlruns.Param, len(b.Params))
	for i, p := range b.Params {
		params[i] = mlruns.Param{Key: p.Key, Value: truncate(p.Value, mlruns.MaxParamValueLength)}
	}
	tags := make([]mlruns.Tag, len(b.Tags))
	for i, t := range b.Tags {
		tags[i] = mlruns.Tag{Key: t.Key, Value: truncate(t.Value, mlruns.MaxTagValueLength)}
	}
	return mlruns.Batch{Metrics: b.Metrics, Params: params, Tags: tags}
}

func truncate(text string, limit int) string {
	n := 0
	for i := range text {
		if n == limit {
			return text[:i]
		}
		n++
	}
	return text
}
