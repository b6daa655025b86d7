package golden

import (
	"strings"
)

// fails reports whether an answer is an error.
func fails(answer string) bool {
	code, _, ok := strings.Cut(answer, ": ")
	return ok && code == strings.ToUpper(code) && !strings.ContainsAny(code, "{[")
}

// textDeviations are the answers to calls that MLflow refuses which are not MLflow's.
var textDeviations = []deviation{
	{
		name: "larger language", reason: "what is accepted here is no error, and lists of what is valid have more", seen: []string{"3.11.1"},
		match: func(d difference) bool {
			if !strings.HasPrefix(d.what, "search_") || !strings.HasPrefix(d.want, "INVALID_PARAMETER_VALUE: ") {
				return false
			}
			for _, list := range []string{"Invalid comparator '", "Invalid attribute key '"} {
				if strings.HasPrefix(d.want, "INVALID_PARAMETER_VALUE: "+list) {
					head, _, _ := strings.Cut(d.want, "{")
					return !fails(d.got) || strings.HasPrefix(d.got, head)
				}
			}
			return !fails(d.got) && !strings.Contains(d.want, "max_results") || strings.Contains(d.want, "('a')") || strings.Contains(d.want, "Only the 'run_id' attribute") || strings.Contains(d.want, "Error on parsing")
		},
	},
	{
		name: "clauses named", reason: "MLflow names all tokens that are in no comparison, here those of the first wrong clause", seen: []string{"3.11.1"},
		match: func(d difference) bool {
			return (strings.Contains(d.want, ": Invalid clause(s) in filter string: ") || strings.Contains(d.want, ": Invalid comparison clause. ")) && strings.HasPrefix(d.got, "INVALID_PARAMETER_VALUE: ")
		},
	},
	{
		name: "blanks and half quotes in names", reason: "typing mistakes", seen: []string{"3.11.1"},
		match: func(d difference) bool { return strings.Contains(d.of, "tags. = ") },
	},
	{
		name: "exceptions of Python's", reason: "none of MLflow's own errors", seen: []string{"3.11.1"},
		match: func(d difference) bool {
			return strings.HasSuffix(d.want, "Error") && strings.HasPrefix(d.want, "INTERNAL_ERROR: ")
		},
	},
	{
		name: "page tokens", reason: "no version writes them", seen: []string{"3.11.1"},
		match: func(d difference) bool {
			return strings.HasPrefix(d.got, "INVALID_PARAMETER_VALUE: Invalid page token, ") && !fails(d.want)
		},
	},
	{
		name: "max_results 0", reason: "the zero value is the default", seen: []string{"3.11.1"},
		match: func(d difference) bool { return strings.Contains(d.of, `"Max":0,`) },
	},
	{
		name: "negative max_results", reason: "a slip of Python's slices", seen: []string{"3.11.1"},
		match: func(d difference) bool { return strings.Contains(d.of, `"Max":-1,`) && !fails(d.want) },
	},
	{
		name: "ids of experiments", reason: "what can be no id is refused as such by every call", seen: []string{"3.11.1"},
		match: func(d difference) bool {
			return (d.what == "delete_experiment" || d.what == "restore_experiment") && strings.HasPrefix(d.got, "INVALID_PARAMETER_VALUE: Invalid experiment ID: ")
		},
	},
	{
		name: "checks of the client", reason: "MLflow's client has them, not its store", seen: []string{"3.11.1"},
		match: func(d difference) bool { return strings.Contains(d.got, "Artifact location cannot be a runs:/ URI") },
	},
	{
		name: "batch checked first", reason: "a refused batch writes nothing", seen: []string{"3.11.1"},
		match: func(d difference) bool {
			return d.what == "log_batch" && strings.Contains(d.want, "Changing param values")
		},
	},
	{
		name: "over-long values", reason: "nobody asked for half a value", seen: []string{"3.11.1"},
		match: func(d difference) bool {
			return strings.Contains(d.got, "exceeds the maximum length") && !fails(d.want)
		},
	},
	{
		name: "unreadable value", reason: "a Problem of a run that is there", seen: []string{"3.11.1"},
		match: func(d difference) bool { return strings.HasPrefix(d.of, "damage ") && fails(d.want) && !fails(d.got) },
	},
	{
		name: "stage that is none", reason: "a meta.yaml that is wrong", seen: []string{"3.11.1"},
		match: func(d difference) bool { return strings.Contains(d.of, "lifecycle_stage: odd") },
	},
	{
		name: "refused writes nothing", reason: "MLflow moves the experiment before it reads it", seen: []string{"3.11.1"},
		match: func(d difference) bool {
			return d.what == "restore_experiment" && strings.HasPrefix(d.of, "damage ") && strings.Contains(d.want, "<root>/2'")
		},
	},
	{
		name: "text of a path that leads out", reason: "one text for one fault", seen: []string{"3.11.1"},
		match: func(d difference) bool {
			return d.got == "INVALID_PARAMETER_VALUE: Invalid path" && strings.HasPrefix(d.want, d.got)
		},
	},
	{
		name: "paths in texts", reason: "paths are relative to the root", seen: []string{"3.11.1"},
		match: func(d difference) bool { return relative(d.want) == d.got },
	},
}
