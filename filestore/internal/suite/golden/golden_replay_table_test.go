package golden

import (
	"slices"
	"strings"
)

// replayDeviations are what TestGoldenReplay refuses, accepts or writes where MLflow did otherwise.
var replayDeviations = []deviation{
	{
		name: "Go types", reason: "a metric value that is no float64, a step or a timestamp that is no int64, and no name at all cannot be said in Go",
		seen: written,
		match: func(d difference) bool {
			return d.got == "ruled out by the type" || lost(d, "/metrics/hugestep", "/metrics/str", "/metrics/fs", "/metrics/ft", "/metrics/b")
		},
	},
	{
		name: "colon in a key", reason: "MLflow ≥ 2.16 takes it off Windows; older versions refused it",
		seen:  []string{"1.8", "2.9"},
		match: func(d difference) bool { return strings.Contains(d.of, "colon:key") && d.got != "missing" },
	},
	{
		name: "limits of MLflow 3.11", reason: "older versions took longer keys, values and names in some calls",
		seen: []string{"1.8", "2.9"},
		match: func(d difference) bool {
			long := strings.Contains(d.of, strings.Repeat("x", 60)) || strings.Contains(d.of, strings.Repeat("X", 20)) || strings.HasSuffix(d.of, "/long6001") || strings.Contains(d.of, `"long6001"`)
			return long && (d.got == "missing" || d.got == "refused INVALID_PARAMETER_VALUE" && d.want == "accepted")
		},
	},
	{
		name: "CRLF in a param", reason: "MLflow reads the old value with its line ends translated, and so takes the same value for another one",
		seen: written,
		match: func(d difference) bool {
			return d.what == "log_param" && strings.Contains(d.of, `"crlf"`) && d.got == "accepted"
		},
	},
	{
		name: "batch checked first", reason: "a batch is checked whole, what is on disk included; MLflow finds a changed param while it writes",
		seen: written,
		match: func(d difference) bool {
			return d.what == "log_batch" && d.got == "refused INVALID_PARAMETER_VALUE" && d.want == "refused INTERNAL_ERROR" || lost(d, "/params/dup")
		},
	},
	{
		name: "batch not split", reason: "MLflow's client ≥ 1.27 splits a batch that is too large; the limits hold here as they do in its store",
		seen: []string{"2.9", "3.11"},
		match: func(d difference) bool {
			return d.what == "log_batch" && d.got == "refused INVALID_PARAMETER_VALUE" && d.want == "accepted"
		},
	},
	{
		name: "codes of MLflow 3.11", reason: "MLflow < 1.23 gave INTERNAL_ERROR for a run that is not active",
		seen: []string{"1.8"},
		match: func(d difference) bool {
			return slices.Contains([]string{"log_metric", "log_param", "set_tag"}, d.what) && strings.Contains(d.of, `"deleted"`) &&
				d.got == "refused INVALID_PARAMETER_VALUE" && d.want == "refused INTERNAL_ERROR"
		},
	},
	{
		name: "delete twice", reason: "deleting a deleted run and restoring an active one are no errors since MLflow 1.29",
		seen: []string{"1.8"},
		match: func(d difference) bool {
			return (d.what == "delete_run" || d.what == "restore_run") && d.got == "accepted" && d.want == "refused INTERNAL_ERROR"
		},
	},
	{
		name: "empty experiment id", reason: "the zero value of RunSpec.ExperimentID is the default experiment",
		seen:  written,
		match: func(d difference) bool { return strings.HasPrefix(d.of, `create_run "" `) && d.got == "accepted" },
	},
	{
		name: "history of a metric never logged", reason: "it is empty, as in MLflow ≥ 2.2",
		seen:  []string{"1.8"},
		match: func(d difference) bool { return d.what == "get_metric_history" && d.got == "accepted" },
	},
	{
		name: "runs of a deleted experiment", reason: "MLflow ≥ 2.3 deletes and restores them with it; before, they stayed as they were and could be written to",
		seen: []string{"1.8"},
		match: func(d difference) bool {
			return d.what == "meta line" && strings.HasPrefix(d.want, "lifecycle_stage: ") ||
				strings.Contains(d.of, "del_exp_run") && (d.what == "log_metric" && d.want == "accepted" || d.what == "content")
		},
	},
	{
		name: "integers as metric values", reason: "every value is written as a float, as MLflow ≥ 1.27 does; the number is the same",
		seen: []string{"1.8"},
		match: func(d difference) bool {
			return d.what == "content" && slices.Contains([]string{"main/metrics/metrics/int", "main/metrics/metrics/bigint", "grid/grid8/metrics/acc"}, d.of)
		},
	},
	{
		name: "quoted look-alikes", reason: "PyYAML leaves plain what YAML 1.2 would take for a number; it reads the quoted form just so",
		seen: written,
		match: func(d difference) bool {
			_, plain, _ := strings.Cut(d.want, ": ")
			return d.what == "meta line" && (plain == "1e5" || plain == "12e3") && strings.HasSuffix(d.got, ": '"+plain+"'")
		},
	},
	{
		name: "every run has a name", reason: "as in MLflow ≥ 1.29; before, a run without a name had no tag for it, or an empty one",
		seen: []string{"1.8"},
		match: func(d difference) bool {
			return d.got == "there" && (d.of == "main/autoname/tags" || d.of == "main/autoname/tags/mlflow.runName") || d.of == "main/emptyname/tags/mlflow.runName" && d.want == ""
		},
	},
	{
		name: "name with a quote", reason: "MLflow ≥ 2.0 builds a filter of the name and trips over its quotes",
		seen: []string{"2.9", "3.11"},
		match: func(d difference) bool {
			return d.what == "create_experiment" && strings.ContainsRune(d.of, '\'') && d.got == "accepted"
		},
	},
	{
		name: "name of a deleted experiment", reason: "it stays taken; MLflow 2.0 … 2.14 gave it away",
		seen: []string{"2.9"},
		match: func(d difference) bool {
			return d.what == "create_experiment" && d.got == "refused RESOURCE_ALREADY_EXISTS" && strings.Contains(d.of, "to-delete") || lost(d, "to-delete", "to-delete/meta.yaml")
		},
	},
	{
		name: "refused writes nothing", reason: "MLflow makes the file of a param and then finds that the value has no UTF-8 form",
		seen:  written,
		match: func(d difference) bool { return lost(d, "/params/surrogate") },
	},
	{
		name: "blank in a data set's name", reason: "MLflow writes a line of six fields that no version can read",
		seen: []string{"3.11"},
		match: func(d difference) bool {
			return d.what == "log_metric" && strings.Contains(d.of, "poison_dataset_space") && d.got == "refused INVALID_PARAMETER_VALUE" || lost(d, "/metrics/ds")
		},
	},
}

// lost reports whether a file or folder of MLflow's, whose path ends so, is not in ours.
func lost(d difference, suffixes ...string) bool {
	return d.got == "missing" && slices.ContainsFunc(suffixes, func(s string) bool { return strings.HasSuffix(d.of, s) })
}
