package wire

import (
	"time"

	"github.com/mlruns/mlruns"
)

// What calls say, in the vocabulary. The store checks what these values mean; here is only whether
// they are values.

var (
	viewNames   = []string{"ACTIVE_ONLY", "DELETED_ONLY", "ALL"}
	statusNames = []string{"RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED"}
)

// View reads which lifecycle stages a search shows.
func (r *Request) View(name string) mlruns.View {
	return mlruns.View(max(r.Enum(name, viewNames...)-1, 0))
}

// Time reads a time in milliseconds; the zero time where there is none.
func (r *Request) Time(name string) time.Time {
	ms, ok := r.Int(name)
	if !ok {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// Tags reads a list of tags as a map. The last of a key counts.
func (r *Request) Tags(name string) map[string]string {
	items := r.Items(name)
	if len(items) == 0 {
		return nil
	}
	tags := make(map[string]string, len(items))
	for _, t := range items {
		tags[t.Text("key")] = t.Text("value")
	}
	return tags
}

// Metric reads a point.
func (r *Request) Metric() mlruns.Metric {
	return mlruns.Metric{
		Key: r.RequiredText("key"), Value: r.RequiredFloat("value"), Time: r.requiredTime("timestamp"), Step: r.intOrZero("step"),
		DatasetName: r.Text("dataset_name"), DatasetDigest: r.Text("dataset_digest"), ModelID: r.Text("model_id"),
	}
}

func (r *Request) requiredTime(name string) time.Time {
	return time.UnixMilli(r.RequiredInt(name)).UTC()
}

func (r *Request) intOrZero(name string) int64 {
	n, _ := r.Int(name)
	return n
}

// Batch reads metrics, params and tags.
func (r *Request) Batch() mlruns.Batch {
	var b mlruns.Batch
	metrics, params, tags := r.Items("metrics"), r.Items("params"), r.Items("tags")
	b.Metrics = make([]mlruns.Metric, len(metrics))
	for i, m := range metrics {
		b.Metrics[i] = m.Metric()
	}
	for _, p := range params {
		b.Params = append(b.Params, mlruns.Param{Key: p.RequiredText("key"), Value: p.Text("value")})
	}
	for _, t := range tags {
		b.Tags = append(b.Tags, mlruns.Tag{Key: t.RequiredText("key"), Value: t.Text("value")})
	}
	return b
}

// RunSpec reads what run to make. Its id may be chosen with run_id only where ids may be.
func (r *Request) RunSpec() mlruns.RunSpec {
	return mlruns.RunSpec{
		ExperimentID: r.Text("experiment_id"), User: r.Text("user_id"), Name: r.Text("run_name"), Start: r.Time("start_time"), Tags: r.Tags("tags"),
	}
}

// RunUpdate reads what to change of a run.
func (r *Request) RunUpdate() mlruns.RunUpdate {
	return mlruns.RunUpdate{Status: mlruns.Status(r.Enum("status", statusNames...)), Name: r.Text("run_name"), End: r.Time("end_time")}
}

// ExperimentSpec reads what experiment to make.
func (r *Request) ExperimentSpec() mlruns.ExperimentSpec {
	return mlruns.ExperimentSpec{Name: r.RequiredText("name"), ArtifactLocation: r.Text("artifact_location"), Tags: r.Tags("tags")}
}

// RunQuery reads a search of runs.
func (r *Request) RunQuery() mlruns.RunQuery {
	return mlruns.RunQuery{
		Experiments: r.Texts("experiment_ids"), Filter: r.Text("filter"), View: r.View("run_view_type"), OrderBy: r.Texts("order_by"),
		MaxResults: r.Limit("max_results", mlruns.DefaultMaxResults, mlruns.MaxResultsLimit), PageToken: r.Text("page_token"),
	}
}

// ExperimentQuery reads a search of experiments.
func (r *Request) ExperimentQuery() mlruns.ExperimentQuery {
	return mlruns.ExperimentQuery{
		Filter: r.Text("filter"), View: r.View("view_type"), OrderBy: r.Texts("order_by"),
		MaxResults: r.Limit("max_results", mlruns.DefaultMaxResults, mlruns.MaxResultsLimit), PageToken: r.Text("page_token"),
	}
}

// Inputs reads the data sets and models that a run used.
func (r *Request) Inputs() mlruns.Inputs {
	var in mlruns.Inputs
	for _, d := range r.Items("datasets") {
		s := d.Object("dataset")
		in.Datasets = append(in.Datasets, mlruns.DatasetInput{Tags: d.Tags("tags"), Dataset: mlruns.Dataset{
			Name: s.Text("name"), Digest: s.Text("digest"), SourceType: s.Text("source_type"), Source: s.Text("source"),
			Schema: s.Text("schema"), Profile: s.Text("profile"),
		}})
	}
	for _, m := range r.Items("models") {
		in.Models = append(in.Models, mlruns.ModelInput{ModelID: m.RequiredText("model_id")})
	}
	return in
}

// Outputs reads the models that a run made.
func (r *Request) Outputs() mlruns.Outputs {
	var out mlruns.Outputs
	for _, m := range r.Items("models") {
		out.Models = append(out.Models, mlruns.ModelOutput{ModelID: m.RequiredText("model_id"), Step: m.intOrZero("step")})
	}
	return out
}
