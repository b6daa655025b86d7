package filestore_test

import "strings"

// damages has each kind of damage at least once.
var damages = []damage{
	{
		name: "torn line", write: map[string]string{runLoss: lossBefore + "3 3."},
		want: []string{"unterminated e1/run/metrics/loss:3 repairable"}, saved: []string{runLoss}, after: map[string]string{runLoss: lossBefore},
	},
	{
		name: "whole line without its newline", write: map[string]string{runLoss: lossBefore + "3 3.0 3"},
		want: []string{"unterminated e1/run/metrics/loss:3 repairable"}, saved: []string{runLoss}, after: map[string]string{runLoss: lossBefore + "3 3.0 3\n"},
	},
	{
		name: "blanks of an interrupted append", write: map[string]string{runLoss: lossBefore + "    "},
		want: []string{"unterminated e1/run/metrics/loss:3 repairable"}, saved: []string{runLoss}, after: map[string]string{runLoss: lossBefore},
	},
	{
		name: "many blanks of an interrupted append", write: map[string]string{runLoss: lossBefore + strings.Repeat(" ", 300<<10)},
		want: []string{"unterminated e1/run/metrics/loss:3 repairable"}, saved: []string{runLoss}, after: map[string]string{runLoss: lossBefore},
	},
	{
		name: "a malformed line, and a point behind many blanks", write: map[string]string{runLoss: "x\n1 1.0 1\n" + strings.Repeat(" ", 256<<10-4) + "2 2.0 2\n"},
		want: []string{"malformed e1/run/metrics/loss:1 repairable"}, saved: []string{runLoss}, after: map[string]string{runLoss: lossBefore},
	},
	{
		name: "NUL bytes of a power cut", write: map[string]string{runLoss: lossBefore + "\x00\x00\x00\x00"},
		want: []string{"unterminated e1/run/metrics/loss:3 repairable"}, saved: []string{runLoss}, after: map[string]string{runLoss: lossBefore},
	},
	{
		name: "malformed lines, and a whole one without its newline", write: map[string]string{runLoss: "x\n1 1.0 1\n\n2  2.0 2\r\n2 2.0 2\r\n3 3.0 3 set \xff\n4 4.0 4"},
		want: []string{"malformed e1/run/metrics/loss:1 repairable", "malformed e1/run/metrics/loss:3 repairable", "malformed e1/run/metrics/loss:4 repairable",
			"malformed e1/run/metrics/loss:6 repairable", "unterminated e1/run/metrics/loss:7 repairable"},
		saved: []string{runLoss}, after: map[string]string{runLoss: "1 1.0 1\n2 2.0 2\r\n4 4.0 4\n"},
	},
	{
		name: "more malformed lines than are named", write: map[string]string{runLoss: lossBefore + strings.Repeat("x\n", 102)},
		want:  append([]string{"malformed e1/run/metrics/loss repairable"}, numbered("malformed e1/run/metrics/loss:%d repairable", 3, 100)...),
		saved: []string{runLoss}, after: map[string]string{runLoss: lossBefore},
	},
	{
		name: "a line longer than any point", write: map[string]string{runLoss: "1 1.0 1\n" + strings.Repeat("9", 300<<10) + "\n2 2.0 2\n"},
		want: []string{"malformed e1/run/metrics/loss:2 repairable"}, saved: []string{runLoss}, after: map[string]string{runLoss: lossBefore},
	},
	{
		name: "no line is a point", write: map[string]string{runLoss: "x\ny\n3 3.0"},
		want:  []string{"malformed e1/run/metrics/loss:1 repairable", "malformed e1/run/metrics/loss:2 repairable", "unterminated e1/run/metrics/loss:3 repairable"},
		saved: []string{runLoss}, after: map[string]string{runLoss: ""},
	},
	{
		name: "repeated lines", write: map[string]string{runLoss: "2 nan 2\n1 1.0 1\n1 1.00 1\n1 1.0 1 set digest\n2 -nan 2\n1 1.0 1 set digest\n"},
		want:  []string{"duplicate-line e1/run/metrics/loss:3 repairable"},
		saved: []string{runLoss}, after: map[string]string{runLoss: "2 nan 2\n1 1.0 1\n1 1.0 1 set digest\n"},
	},
	{
		name: "empty metric file", write: map[string]string{"e1/run/metrics/a/b": ""},
		want: []string{"empty e1/run/metrics/a/b repairable"}, saved: []string{"e1/run/metrics/a/b"}, after: map[string]string{"e1/run/metrics/a/b": ""},
	},
	{
		name: "missing folders", remove: []string{"e1/run/metrics", "e1/run/params", "e1/run/artifacts"},
		want:  []string{"missing-folder e1/run/artifacts repairable", "missing-folder e1/run/metrics repairable", "missing-folder e1/run/params repairable"},
		after: map[string]string{"e1/run/metrics": "folder", "e1/run/params": "folder", "e1/run/artifacts": "folder"},
	},
	{
		name: "missing artifacts of a model", write: map[string]string{"e1/run/tags/mlflow.log-model.history": "[]"}, remove: []string{"e1/run/artifacts"},
		want: []string{"artifacts-missing e1/run/artifacts", "missing-folder e1/run/artifacts repairable"},
	},
	{
		name: "leftovers", write: map[string]string{stagingMeta: "x", "e1/.mlruns-tmp-1": "y", "e1/run/.mlruns-tmp-2": "z", "e1/run/.mlruns-torn-loss.00": "3 3."},
		want:  []string{"leftover .mlruns.trash/r3.00 repairable", "leftover e1/.mlruns-tmp-1 repairable", "leftover e1/run/.mlruns-tmp-2 repairable"},
		saved: []string{".mlruns.trash/r3.00", "e1/.mlruns-tmp-1", "e1/run/.mlruns-tmp-2"},
		after: map[string]string{savedIn + "/" + stagingMeta: "x", "e1/run/.mlruns-torn-loss.00": "3 3."},
	},
	{
		name: "desktop files", write: map[string]string{"e1/run/metrics/.DS_Store": "a", "e1/run/params/x/Thumbs.db": "b", "e1/run/tags/.ipynb_checkpoints/x": "c",
			"e1/tags/desktop.ini": "d", "e1/run/inputs/.DS_Store": "e", "e1/run/outputs/.DS_Store": "f", "e1/run/metrics/.nfs0001": "g"},
		want: []string{"foreign e1/tags/desktop.ini repairable", "foreign e1/run/inputs/.DS_Store repairable", "foreign e1/run/metrics/.DS_Store repairable", "foreign e1/run/metrics/.nfs0001",
			"foreign e1/run/outputs/.DS_Store repairable", "foreign e1/run/params/x/Thumbs.db repairable", "foreign e1/run/tags/.ipynb_checkpoints repairable"},
		left: []string{"foreign e1/run/metrics/.nfs0001"},
		saved: []string{"e1/tags/desktop.ini", "e1/run/inputs/.DS_Store", "e1/run/metrics/.DS_Store", "e1/run/outputs/.DS_Store", "e1/run/params/x/Thumbs.db",
			"e1/run/tags/.ipynb_checkpoints"},
	},
	{
		name: "foreign where every version ignores it, and where it does not", write: map[string]string{"notes.txt": "", "e1/notes (1).txt": "", "e1/run/notes.md": "", "e1/run/mine/x": "",
			"e1/run/.mlruns.lock (1)": "", ".git/HEAD": "", "e1/run/params/bad!": "1"},
		want: []string{"foreign .git", "foreign e1/run/params/bad!"}, left: []string{"foreign .git", "foreign e1/run/params/bad!"},
	},
	{
		name: "conflict copies of a metric", write: map[string]string{"e1/run/metrics/loss (conflicted copy 2026-01-01)": "1 1.0 1\n3 3.0 3\nx\n", "e1/run/metrics/loss (1)": "3 3.00 3\n4 4.0 4 set digest\n",
			"e1/run/metrics/loss.sync-conflict-20260101-120000-ABCDEFG": lossBefore, "e1/run/metrics/a/val.loss": "1 1.0 1\n2 2.0 2", "e1/run/metrics/a/val (Bob's conflicted copy 2026-01-01).loss": "3 3.0 3\n"},
		want: []string{"conflict e1/run/metrics/a/val (Bob's conflicted copy 2026-01-01).loss repairable", "unterminated e1/run/metrics/a/val.loss:2 repairable",
			"conflict e1/run/metrics/loss (1) repairable", "conflict e1/run/metrics/loss (conflicted copy 2026-01-01) repairable",
			"conflict e1/run/metrics/loss.sync-conflict-20260101-120000-ABCDEFG repairable"},
		saved: []string{"e1/run/metrics/a/val.loss", "e1/run/metrics/a/val (Bob's conflicted copy 2026-01-01).loss", "e1/run/metrics/loss (1)", "e1/run/metrics/loss (conflicted copy 2026-01-01)",
			"e1/run/metrics/loss.sync-conflict-20260101-120000-ABCDEFG"},
		after: map[string]string{runLoss: lossBefore + "3 3.0 3\n4 4.0 4 set digest\n", "e1/run/metrics/a/val.loss": "1 1.0 1\n2 2.0 2\n3 3.0 3\n"},
	},
	{
		name: "a conflict copy of a metric that has no point any more", write: map[string]string{runLoss: "x\n", "e1/run/metrics/loss (1)": "3 3.0 3\n"},
		want:  []string{"malformed e1/run/metrics/loss:1 repairable", "conflict e1/run/metrics/loss (1) repairable"},
		saved: []string{runLoss, "e1/run/metrics/loss (1)"}, after: map[string]string{runLoss: "3 3.0 3\n"},
	},
	{
		name: "conflict copies of values", write: map[string]string{"e1/run/params/lr (1)": "0.1", "e1/run/params/lr.sync-conflict-20260101-120000-ABCDEFG": "0.2", "e1/tags/team (1)": "a",
			"e1/run/tags/mlflow.runName (2)": "new", "e1/run/tags/mlflow (conflicted copy 2026-01-01).runName": "name", "e1/run/params/gone (1)": "1", "e1/run/params/x conflicted copy": "1"},
		want: []string{"conflict e1/tags/team (1) repairable", "conflict e1/run/params/gone (1)", "conflict e1/run/params/lr (1) repairable",
			"conflict e1/run/params/lr.sync-conflict-20260101-120000-ABCDEFG", "conflict e1/run/params/x conflicted copy",
			"conflict e1/run/tags/mlflow (conflicted copy 2026-01-01).runName repairable", "conflict e1/run/tags/mlflow.runName (2)"},
		left: []string{"conflict e1/run/params/gone (1)", "conflict e1/run/params/lr.sync-conflict-20260101-120000-ABCDEFG", "conflict e1/run/params/x conflicted copy",
			"conflict e1/run/tags/mlflow.runName (2)"},
		saved: []string{"e1/tags/team (1)", "e1/run/params/lr (1)", "e1/run/tags/mlflow (conflicted copy 2026-01-01).runName"},
		after: map[string]string{"e1/run/params/lr": "0.1", "e1/tags/team": "a", "e1/run/tags/mlflow.runName": "name"},
	},
	{
		name: "conflict copies of meta.yaml", copies: map[string]string{"e1/meta (1).yaml": "e1/meta.yaml", "e1/run/meta.sync-conflict-20260101-120000-ABCDEFG.yaml": "e1/run/meta.yaml",
			"e1/run/meta-HOST.yaml": "e1/other/meta.yaml"},
		want: []string{"conflict e1/meta (1).yaml repairable", "conflict e1/run/meta-HOST.yaml", "conflict e1/run/meta.sync-conflict-20260101-120000-ABCDEFG.yaml repairable"},
		left: []string{"conflict e1/run/meta-HOST.yaml"}, saved: []string{"e1/meta (1).yaml", "e1/run/meta.sync-conflict-20260101-120000-ABCDEFG.yaml"},
	},
	{
		name: "conflict copies of folders", copies: map[string]string{"e1 (1)/meta.yaml": "e1/meta.yaml", "e1/run (conflicted copy 2026-01-01)/meta.yaml": "e1/run/meta.yaml",
			".trash/e2 (1)/meta.yaml": ".trash/e2/meta.yaml", "e1/run/metrics/a (1)/b": runLoss, "e1/run/inputs/abc (1)/meta.yaml": "e1/run/meta.yaml"},
		want: []string{"conflict .trash/e2 (1)", "conflict e1 (1)", "conflict e1/run (conflicted copy 2026-01-01)", "conflict e1/run/inputs/abc (1)", "conflict e1/run/metrics/a (1)"},
		left: []string{"conflict .trash/e2 (1)", "conflict e1 (1)", "conflict e1/run (conflicted copy 2026-01-01)", "conflict e1/run/inputs/abc (1)", "conflict e1/run/metrics/a (1)"},
	},
	{
		name: "meta.yaml empty, unreadable, missing, of another", write: map[string]string{"e1/meta.yaml": "", "e1/run/meta.yaml": "[", "e1/third/": ""},
		copies: map[string]string{"e1/other/meta.yaml": ".trash/e2/gone/meta.yaml"},
		want:   []string{"unreadable-meta e1/meta.yaml", "id-mismatch e1/other/meta.yaml", "unreadable-meta e1/run/meta.yaml:1", "missing-meta e1/third"},
		left:   []string{"unreadable-meta e1/meta.yaml", "id-mismatch e1/other/meta.yaml", "unreadable-meta e1/run/meta.yaml:1", "missing-meta e1/third"},
	},
	{
		name: "meta.yaml cut behind its ids, cut in the last value", write: map[string]string{"e1/run/meta.yaml": "end_time: null\nexperiment_id: e1\nrun_id: run\n",
			"e1/other/meta.yaml": "end_time: null\nexperiment_id: e1\nrun_id: other\nstart_time: 1\nstatus: 3\nuser_id: u", "e1/meta.yaml": "artifact_location: ''\nexperiment_id: e1\nlifecycle_stage: active\nname: na"},
		want: []string{"incomplete-meta e1/meta.yaml", "incomplete-meta e1/other/meta.yaml", "incomplete-meta e1/run/meta.yaml"},
		left: []string{"incomplete-meta e1/meta.yaml", "incomplete-meta e1/other/meta.yaml", "incomplete-meta e1/run/meta.yaml"},
	},
	{
		name: "values of a run without a readable meta.yaml", write: map[string]string{"e1/run/meta.yaml": "", runLoss: lossBefore + "x\n"},
		want: []string{"unreadable-meta e1/run/meta.yaml", "malformed e1/run/metrics/loss:3 repairable"}, left: []string{"unreadable-meta e1/run/meta.yaml"},
		saved: []string{runLoss}, after: map[string]string{runLoss: lossBefore},
	},
	{
		name: "run id in two experiments", copies: map[string]string{".trash/e2/run/metrics/m": runLoss, ".trash/e2/run/params/p": runLoss, ".trash/e2/run/artifacts/a": runLoss},
		write: map[string]string{".trash/e2/run/meta.yaml": "run_id: run\nexperiment_id: e2\nend_time: null\nstart_time: 1\nstatus: 1\nuser_id: u\n"},
		want:  []string{"duplicate e1/run"}, left: []string{"duplicate e1/run"},
	},
	{
		name: "not UTF-8", write: map[string]string{"e1/run/params/lr": "a\nb\xff"},
		want: []string{"unreadable e1/run/params/lr:2"}, left: []string{"unreadable e1/run/params/lr:2"},
	},
	{
		name: "names that not all can hold", write: map[string]string{"e1/run/params/a:b": "1", "e1/run/params/LR": "1", "e1/run/tags/A/b": "1", "e1/run/tags/a": "1", "e1/tags/nul": "1"},
		want: []string{"not-portable e1/tags/nul", "not-portable e1/run/params/a:b", "not-portable e1/run/params/lr", "not-portable e1/run/tags/A/b"},
		left: []string{"not-portable e1/tags/nul", "not-portable e1/run/params/a:b", "not-portable e1/run/params/lr", "not-portable e1/run/tags/A/b"},
	},
	{
		name: "a metric file that is malformed and not portable", write: map[string]string{"e1/run/metrics/a:b": lossBefore + strings.Repeat("x\n", 101)},
		want:  append([]string{"malformed e1/run/metrics/a:b repairable", "not-portable e1/run/metrics/a:b"}, numbered("malformed e1/run/metrics/a:b:%d repairable", 3, 100)...),
		left:  []string{"not-portable e1/run/metrics/a:b"},
		saved: []string{"e1/run/metrics/a:b"}, after: map[string]string{"e1/run/metrics/a:b": lossBefore},
	},
}
