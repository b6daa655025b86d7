package mlruns

// Limits of one LogBatch call, MLflow's.
const (
	MaxBatchMetrics  = 1000
	MaxBatchParams   = 100
	MaxBatchTags     = 100
	MaxBatchEntities = 1000
)

// Limits of lengths, in Unicode code points, MLflow 3.11's.
const (
	MaxKeyLength              = 250
	MaxParamValueLength       = 6000
	MaxTagValueLength         = 8000
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
	Params  []Param
	Tags    []Tag
}

// Empty reports whether there is nothing in the batch.
func (b Batch) Empty() bool { return len(b.Metrics)+len(b.Params)+len(b.Tags) == 0 }
