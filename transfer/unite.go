package transfer

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/mlruns/mlruns"
)

// unite gives what a run of the destination lacks of one of the source, and records in the item
// what differs. Of want and have the ids are the destination's. Points are not looked at.
func unite(want, have *mlruns.Run, prefer Prefer, it *Item) (lacks mlruns.Run) {
	lacks.Info = uniteInfo(want.Info, have.Info, prefer, it)
	lacks.Info.ID, lacks.Info.ExperimentID = have.Info.ID, have.Info.ExperimentID
	lacks.Data.Params = map[string]string{}
	for _, key := range slices.Sorted(maps.Keys(want.Data.Params)) {
		value := want.Data.Params[key]
		if old, there := have.Data.Params[key]; !there {
			lacks.Data.Params[key] = value
		} else if old != value {
			it.differ(prefer, false, "params."+key, value, old)
		}
	}
	sameName := want.Info.Name == have.Info.Name
	lacks.Data.Tags = uniteTags(want.Data.Tags, have.Data.Tags, prefer, it, func(key string) bool {
		return key == mlruns.TagRunName && !sameName // the name says it
	})
	if lacks.Info.Name != "" {
		if name, tagged := want.Data.Tags[mlruns.TagRunName]; tagged {
			lacks.Data.Tags[mlruns.TagRunName] = name
		}
	}
	lacks.Inputs = uniteInputs(want.Inputs, have.Inputs, it)
	for _, m := range want.Outputs.Models {
		i := slices.IndexFunc(have.Outputs.Models, func(o mlruns.ModelOutput) bool { return o.ModelID == m.ModelID })
		if i < 0 {
			lacks.Outputs.Models = append(lacks.Outputs.Models, m)
		} else if old := have.Outputs.Models[i]; old != m {
			it.differ(prefer, false, "outputs."+m.ModelID, "step "+strconv.FormatInt(m.Step, 10), "step "+strconv.FormatInt(old.Step, 10))
		}
	}
	return lacks
}

// uniteTags gives the tags to be written.
func uniteTags(want, have map[string]string, prefer Prefer, it *Item, skip func(key string) bool) map[string]string {
	lacks := map[string]string{}
	for _, key := range slices.Sorted(maps.Keys(want)) {
		value := want[key]
		old, there := have[key]
		switch {
		case skip(key):
		case !there:
			lacks[key] = value
		case old != value && it.differ(prefer, true, "tags."+key, value, old):
			lacks[key] = value
		}
	}
	return lacks
}

// uniteInfo gives what to set of a run's meta: a run goes on from RUNNING or SCHEDULED, so of the
// two statuses the later one counts; what else differs is a conflict.
func uniteInfo(want, have mlruns.RunInfo, prefer Prefer, it *Item) (set mlruns.RunInfo) {
	if want.Name != have.Name && want.Name != "" {
		if have.Name == "" || it.differ(prefer, true, "name", want.Name, have.Name) {
			set.Name = want.Name
		}
	}
	if want.User != have.User && want.User != "" {
		it.differ(prefer, false, "user", want.User, have.User)
	}
	if !want.Start.Equal(have.Start) && !want.Start.IsZero() {
		it.differ(prefer, false, "start_time", timeText(want.Start), timeText(have.Start))
	}
	switch {
	case want.Status.Ended() && !have.Status.Ended():
		set.Status, set.End = want.Status, want.End
	case !want.Status.Ended() && have.Status.Ended():
	case !want.Status.Ended():
		if want.Status == mlruns.StatusRunning && have.Status != want.Status {
			set.Status = want.Status
		}
	default:
		if want.Status != have.Status && it.differ(prefer, true, "status", want.Status.String(), have.Status.String()) {
			set.Status = want.Status
		}
		if !want.End.Equal(have.End) && !want.End.IsZero() &&
			(have.End.IsZero() || it.differ(prefer, true, "end_time", timeText(want.End), timeText(have.End))) {
			set.End = want.End
		}
	}
	if want.Stage != have.Stage && it.differ(prefer, true, "lifecycle_stage", string(want.Stage), string(have.Stage)) {
		set.Stage, set.Deleted = want.Stage, want.Deleted
	}
	return set
}

func timeText(t time.Time) string {
	if t.IsZero() {
		return "none"
	}
	return t.UTC().Format("2006-01-02T15:04:05.000Z")
}

// uniteInputs gives the inputs that are missing. A data set is known by its name and digest.
func uniteInputs(want, have mlruns.Inputs, it *Item) (lacks mlruns.Inputs) {
	for _, d := range want.Datasets {
		i := slices.IndexFunc(have.Datasets, func(o mlruns.DatasetInput) bool {
			return o.Dataset.Name == d.Dataset.Name && o.Dataset.Digest == d.Dataset.Digest
		})
		if i < 0 {
			lacks.Datasets = append(lacks.Datasets, d)
			continue
		}
		old := have.Datasets[i]
		field := inputField(d)
		if old.Dataset != d.Dataset {
			it.differ(PreferNeither, false, field, fmt.Sprintf("%+v", d.Dataset), fmt.Sprintf("%+v", old.Dataset))
		}
		if !maps.Equal(old.Tags, d.Tags) {
			it.differ(PreferNeither, false, field+" tags", fmt.Sprint(d.Tags), fmt.Sprint(old.Tags))
		}
	}
	for _, m := range want.Models {
		if !slices.Contains(have.Models, m) {
			lacks.Models = append(lacks.Models, m)
		}
	}
	return lacks
}

// count notes in the item what is to be written, and reports whether that is anything.
func (it *Item) count(lacks *mlruns.Run) bool {
	it.Params += len(lacks.Data.Params)
	it.Tags += len(lacks.Data.Tags)
	it.Inputs += len(lacks.Inputs.Datasets) + len(lacks.Inputs.Models) + len(lacks.Outputs.Models)
	i := lacks.Info
	return len(lacks.Data.Params)+len(lacks.Data.Tags)+len(lacks.Inputs.Datasets)+len(lacks.Inputs.Models)+len(lacks.Outputs.Models) > 0 ||
		i.Name != "" || i.Status != 0 || !i.End.IsZero() || i.Stage != ""
}
