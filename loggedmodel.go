package mlruns

import (
	"fmt"
	"time"

	"github.com/mlruns/mlruns/internal/failure"
)

// DefaultModelResults is the page size of SearchLoggedModels when a query names none, MLflow's.
const DefaultModelResults = 100

// ModelStatus is the state of a logged model. The zero ModelStatus is UNSPECIFIED, which MLflow
// accepts as one.
type ModelStatus int8

// The statuses of a logged model, with MLflow's numbers, which stand in meta.yaml.
const (
	ModelUnspecified ModelStatus = iota
	ModelPending
	ModelReady
	ModelFailed
)

var modelStatusNames = [...]string{ModelUnspecified: "UNSPECIFIED", ModelPending: "PENDING", ModelReady: "READY", ModelFailed: "FAILED"}

// String gives MLflow's name, "READY" for instance.
func (s ModelStatus) String() string {
	if s.Valid() {
		return modelStatusNames[s]
	}
	return fmt.Sprintf("ModelStatus(%d)", int8(s))
}

// Valid reports whether s is one of the four statuses.
func (s ModelStatus) Valid() bool { return s >= ModelUnspecified && s <= ModelFailed }

// ParseModelStatus is the inverse of String. It accepts the exact names only.
func ParseModelStatus(name string) (ModelStatus, error) {
	for s, known := range modelStatusNames {
		if known == name {
			return ModelStatus(s), nil
		}
	}
	return 0, failure.Invalid("Invalid model status: " + name)
}

// LoggedModel is a model as MLflow ≥ 3.0 logs it: a folder of its experiment, beside the runs.
type LoggedModel struct {
	// ID is the folder's name: "m-" and 32 hexadecimal digits unless another program chose it.
	ID           string
	ExperimentID string
	Name         string
	// Type is such as "agent", "" if none was told.
	Type string
	// SourceRunID is the run that made it, "" if none did. The run need not exist.
	SourceRunID string
	Status      ModelStatus
	// StatusMessage is what a program says of the status. No version of MLflow writes one.
	StatusMessage string
	// Created and Updated are UTC with millisecond precision. Tags, params and points do not count
	// as updates.
	Created, Updated time.Time
	// ArtifactLocation is what the store recorded; the artifacts may lie elsewhere, see layout.md
	// on moved stores.
	ArtifactLocation string
	// Stage is StageDeleted after DeleteLoggedModel.
	Stage LifecycleStage
	// Params and Tags are never nil in what a store returns.
	Params, Tags map[string]string
	// Metrics are the latest point of each metric and data set, see Metric.After: by key, and for a
	// key in the order in which its data sets were first logged. Each tells its RunID and ModelID.
	Metrics []Metric
	// Problems names what of this model could not be read. Damage is per file.
	Problems []Problem
}

// ModelSpec says what model to make. The zero ModelSpec is a model with a generated name in the
// default experiment.
type ModelSpec struct {
	// ID is chosen by the store when empty: "m-" and 32 random hexadecimal digits. A caller's own
	// must be unused in the whole store.
	ID string
	// ExperimentID is DefaultExperimentID when empty.
	ExperimentID string
	// Name is generated when empty. It has none of the characters / : . % " ' and need not be
	// unique.
	Name string
	// Type is recorded as null when empty.
	Type string
	// SourceRunID is recorded as null when empty. Whether there is such a run is not looked at.
	SourceRunID  string
	Params, Tags map[string]string
}

// ModelDataset names data that points of models are measured on, by a ModelQuery.
type ModelDataset struct {
	Name string
	// Digest is any when empty.
	Digest string
}

// ModelOrder is one term of a model query's order.
type ModelOrder struct {
	// Field is an attribute, such as "creation_timestamp", or "metrics." and a key as it stands.
	Field      string
	Descending bool
	// Dataset limits a metric to points on it; the zero ModelDataset to none. Of several data sets
	// the point with the newest time counts.
	Dataset ModelDataset
}

// ModelQuery selects and orders logged models. The zero ModelQuery is all active models of all
// experiments, newest first.
type ModelQuery struct {
	// Experiments are ids. An id of no experiment has no models, and is no error, as in MLflow.
	// None named, nil or empty, means all that are active, where MLflow finds nothing.
	Experiments []string
	// Filter is in the language of docs/search.md; "" matches every model. A metric is asked on the
	// data set that was logged first, as in MLflow.
	Filter string
	// Datasets limit the points that the filter compares to these data sets. If the filter names no
	// metric, a model must have a point on one of them.
	Datasets []ModelDataset
	// View selects active models, deleted ones or both; MLflow shows active ones only. It does not
	// select experiments.
	View View
	// OrderBy is followed by the time of creation, descending, and the model id.
	OrderBy []ModelOrder
	// MaxResults bounds a page, 1 to MaxResultsLimit; 0 means DefaultModelResults for
	// SearchLoggedModels and no bound for LoggedModels.
	MaxResults int
	// PageToken is the NextPageToken of the page before. LoggedModels takes none.
	PageToken string
	// OnProblem is as in RunQuery.
	OnProblem func(Problem)
}

// ModelPage is one page of logged models.
type ModelPage struct {
	// Models are in the order of the query, each whole, as ModelStore.LoggedModel gives it.
	Models []*LoggedModel
	// NextPageToken is "" on the last page. It is MLflow's own token and not bound to the query.
	NextPageToken string
	// Scan tells what the query cost, of models where it speaks of runs.
	Scan Scan
	// Problems names what the query met and could not read, unless the query has an OnProblem.
	Problems []Problem
}
