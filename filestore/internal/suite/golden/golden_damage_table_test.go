package golden

import (
	"strings"
)

// damageDeviations are the answers on damaged stores that are not MLflow's.
var damageDeviations = []deviation{
	{
		name: "unreadable value", reason: "one bad line costs MLflow the run, and the search of its experiment; here it is a Problem of a run that is listed",
		seen: written,
		match: func(d difference) bool {
			inValue := !strings.HasPrefix(d.of, "meta: ") && !strings.HasPrefix(d.of, "experiment ")
			return inValue && (d.what == "get" && d.got == "a run" || d.what == "history") && (strings.Contains(d.want, "malformed") || strings.Contains(d.want, "rror ") || strings.Contains(d.want, "Names may only"))
		},
	},
	{
		name: "missing keys", reason: "a run needs its ids only, an experiment its id and name; MLflow wants more, and fails on the whole experiment",
		seen:  written,
		match: func(d difference) bool { return strings.Contains(d.want, "missing 1 required positional argument") },
	},
	{
		name: "unterminated last line", reason: "it may be half of a line, so it is never a value; MLflow believes it if it happens to parse",
		seen: written,
		match: func(d difference) bool {
			return d.of == "no newline at end/acc" && d.got == "<missing>" || d.of == "no newline at end" && d.what == "history" && d.got == ""
		},
	},
	{
		name: "name found twice", reason: "of several active experiments the newest is given, as in MLflow ≥ 2.0; MLflow 1 gave the first of the directory",
		seen:  []string{"1.8"},
		match: func(d difference) bool { return d.what == "get by name" && d.of == "experiment meta duplicate name" },
	},
	{
		name: "step of a point with a data set", reason: "MLflow 3 reads the step of a 5-field line as 0, and so takes the wrong point for the latest",
		seen: []string{"3.11"},
		match: func(d difference) bool {
			return strings.HasPrefix(d.of, "5 fields") && strings.Contains(d.want, "step 0 name digest") && strings.Contains(d.got, "step 3 name digest")
		},
	},
}
