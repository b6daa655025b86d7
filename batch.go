package mlruns

// Limits of one Store.LogBatch call, those of every MLflow. ActiveRun.LogBatch splits
// what is larger.
const (
	MaxBatchMetrics  = 1000
	MaxBatchParams   = 100
	MaxBatchTags     = 100
	MaxBatchEntities = 1000 // metrics, params and tags together
)

// Limits of lengths, in Unicode code points, MLflow 3.11's. What is longer is ErrInvalid.
const (
	MaxKeyLength              = 250 // of metrics, params and, in a batch, tags
	MaxParamValueLength       = 6000
	MaxTagValueLength         = 8000 // in a batch; a tag that is set alone has no limit
	MaxExperimentNameLength   = 500
	MaxArtifactLocationLength = 2048
	MaxDatasetNameLength      = 500
	MaxDatasetDigestLength    = 36
)

// Param is a named input of a run. Its value is written once; logging the same value again changes
// nothing.
type Param struct{ Key, Value string }

// Tag is a named, changeable text of a run or experiment.
type Tag struct{ Key, Value string }

// Batch is many values for one run. LogBatch applies params, then metrics, then tags, each in
// order, as MLflow does. It is checked whole first, against what is on disk too, and writes nothing
// if anything is refused. It is atomic per value, not as a whole.
type Batch struct {
	Metrics []Metric
	Params  []Param // each key once
	Tags    []Tag   // of a key given twice the last counts
}

// Empty reports whether there is nothing in the batch.
func (b Batch) Empty() bool { return len(b.Metrics)+len(b.Params)+len(b.Tags) == 0 }
