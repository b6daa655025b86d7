package wire

import "github.com/mlruns/mlruns"

// Metric is one point of a metric.
type Metric struct {
	Key           string `json:"key"`
	Value         Number `json:"value"`
	Timestamp     Int    `json:"timestamp"`
	Step          Int    `json:"step"`
	DatasetName   string `json:"dataset_name,omitempty"`
	DatasetDigest string `json:"dataset_digest,omitempty"`
	ModelID       string `json:"model_id,omitempty"`
	// RunID is told where the points of several runs are in one answer.
	RunID string `json:"run_id,omitempty"`
}

// NewMetric gives the shape of a point.
func NewMetric(m mlruns.Metric) Metric {
	return Metric{
		Key: m.Key, Value: Number(m.Value), Timestamp: Int(m.Time.UnixMilli()), Step: Int(m.Step),
		DatasetName: m.DatasetName, DatasetDigest: m.DatasetDigest, ModelID: m.ModelID, RunID: m.RunID,
	}
}
