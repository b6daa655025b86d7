package filestore_test

import (
	"strings"

	"github.com/mlruns/mlruns/filestore/internal/filestoretest"
)

const (
	model    = filestoretest.PatientModel
	trace    = filestoretest.PatientTrace
	modelAcc = filestoretest.ModelAcc
	acc      = filestoretest.AccBefore
	judged   = filestoretest.PatientAssessment
)

// modelDamages are done to a logged model and a trace, as those of damages to runs.
var modelDamages = []filestoretest.Damage{
	{
		Name: "torn line of a model", Write: map[string]string{modelAcc: acc + "3 3.0 3"},
		Want: []string{"unterminated " + modelAcc + ":3 repairable"}, Saved: []string{modelAcc}, After: map[string]string{modelAcc: acc},
	},
	{
		Name: "line of a model cut in the id of its run", Write: map[string]string{modelAcc: acc + "3 3.0 3 ru"},
		Want: []string{"unterminated " + modelAcc + ":3 repairable"}, Saved: []string{modelAcc}, After: map[string]string{modelAcc: acc},
	},
	{
		Name: "whole line of a model without its newline", Write: map[string]string{modelAcc: acc + "3 3.0 3 run"},
		Want: []string{"unterminated " + modelAcc + ":3 repairable"}, Saved: []string{modelAcc}, After: map[string]string{modelAcc: acc + "3 3.0 3 run\n"},
	},
	{
		Name: "line of a model perhaps cut in the digest of its data set", Write: map[string]string{modelAcc: acc + "3 3.0 3 run set dig"},
		Want: []string{"unterminated " + modelAcc + ":3 repairable"}, Saved: []string{modelAcc}, After: map[string]string{modelAcc: acc},
	},
	{
		Name: "blanks of an interrupted append to a model", Write: map[string]string{modelAcc: acc + "    "},
		Want: []string{"unterminated " + modelAcc + ":3 repairable"}, Saved: []string{modelAcc}, After: map[string]string{modelAcc: acc},
	},
	{
		Name: "malformed lines of a model, those of a run and those that MLflow fails on among them", Write: map[string]string{modelAcc: "1 1.0 1\n" + acc + "x\n3 3.0 3 run set \n3 3.0 3 run set\n\n4 4.0 4 run"},
		Want: []string{"malformed " + modelAcc + ":1 repairable", "malformed " + modelAcc + ":4 repairable", "malformed " + modelAcc + ":5 repairable", "malformed " + modelAcc + ":6 repairable",
			"malformed " + modelAcc + ":7 repairable", "unterminated " + modelAcc + ":8 repairable"},
		Saved: []string{modelAcc}, After: map[string]string{modelAcc: acc + "4 4.0 4 run\n"},
	},
	{
		Name: "no line of a model is a point", Write: map[string]string{modelAcc: "1 1.0 1\n"},
		Want: []string{"malformed " + modelAcc + ":1 repairable"}, Saved: []string{modelAcc}, After: map[string]string{modelAcc: ""},
	},
	{
		Name: "repeated lines of a model", Write: map[string]string{modelAcc: acc + "1 1.0 1 run\n1 1.0 1 other\n2 2.00 2 run set digest\n"},
		Want: []string{"duplicate-line " + modelAcc + ":3 repairable"}, Saved: []string{modelAcc}, After: map[string]string{modelAcc: acc + "1 1.0 1 other\n"},
	},
	{
		Name: "empty metric file of a model, and one with a byte order mark", Write: map[string]string{model + "/metrics/a/b": "", modelAcc: "\ufeff" + acc},
		Want: []string{"empty " + model + "/metrics/a/b repairable", "malformed " + modelAcc + ":1 repairable"}, Saved: []string{model + "/metrics/a/b", modelAcc}, After: map[string]string{model + "/metrics/a/b": "", modelAcc: acc},
	},
	{
		Name: "leftovers in models and traces", Write: map[string]string{"e1/models/.mlruns-tmp-1/m-2.00/meta.yaml": "w", model + "/.mlruns-tmp-1": "x", "e1/traces/.mlruns-tmp-2/t": "y", trace + "/.mlruns-tmp-2": "z", model + "/.mlruns-torn-acc.00": "3 3."},
		Want:  []string{"leftover e1/models/.mlruns-tmp-1 repairable", "leftover e1/traces/.mlruns-tmp-2 repairable", "leftover " + model + "/.mlruns-tmp-1 repairable", "leftover " + trace + "/.mlruns-tmp-2 repairable"},
		Saved: []string{"e1/models/.mlruns-tmp-1", "e1/traces/.mlruns-tmp-2", model + "/.mlruns-tmp-1", trace + "/.mlruns-tmp-2"},
		After: map[string]string{filestoretest.SavedIn + "/" + model + "/.mlruns-tmp-1": "x", model + "/.mlruns-torn-acc.00": "3 3."},
	},
	{
		Name: "desktop files in models and traces", Write: map[string]string{model + "/metrics/.DS_Store": "a", model + "/params/x/Thumbs.db": "b", model + "/tags/.ipynb_checkpoints/x": "c",
			trace + "/tags/desktop.ini": "d", trace + "/request_metadata/.DS_Store": "e", trace + "/assessments/.DS_Store": "f", model + "/.DS_Store": "g", "e1/models/.DS_Store": "h", trace + "/tags/.nfs0001": "i"},
		Want: []string{"foreign " + model + "/metrics/.DS_Store repairable", "foreign " + model + "/params/x/Thumbs.db repairable", "foreign " + model + "/tags/.ipynb_checkpoints repairable",
			"foreign " + trace + "/assessments/.DS_Store repairable", "foreign " + trace + "/request_metadata/.DS_Store repairable", "foreign " + trace + "/tags/.nfs0001", "foreign " + trace + "/tags/desktop.ini repairable"},
		Left: []string{"foreign " + trace + "/tags/.nfs0001"},
		Saved: []string{model + "/metrics/.DS_Store", model + "/params/x/Thumbs.db", model + "/tags/.ipynb_checkpoints", trace + "/assessments/.DS_Store", trace + "/request_metadata/.DS_Store",
			trace + "/tags/desktop.ini"},
	},
	{
		Name: "what is no assessment", Write: map[string]string{trace + "/assessments/notes.txt": "mine", trace + "/assessments/folder/x": "", trace + "/assessments/a-2.yaml": "[", trace + "/assessments/a-3.yaml": ""},
		Want: []string{"unreadable " + trace + "/assessments/a-2.yaml:1", "unreadable " + trace + "/assessments/a-3.yaml:1", "foreign " + trace + "/assessments/folder", "foreign " + trace + "/assessments/notes.txt"},
		Left: []string{"unreadable " + trace + "/assessments/a-2.yaml:1", "unreadable " + trace + "/assessments/a-3.yaml:1", "foreign " + trace + "/assessments/folder", "foreign " + trace + "/assessments/notes.txt"},
	},
	{
		Name: "conflict copies of a metric of a model", Write: map[string]string{model + "/metrics/acc (conflicted copy 2026-01-01)": "1 1.0 1 run\n3 3.0 3 run\n9 9.0 9\n", model + "/metrics/acc (1)": "3 3.00 3 run\n3 3.0 3 other\n4 4.0 4 run set digest\n",
			model + "/metrics/acc.sync-conflict-20260101-120000-ABCDEFG": acc},
		Want: []string{"conflict " + model + "/metrics/acc (1) repairable", "conflict " + model + "/metrics/acc (conflicted copy 2026-01-01) repairable",
			"conflict " + model + "/metrics/acc.sync-conflict-20260101-120000-ABCDEFG repairable"},
		Saved: []string{model + "/metrics/acc (1)", model + "/metrics/acc (conflicted copy 2026-01-01)", model + "/metrics/acc.sync-conflict-20260101-120000-ABCDEFG"},
		After: map[string]string{modelAcc: acc + "3 3.0 3 run\n3 3.0 3 other\n4 4.0 4 run set digest\n"},
	},
	{
		Name: "conflict copies of values of models and traces", Write: map[string]string{model + "/params/depth (1)": "3", model + "/params/depth.sync-conflict-20260101-120000-ABCDEFG": "4", model + "/tags/team (1)": "a",
			trace + "/tags/team (conflicted copy 2026-01-01)": "a", trace + "/tags/team (2)": "b", trace + "/request_metadata/mlflow (1).sourceRun": "run", trace + "/tags/gone (1)": "1"},
		Want: []string{"conflict " + model + "/params/depth (1) repairable", "conflict " + model + "/params/depth.sync-conflict-20260101-120000-ABCDEFG", "conflict " + model + "/tags/team (1) repairable",
			"conflict " + trace + "/request_metadata/mlflow (1).sourceRun repairable", "conflict " + trace + "/tags/gone (1)", "conflict " + trace + "/tags/team (2)", "conflict " + trace + "/tags/team (conflicted copy 2026-01-01) repairable"},
		Left:  []string{"conflict " + model + "/params/depth.sync-conflict-20260101-120000-ABCDEFG", "conflict " + trace + "/tags/gone (1)", "conflict " + trace + "/tags/team (2)"},
		Saved: []string{model + "/params/depth (1)", model + "/tags/team (1)", trace + "/request_metadata/mlflow (1).sourceRun", trace + "/tags/team (conflicted copy 2026-01-01)"},
		After: map[string]string{model + "/params/depth": "3", trace + "/tags/team": "a"},
	},
	{
		Name: "conflict copies of the metadata of models and traces, and of assessments", Copies: map[string]string{model + "/meta (1).yaml": model + "/meta.yaml", model + "/meta-HOST.yaml": "e1/run/meta.yaml",
			trace + "/trace_info (1).yaml": trace + "/trace_info.yaml", trace + "/trace_info-HOST.yaml": trace + "/trace_info.yaml", strings.Replace(judged, ".yaml", " (1).yaml", 1): judged, strings.Replace(judged, ".yaml", "-HOST.yaml", 1): judged},
		Write: map[string]string{strings.Replace(judged, ".yaml", ".sync-conflict-20260101-120000-ABCDEFG.yaml", 1): strings.Replace(filestoretest.Assessment, "value: false", "value: true", 1)},
		Want: []string{"conflict " + model + "/meta (1).yaml repairable", "conflict " + model + "/meta-HOST.yaml", "conflict " + strings.Replace(judged, ".yaml", " (1).yaml repairable", 1), "conflict " + strings.Replace(judged, ".yaml", "-HOST.yaml repairable", 1),
			"conflict " + strings.Replace(judged, ".yaml", ".sync-conflict-20260101-120000-ABCDEFG.yaml", 1), "conflict " + trace + "/trace_info (1).yaml repairable", "conflict " + trace + "/trace_info-HOST.yaml repairable"},
		Left: []string{"conflict " + model + "/meta-HOST.yaml", "conflict " + strings.Replace(judged, ".yaml", ".sync-conflict-20260101-120000-ABCDEFG.yaml", 1)},
		Saved: []string{model + "/meta (1).yaml", strings.Replace(judged, ".yaml", " (1).yaml", 1), strings.Replace(judged, ".yaml", "-HOST.yaml", 1), trace + "/trace_info (1).yaml",
			trace + "/trace_info-HOST.yaml"},
	},
	{
		Name: "conflict copies of folders of models and traces", Copies: map[string]string{model + " (1)/meta.yaml": model + "/meta.yaml", trace + " (1)/trace_info.yaml": trace + "/trace_info.yaml", model + "/metrics/a (1)/b": modelAcc},
		Want: []string{"conflict " + model + " (1)", "conflict " + trace + " (1)", "conflict " + model + "/metrics/a (1)"},
		Left: []string{"conflict " + model + " (1)", "conflict " + trace + " (1)", "conflict " + model + "/metrics/a (1)"},
	},
	{
		Name: "metadata of models and traces empty, unreadable, missing", Write: map[string]string{model + "/meta.yaml": "[", trace + "/trace_info.yaml": "", "e1/models/m-3/params/x": "1", "e1/models/m-4/metrics/only": "1 1.0 1 run\n",
			"e1/traces/tr-3/tags/x": "1"},
		Want: []string{"missing-meta e1/models/m-3", "missing-meta e1/traces/tr-3", "unreadable-meta " + model + "/meta.yaml:1", "unreadable-meta " + trace + "/trace_info.yaml"},
		Left: []string{"missing-meta e1/models/m-3", "missing-meta e1/traces/tr-3", "unreadable-meta " + model + "/meta.yaml:1", "unreadable-meta " + trace + "/trace_info.yaml"},
	},
	{
		Name: "metadata of models and traces of another", Copies: map[string]string{"e1/models/m-2/meta.yaml": model + "/meta.yaml", "e1/traces/tr-2/trace_info.yaml": trace + "/trace_info.yaml", ".trash/e2/models/m-1/meta.yaml": model + "/meta.yaml"},
		Want: []string{"id-mismatch .trash/e2/models/m-1/meta.yaml", "id-mismatch e1/models/m-2/meta.yaml", "id-mismatch e1/traces/tr-2/trace_info.yaml"},
		Left: []string{"id-mismatch .trash/e2/models/m-1/meta.yaml", "id-mismatch e1/models/m-2/meta.yaml", "id-mismatch e1/traces/tr-2/trace_info.yaml"},
	},
	{
		Name: "metadata of models and traces cut", Write: map[string]string{model + "/meta.yaml": "experiment_id: e1\nlast_updated_timestamp: 1\nmodel_id: m-1\nname: mod", trace + "/trace_info.yaml": "request_time: '2023-11-14T22:13:20Z'\nstate: OK\ntrace_id: tr-1\n",
			"e1/traces/old/trace_info.yaml": "request_id: old\nstatus: OK\ntimestamp_ms: 1\n"},
		Want: []string{"incomplete-meta " + model + "/meta.yaml", "incomplete-meta e1/traces/old/trace_info.yaml", "incomplete-meta " + trace + "/trace_info.yaml"},
		Left: []string{"incomplete-meta " + model + "/meta.yaml", "incomplete-meta e1/traces/old/trace_info.yaml", "incomplete-meta " + trace + "/trace_info.yaml"},
	},
	{
		Name: "values of a model and a trace without readable metadata", Write: map[string]string{model + "/meta.yaml": "", modelAcc: acc + "x\n", trace + "/trace_info.yaml": "", trace + "/tags/.DS_Store": ""},
		Want:  []string{"unreadable-meta " + model + "/meta.yaml", "malformed " + modelAcc + ":3 repairable", "foreign " + trace + "/tags/.DS_Store repairable", "unreadable-meta " + trace + "/trace_info.yaml"},
		Left:  []string{"unreadable-meta " + model + "/meta.yaml", "unreadable-meta " + trace + "/trace_info.yaml"},
		Saved: []string{modelAcc, trace + "/tags/.DS_Store"}, After: map[string]string{modelAcc: acc},
	},
	{
		Name: "metadata that MLflow cannot read and we can", Write: map[string]string{"e1/traces/third/trace_info.yaml": "more: 1\nrequest_time: 2023-11-14T22:13:20Z\nstate: OK\ntrace_id: third\ntrace_location: {}\n",
			"e1/traces/second/trace_info.yaml": "execution_time_ms: null\nexperiment_id: e1\nrequest_id: second\nrequest_preview: no\nstatus: OK\ntimestamp_ms: 1\n",
			"0/models/m-7/meta.yaml":           "artifact_location: a\ncreation_timestamp: 1\nexperiment_id: 0\nlast_updated_timestamp: 1\nmodel_id: m-7\nmodel_type: null\nname: n\nsource_run_id: null\nstatus: 2\nstatus_message: null\n",
			"e1/models/m-5/meta.yaml":          "artifact_location: a\ncreation_timestamp: 1\nexperiment_id: 'e1'\nlast_updated_timestamp: 1\nmodel_id: m-5\nmodel_type: null\nname: n\nsource_run_id: null\nstatus: 2\nstatus_message: null\n"},
		Want: []string{"suspicious 0/models/m-7/meta.yaml", "suspicious e1/traces/second/trace_info.yaml", "suspicious e1/traces/third/trace_info.yaml", "suspicious e1/traces/third/trace_info.yaml"},
		Left: []string{"suspicious 0/models/m-7/meta.yaml", "suspicious e1/traces/second/trace_info.yaml", "suspicious e1/traces/third/trace_info.yaml", "suspicious e1/traces/third/trace_info.yaml"},
	},
	{
		Name: "ids of models and traces in two experiments", Copies: map[string]string{".trash/e2/traces/tr-1/trace_info.yaml": trace + "/trace_info.yaml"},
		Write: map[string]string{".trash/e2/models/m-1/meta.yaml": "artifact_location: a\ncreation_timestamp: 1\nexperiment_id: e2\nlast_updated_timestamp: 1\nmodel_id: m-1\nmodel_type: null\nname: n\nsource_run_id: null\nstatus: 2\nstatus_message: null\n"},
		Want:  []string{"duplicate " + model, "duplicate " + trace}, Left: []string{"duplicate " + model, "duplicate " + trace},
	},
	{
		Name: "what git left in models and traces", Write: map[string]string{model + "/params/depth": merged, modelAcc: acc + "<<<<<<< HEAD\n3 3.0 3 run\n=======\n4 4.0 4 run\n>>>>>>> other\nx\n", trace + "/trace_info.yaml": lfsText,
			trace + "/tags/team": annexText, judged: lfsText},
		Want: []string{"git-conflict " + modelAcc + ":3", "git-conflict " + modelAcc + ":5", "git-conflict " + modelAcc + ":7", "malformed " + modelAcc + ":8", "git-conflict " + model + "/params/depth:1",
			"git-pointer " + judged, "git-pointer " + trace + "/tags/team", "git-pointer " + trace + "/trace_info.yaml"},
		Left: []string{"git-conflict " + modelAcc + ":3", "git-conflict " + modelAcc + ":5", "git-conflict " + modelAcc + ":7", "malformed " + modelAcc + ":8", "git-conflict " + model + "/params/depth:1",
			"git-pointer " + judged, "git-pointer " + trace + "/tags/team", "git-pointer " + trace + "/trace_info.yaml"},
	},
	{
		Name: "values of models and traces that are none, and names that not all can hold", Write: map[string]string{model + "/params/depth": "\xff", trace + "/tags/team": "\xff", model + "/params/a:b": "1", model + "/tags/TEAM": "1", trace + "/tags/loss.part": "1",
			trace + "/request_metadata/a:b": "1"},
		Want: []string{"not-portable " + model + "/params/a:b", "unreadable " + model + "/params/depth:1", "not-portable " + model + "/tags/team", "not-portable " + trace + "/request_metadata/a:b",
			"suspicious " + trace + "/tags/loss.part", "unreadable " + trace + "/tags/team:1"},
		Left: []string{"not-portable " + model + "/params/a:b", "unreadable " + model + "/params/depth:1", "not-portable " + model + "/tags/team", "not-portable " + trace + "/request_metadata/a:b",
			"suspicious " + trace + "/tags/loss.part", "unreadable " + trace + "/tags/team:1"},
	},
	{
		Name: "what is left of removing where it lies", Write: map[string]string{"e1/models/m-6/.mlruns-removed": "", "e1/models/m-6/params/x": "1", "e1/traces/tr-6/.mlruns-removed": ""},
		Want: []string{"leftover e1/models/m-6", "leftover e1/traces/tr-6"}, Left: []string{"leftover e1/models/m-6", "leftover e1/traces/tr-6"},
	},
}
