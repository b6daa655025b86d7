package filestore_test

import "strings"

const (
	lfsText   = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n"
	annexText = "/annex/objects/SHA256E-s12--4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\n"
	merged    = "<<<<<<< HEAD\n0.1\n=======\n0.2\n>>>>>>> other\n"
)

// foreignDamages are what other programs leave: files with names of their own, and contents that
// are none.
var foreignDamages = []damage{
	{
		name: "temporary files of other programs", write: map[string]string{"e1/run/metrics/.loss.a1B2c3": "x\n1 1.0 1\n2 2.", "e1/run/params/.lr.swp": "b0VIM", "e1/run/tags/.goutputstream-A1B2C3": "t",
			"e1/run/params/lr~": "0.2", "e1/run/metrics/.fuse_hidden0000000400000001": "1 1.0 1\n", "e1/run/metrics/.smbdeleteAAA1b2": "", "e1/tags/.team.icloud": "bplist", "e1/run/inputs/.x.a1B2c3": ""},
		want: []string{"foreign e1/tags/.team.icloud", "foreign e1/run/inputs/.x.a1B2c3 repairable", "foreign e1/run/metrics/.fuse_hidden0000000400000001",
			"foreign e1/run/metrics/.loss.a1B2c3 repairable", "foreign e1/run/metrics/.smbdeleteAAA1b2", "foreign e1/run/params/.lr.swp", "foreign e1/run/params/lr~ repairable",
			"foreign e1/run/tags/.goutputstream-A1B2C3 repairable"},
		left:  []string{"foreign e1/tags/.team.icloud", "foreign e1/run/metrics/.fuse_hidden0000000400000001", "foreign e1/run/metrics/.smbdeleteAAA1b2", "foreign e1/run/params/.lr.swp"},
		saved: []string{"e1/run/inputs/.x.a1B2c3", "e1/run/metrics/.loss.a1B2c3", "e1/run/params/lr~", "e1/run/tags/.goutputstream-A1B2C3"},
		after: map[string]string{savedIn + "/e1/run/metrics/.loss.a1B2c3": "x\n1 1.0 1\n2 2."},
	},
	{
		name: "names that could be temporary files", write: map[string]string{"e1/run/metrics/loss.part": "x\n1 1.0 1\n2 2.", "e1/run/metrics/sedAbC123": "", "e1/run/params/lr 2": "1", "e1/run/params/gone 2": "1",
			"e1/run/params/.lr.abcdef": "1", "e1/run/metrics/sedentary": lossBefore},
		want: []string{"suspicious e1/run/metrics/loss.part", "malformed e1/run/metrics/loss.part:1", "unterminated e1/run/metrics/loss.part:3", "empty e1/run/metrics/sedAbC123", "suspicious e1/run/metrics/sedAbC123",
			"suspicious e1/run/params/lr 2"},
		left: []string{"suspicious e1/run/metrics/loss.part", "malformed e1/run/metrics/loss.part:1", "unterminated e1/run/metrics/loss.part:3", "empty e1/run/metrics/sedAbC123", "suspicious e1/run/metrics/sedAbC123",
			"suspicious e1/run/params/lr 2"},
		after: map[string]string{"e1/run/metrics/loss.part": "x\n1 1.0 1\n2 2."},
	},
	{
		name: "conflict copies of other sync programs", write: map[string]string{"e1/run/metrics/loss (conflict_on_2026-11-27)": "3 3.0 3\n", "e1/run/metrics/loss_conflict-20261127-120000": "4 4.0 4\n",
			"e1/run/metrics/loss (Kopie von Bob in Konflikt 2026-11-27)": "5 5.0 5\n", "e1/run/metrics/loss (SFConflict bob@example.org 2026-11-27-12-00-00)": "6 6.0 6\n",
			"e1/run/metrics/Loss (case clash from bob)": "7 7.0 7\n"},
		want: []string{"conflict e1/run/metrics/Loss (case clash from bob)", "conflict e1/run/metrics/loss (Kopie von Bob in Konflikt 2026-11-27) repairable",
			"conflict e1/run/metrics/loss (SFConflict bob@example.org 2026-11-27-12-00-00) repairable", "conflict e1/run/metrics/loss (conflict_on_2026-11-27) repairable",
			"conflict e1/run/metrics/loss_conflict-20261127-120000 repairable"},
		left: []string{"conflict e1/run/metrics/Loss (case clash from bob)"},
		saved: []string{"e1/run/metrics/loss (Kopie von Bob in Konflikt 2026-11-27)", "e1/run/metrics/loss (SFConflict bob@example.org 2026-11-27-12-00-00)",
			"e1/run/metrics/loss (conflict_on_2026-11-27)", "e1/run/metrics/loss_conflict-20261127-120000"},
		after: map[string]string{runLoss: lossBefore + "5 5.0 5\n6 6.0 6\n3 3.0 3\n4 4.0 4\n", "e1/run/metrics/Loss (case clash from bob)": "7 7.0 7\n"},
	},
	{
		name: "conflict markers of git", write: map[string]string{"e1/run/params/lr": merged, "e1/tags/team": strings.ReplaceAll(merged, "\n", "\r\n"), "e1/run/tags/note": "text\n" + merged + "more\n",
			runLoss: lossBefore + "<<<<<<< HEAD\n3 3.0 3\n||||||| base\n=======\n4 4.0 4\n>>>>>>> other\nx\n"},
		want: []string{"git-conflict e1/tags/team:1", "git-conflict e1/run/metrics/loss:3", "git-conflict e1/run/metrics/loss:5", "git-conflict e1/run/metrics/loss:6", "git-conflict e1/run/metrics/loss:8",
			"malformed e1/run/metrics/loss:9", "git-conflict e1/run/params/lr:1", "suspicious e1/run/tags/note"},
		left: []string{"git-conflict e1/tags/team:1", "git-conflict e1/run/metrics/loss:3", "git-conflict e1/run/metrics/loss:5", "git-conflict e1/run/metrics/loss:6", "git-conflict e1/run/metrics/loss:8",
			"malformed e1/run/metrics/loss:9", "git-conflict e1/run/params/lr:1", "suspicious e1/run/tags/note"},
	},
	{
		name: "conflict markers of git in meta.yaml", write: map[string]string{"e1/meta.yaml": "artifact_location: a\n<<<<<<< HEAD\nname: a\n=======\nname: b\n>>>>>>> other\n", "e1/run/meta.yaml": "<<<<<<< HEAD\nstatus: 1\n=======\nstatus: 3\n>>>>>>> other\n"},
		want: []string{"git-conflict e1/meta.yaml:2", "git-conflict e1/run/meta.yaml:1"}, left: []string{"git-conflict e1/meta.yaml:2", "git-conflict e1/run/meta.yaml:1"},
	},
	{
		name: "pointers of git-lfs", write: map[string]string{"e1/meta.yaml": lfsText, "e1/run/meta.yaml": lfsText, runLoss: lfsText, "e1/run/params/lr": lfsText, "e1/run/tags/t": strings.ReplaceAll(lfsText, "\n", "\r\n")},
		want: []string{"git-pointer e1/meta.yaml", "git-pointer e1/run/meta.yaml", "git-pointer e1/run/metrics/loss", "git-pointer e1/run/params/lr", "git-pointer e1/run/tags/t"},
		left: []string{"git-pointer e1/meta.yaml", "git-pointer e1/run/meta.yaml", "git-pointer e1/run/metrics/loss", "git-pointer e1/run/params/lr", "git-pointer e1/run/tags/t"},
	},
	{
		name: "pointers of git-annex", write: map[string]string{runLoss: annexText, "e1/run/metrics/m": strings.TrimSuffix(annexText, "\n"), "e1/run/params/lr": annexText, "e1/run/tags/t": "../../../.git" + annexText,
			"e1/run/meta.yaml": annexText},
		want: []string{"git-pointer e1/run/meta.yaml", "git-pointer e1/run/metrics/loss", "git-pointer e1/run/metrics/m", "git-pointer e1/run/params/lr", "suspicious e1/run/tags/t"},
		left: []string{"git-pointer e1/run/meta.yaml", "git-pointer e1/run/metrics/loss", "git-pointer e1/run/metrics/m", "git-pointer e1/run/params/lr", "suspicious e1/run/tags/t"},
	},
	{
		name: "conflict copies where git has left something", write: map[string]string{runLoss: lfsText, "e1/run/metrics/loss (1)": "3 3.0 3\n", "e1/other/metrics/loss": lossBefore, "e1/other/metrics/loss (1)": annexText,
			"e1/other/params/lr (1)": lfsText},
		want: []string{"conflict e1/other/metrics/loss (1)", "conflict e1/other/params/lr (1)", "git-pointer e1/run/metrics/loss", "conflict e1/run/metrics/loss (1)"},
		left: []string{"conflict e1/other/metrics/loss (1)", "conflict e1/other/params/lr (1)", "git-pointer e1/run/metrics/loss", "conflict e1/run/metrics/loss (1)"},
	},
	{
		name: "a byte order mark before a metric", write: map[string]string{runLoss: "\ufeff" + lossBefore},
		want: []string{"malformed e1/run/metrics/loss:1 repairable"}, saved: []string{runLoss}, after: map[string]string{runLoss: lossBefore},
	},
	{
		name: "a byte order mark before a metric with a torn line", write: map[string]string{runLoss: "\ufeff" + lossBefore + "3 3.0 3"},
		want: []string{"malformed e1/run/metrics/loss:1 repairable", "unterminated e1/run/metrics/loss:3 repairable"}, saved: []string{runLoss}, after: map[string]string{runLoss: lossBefore + "3 3.0 3\n"},
	},
}
