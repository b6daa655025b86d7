package filestore_test

import (
	"strings"

	"github.com/mlruns/mlruns/filestore/internal/filestoretest"
)

// damages has each kind of damage at least once.
var damages = []filestoretest.Damage{
	{
		Name: "torn line", Write: map[string]string{filestoretest.RunLoss: filestoretest.LossBefore + "3 3."},
		Want: []string{"unterminated e1/run/metrics/loss:3 repairable"}, Saved: []string{filestoretest.RunLoss}, After: map[string]string{filestoretest.RunLoss: filestoretest.LossBefore},
	},
	{
		Name: "whole line without its newline", Write: map[string]string{filestoretest.RunLoss: filestoretest.LossBefore + "3 3.0 3"},
		Want: []string{"unterminated e1/run/metrics/loss:3 repairable"}, Saved: []string{filestoretest.RunLoss}, After: map[string]string{filestoretest.RunLoss: filestoretest.LossBefore + "3 3.0 3\n"},
	},
	{
		Name: "blanks of an interrupted append", Write: map[string]string{filestoretest.RunLoss: filestoretest.LossBefore + "    "},
		Want: []string{"unterminated e1/run/metrics/loss:3 repairable"}, Saved: []string{filestoretest.RunLoss}, After: map[string]string{filestoretest.RunLoss: filestoretest.LossBefore},
	},
	{
		Name: "many blanks of an interrupted append", Write: map[string]string{filestoretest.RunLoss: filestoretest.LossBefore + strings.Repeat(" ", 300<<10)},
		Want: []string{"unterminated e1/run/metrics/loss:3 repairable"}, Saved: []string{filestoretest.RunLoss}, After: map[string]string{filestoretest.RunLoss: filestoretest.LossBefore},
	},
	{
		Name: "a malformed line, and a point behind many blanks", Write: map[string]string{filestoretest.RunLoss: "x\n1 1.0 1\n" + strings.Repeat(" ", 256<<10-4) + "2 2.0 2\n"},
		Want: []string{"malformed e1/run/metrics/loss:1 repairable"}, Saved: []string{filestoretest.RunLoss}, After: map[string]string{filestoretest.RunLoss: filestoretest.LossBefore},
	},
	{
		Name: "NUL bytes of a power cut", Write: map[string]string{filestoretest.RunLoss: filestoretest.LossBefore + "\x00\x00\x00\x00"},
		Want: []string{"unterminated e1/run/metrics/loss:3 repairable"}, Saved: []string{filestoretest.RunLoss}, After: map[string]string{filestoretest.RunLoss: filestoretest.LossBefore},
	},
	{
		Name: "malformed lines, and a whole one without its newline", Write: map[string]string{filestoretest.RunLoss: "x\n1 1.0 1\n\n2  2.0 2\r\n2 2.0 2\r\n3 3.0 3 set \xff\n4 4.0 4"},
		Want: []string{"malformed e1/run/metrics/loss:1 repairable", "malformed e1/run/metrics/loss:3 repairable", "malformed e1/run/metrics/loss:4 repairable",
			"malformed e1/run/metrics/loss:6 repairable", "unterminated e1/run/metrics/loss:7 repairable"},
		Saved: []string{filestoretest.RunLoss}, After: map[string]string{filestoretest.RunLoss: "1 1.0 1\n2 2.0 2\r\n4 4.0 4\n"},
	},
	{
		Name: "more malformed lines than are named", Write: map[string]string{filestoretest.RunLoss: filestoretest.LossBefore + strings.Repeat("x\n", 102)},
		Want:  append([]string{"malformed e1/run/metrics/loss repairable"}, filestoretest.Numbered("malformed e1/run/metrics/loss:%d repairable", 3, 100)...),
		Saved: []string{filestoretest.RunLoss}, After: map[string]string{filestoretest.RunLoss: filestoretest.LossBefore},
	},
	{
		Name: "a line longer than any point", Write: map[string]string{filestoretest.RunLoss: "1 1.0 1\n" + strings.Repeat("9", 300<<10) + "\n2 2.0 2\n"},
		Want: []string{"malformed e1/run/metrics/loss:2 repairable"}, Saved: []string{filestoretest.RunLoss}, After: map[string]string{filestoretest.RunLoss: filestoretest.LossBefore},
	},
	{
		Name: "no line is a point", Write: map[string]string{filestoretest.RunLoss: "x\ny\n3 3.0"},
		Want:  []string{"malformed e1/run/metrics/loss:1 repairable", "malformed e1/run/metrics/loss:2 repairable", "unterminated e1/run/metrics/loss:3 repairable"},
		Saved: []string{filestoretest.RunLoss}, After: map[string]string{filestoretest.RunLoss: ""},
	},
	{
		Name: "repeated lines", Write: map[string]string{filestoretest.RunLoss: "2 nan 2\n1 1.0 1\n1 1.00 1\n1 1.0 1 set digest\n2 -nan 2\n1 1.0 1 set digest\n"},
		Want:  []string{"duplicate-line e1/run/metrics/loss:3 repairable"},
		Saved: []string{filestoretest.RunLoss}, After: map[string]string{filestoretest.RunLoss: "2 nan 2\n1 1.0 1\n1 1.0 1 set digest\n"},
	},
	{
		Name: "empty metric file", Write: map[string]string{"e1/run/metrics/a/b": ""},
		Want: []string{"empty e1/run/metrics/a/b repairable"}, Saved: []string{"e1/run/metrics/a/b"}, After: map[string]string{"e1/run/metrics/a/b": ""},
	},
	{
		Name: "missing folders", Remove: []string{"e1/run/metrics", "e1/run/params", "e1/run/artifacts"},
		Want:  []string{"missing-folder e1/run/artifacts repairable", "missing-folder e1/run/metrics repairable", "missing-folder e1/run/params repairable"},
		After: map[string]string{"e1/run/metrics": "folder", "e1/run/params": "folder", "e1/run/artifacts": "folder"},
	},
	{
		Name: "missing artifacts of a model", Write: map[string]string{"e1/run/tags/mlflow.log-model.history": "[]"}, Remove: []string{"e1/run/artifacts"},
		Want: []string{"artifacts-missing e1/run/artifacts", "missing-folder e1/run/artifacts repairable"},
	},
	{
		Name: "leftovers", Write: map[string]string{filestoretest.StagingMeta: "x", "e1/.mlruns-tmp-1": "y", "e1/run/.mlruns-tmp-2": "z", "e1/run/.mlruns-torn-loss.00": "3 3."},
		Want:  []string{"leftover .mlruns.trash/r3.00 repairable", "leftover e1/.mlruns-tmp-1 repairable", "leftover e1/run/.mlruns-tmp-2 repairable"},
		Saved: []string{".mlruns.trash/r3.00", "e1/.mlruns-tmp-1", "e1/run/.mlruns-tmp-2"},
		After: map[string]string{filestoretest.SavedIn + "/" + filestoretest.StagingMeta: "x", "e1/run/.mlruns-torn-loss.00": "3 3."},
	},
	{
		Name: "desktop files", Write: map[string]string{"e1/run/metrics/.DS_Store": "a", "e1/run/params/x/Thumbs.db": "b", "e1/run/tags/.ipynb_checkpoints/x": "c",
			"e1/tags/desktop.ini": "d", "e1/run/inputs/.DS_Store": "e", "e1/run/outputs/.DS_Store": "f", "e1/run/metrics/.nfs0001": "g"},
		Want: []string{"foreign e1/tags/desktop.ini repairable", "foreign e1/run/inputs/.DS_Store repairable", "foreign e1/run/metrics/.DS_Store repairable", "foreign e1/run/metrics/.nfs0001",
			"foreign e1/run/outputs/.DS_Store repairable", "foreign e1/run/params/x/Thumbs.db repairable", "foreign e1/run/tags/.ipynb_checkpoints repairable"},
		Left: []string{"foreign e1/run/metrics/.nfs0001"},
		Saved: []string{"e1/tags/desktop.ini", "e1/run/inputs/.DS_Store", "e1/run/metrics/.DS_Store", "e1/run/outputs/.DS_Store", "e1/run/params/x/Thumbs.db",
			"e1/run/tags/.ipynb_checkpoints"},
	},
	{
		Name: "foreign where every version ignores it, and where it does not", Write: map[string]string{"notes.txt": "", "e1/notes (1).txt": "", "e1/run/notes.md": "", "e1/run/mine/x": "",
			"e1/run/.mlruns.lock (1)": "", ".git/HEAD": "", "e1/run/params/bad!": "1"},
		Want: []string{"foreign .git", "foreign e1/run/params/bad!"}, Left: []string{"foreign .git", "foreign e1/run/params/bad!"},
	},
	{
		Name: "conflict copies of a metric", Write: map[string]string{"e1/run/metrics/loss (conflicted copy 2026-01-01)": "1 1.0 1\n3 3.0 3\nx\n", "e1/run/metrics/loss (1)": "3 3.00 3\n4 4.0 4 set digest\n",
			"e1/run/metrics/loss.sync-conflict-20260101-120000-ABCDEFG": filestoretest.LossBefore, "e1/run/metrics/a/val.loss": "1 1.0 1\n2 2.0 2", "e1/run/metrics/a/val (Bob's conflicted copy 2026-01-01).loss": "3 3.0 3\n"},
		Want: []string{"conflict e1/run/metrics/a/val (Bob's conflicted copy 2026-01-01).loss repairable", "unterminated e1/run/metrics/a/val.loss:2 repairable",
			"conflict e1/run/metrics/loss (1) repairable", "conflict e1/run/metrics/loss (conflicted copy 2026-01-01) repairable",
			"conflict e1/run/metrics/loss.sync-conflict-20260101-120000-ABCDEFG repairable"},
		Saved: []string{"e1/run/metrics/a/val.loss", "e1/run/metrics/a/val (Bob's conflicted copy 2026-01-01).loss", "e1/run/metrics/loss (1)", "e1/run/metrics/loss (conflicted copy 2026-01-01)",
			"e1/run/metrics/loss.sync-conflict-20260101-120000-ABCDEFG"},
		After: map[string]string{filestoretest.RunLoss: filestoretest.LossBefore + "3 3.0 3\n4 4.0 4 set digest\n", "e1/run/metrics/a/val.loss": "1 1.0 1\n2 2.0 2\n3 3.0 3\n"},
	},
	{
		Name: "a conflict copy of a metric that has no point any more", Write: map[string]string{filestoretest.RunLoss: "x\n", "e1/run/metrics/loss (1)": "3 3.0 3\n"},
		Want:  []string{"malformed e1/run/metrics/loss:1 repairable", "conflict e1/run/metrics/loss (1) repairable"},
		Saved: []string{filestoretest.RunLoss, "e1/run/metrics/loss (1)"}, After: map[string]string{filestoretest.RunLoss: "3 3.0 3\n"},
	},
	{
		Name: "conflict copies of values", Write: map[string]string{"e1/run/params/lr (1)": "0.1", "e1/run/params/lr.sync-conflict-20260101-120000-ABCDEFG": "0.2", "e1/tags/team (1)": "a",
			"e1/run/tags/mlflow.runName (2)": "new", "e1/run/tags/mlflow (conflicted copy 2026-01-01).runName": "name", "e1/run/params/gone (1)": "1", "e1/run/params/x conflicted copy": "1"},
		Want: []string{"conflict e1/tags/team (1) repairable", "conflict e1/run/params/gone (1)", "conflict e1/run/params/lr (1) repairable",
			"conflict e1/run/params/lr.sync-conflict-20260101-120000-ABCDEFG", "conflict e1/run/params/x conflicted copy",
			"conflict e1/run/tags/mlflow (conflicted copy 2026-01-01).runName repairable", "conflict e1/run/tags/mlflow.runName (2)"},
		Left: []string{"conflict e1/run/params/gone (1)", "conflict e1/run/params/lr.sync-conflict-20260101-120000-ABCDEFG", "conflict e1/run/params/x conflicted copy",
			"conflict e1/run/tags/mlflow.runName (2)"},
		Saved: []string{"e1/tags/team (1)", "e1/run/params/lr (1)", "e1/run/tags/mlflow (conflicted copy 2026-01-01).runName"},
		After: map[string]string{"e1/run/params/lr": "0.1", "e1/tags/team": "a", "e1/run/tags/mlflow.runName": "name"},
	},
	{
		Name: "conflict copies of meta.yaml", Copies: map[string]string{"e1/meta (1).yaml": "e1/meta.yaml", "e1/run/meta.sync-conflict-20260101-120000-ABCDEFG.yaml": "e1/run/meta.yaml",
			"e1/run/meta-HOST.yaml": "e1/other/meta.yaml"},
		Want: []string{"conflict e1/meta (1).yaml repairable", "conflict e1/run/meta-HOST.yaml", "conflict e1/run/meta.sync-conflict-20260101-120000-ABCDEFG.yaml repairable"},
		Left: []string{"conflict e1/run/meta-HOST.yaml"}, Saved: []string{"e1/meta (1).yaml", "e1/run/meta.sync-conflict-20260101-120000-ABCDEFG.yaml"},
	},
	{
		Name: "conflict copies of folders", Copies: map[string]string{"e1 (1)/meta.yaml": "e1/meta.yaml", "e1/run (conflicted copy 2026-01-01)/meta.yaml": "e1/run/meta.yaml",
			".trash/e2 (1)/meta.yaml": ".trash/e2/meta.yaml", "e1/run/metrics/a (1)/b": filestoretest.RunLoss, "e1/run/inputs/abc (1)/meta.yaml": "e1/run/meta.yaml"},
		Want: []string{"conflict .trash/e2 (1)", "conflict e1 (1)", "conflict e1/run (conflicted copy 2026-01-01)", "conflict e1/run/inputs/abc (1)", "conflict e1/run/metrics/a (1)"},
		Left: []string{"conflict .trash/e2 (1)", "conflict e1 (1)", "conflict e1/run (conflicted copy 2026-01-01)", "conflict e1/run/inputs/abc (1)", "conflict e1/run/metrics/a (1)"},
	},
	{
		Name: "meta.yaml empty, unreadable, missing, of another", Write: map[string]string{"e1/meta.yaml": "", "e1/run/meta.yaml": "[", "e1/third/": ""},
		Copies: map[string]string{"e1/other/meta.yaml": ".trash/e2/gone/meta.yaml"},
		Want:   []string{"unreadable-meta e1/meta.yaml", "id-mismatch e1/other/meta.yaml", "unreadable-meta e1/run/meta.yaml:1", "missing-meta e1/third"},
		Left:   []string{"unreadable-meta e1/meta.yaml", "id-mismatch e1/other/meta.yaml", "unreadable-meta e1/run/meta.yaml:1", "missing-meta e1/third"},
	},
	{
		Name: "meta.yaml cut behind its ids, cut in the last value", Write: map[string]string{"e1/run/meta.yaml": "end_time: null\nexperiment_id: e1\nrun_id: run\n",
			"e1/other/meta.yaml": "end_time: null\nexperiment_id: e1\nrun_id: other\nstart_time: 1\nstatus: 3\nuser_id: u", "e1/meta.yaml": "artifact_location: ''\nexperiment_id: e1\nlifecycle_stage: active\nname: na"},
		Want: []string{"incomplete-meta e1/meta.yaml", "incomplete-meta e1/other/meta.yaml", "incomplete-meta e1/run/meta.yaml"},
		Left: []string{"incomplete-meta e1/meta.yaml", "incomplete-meta e1/other/meta.yaml", "incomplete-meta e1/run/meta.yaml"},
	},
	{
		Name: "values of a run without a readable meta.yaml", Write: map[string]string{"e1/run/meta.yaml": "", filestoretest.RunLoss: filestoretest.LossBefore + "x\n"},
		Want: []string{"unreadable-meta e1/run/meta.yaml", "malformed e1/run/metrics/loss:3 repairable"}, Left: []string{"unreadable-meta e1/run/meta.yaml"},
		Saved: []string{filestoretest.RunLoss}, After: map[string]string{filestoretest.RunLoss: filestoretest.LossBefore},
	},
	{
		Name: "run id in two experiments", Copies: map[string]string{".trash/e2/run/metrics/m": filestoretest.RunLoss, ".trash/e2/run/params/p": filestoretest.RunLoss, ".trash/e2/run/artifacts/a": filestoretest.RunLoss},
		Write: map[string]string{".trash/e2/run/meta.yaml": "run_id: run\nexperiment_id: e2\nend_time: null\nstart_time: 1\nstatus: 1\nuser_id: u\n"},
		Want:  []string{"duplicate e1/run"}, Left: []string{"duplicate e1/run"},
	},
	{
		Name: "not UTF-8", Write: map[string]string{"e1/run/params/lr": "a\nb\xff"},
		Want: []string{"unreadable e1/run/params/lr:2"}, Left: []string{"unreadable e1/run/params/lr:2"},
	},
	{
		Name: "names that not all can hold", Write: map[string]string{"e1/run/params/a:b": "1", "e1/run/params/LR": "1", "e1/run/tags/A/b": "1", "e1/run/tags/a": "1", "e1/tags/nul": "1"},
		Want: []string{"not-portable e1/tags/nul", "not-portable e1/run/params/a:b", "not-portable e1/run/params/lr", "not-portable e1/run/tags/A/b"},
		Left: []string{"not-portable e1/tags/nul", "not-portable e1/run/params/a:b", "not-portable e1/run/params/lr", "not-portable e1/run/tags/A/b"},
	},
	{
		Name: "a metric file that is malformed and not portable", Write: map[string]string{"e1/run/metrics/a:b": filestoretest.LossBefore + strings.Repeat("x\n", 101)},
		Want:  append([]string{"malformed e1/run/metrics/a:b repairable", "not-portable e1/run/metrics/a:b"}, filestoretest.Numbered("malformed e1/run/metrics/a:b:%d repairable", 3, 100)...),
		Left:  []string{"not-portable e1/run/metrics/a:b"},
		Saved: []string{"e1/run/metrics/a:b"}, After: map[string]string{"e1/run/metrics/a:b": filestoretest.LossBefore},
	},
}
