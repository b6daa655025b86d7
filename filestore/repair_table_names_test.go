package filestore_test

import (
	"strings"

	"github.com/mlruns/mlruns/filestore/internal/filestoretest"
)

const (
	lfsText   = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n"
	annexText = "/annex/objects/SHA256E-s12--4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\n"
	merged    = "<<<<<<< HEAD\n0.1\n=======\n0.2\n>>>>>>> other\n"
)

// foreignDamages are what other programs leave: files with names of their own, and contents that
// are none.
var foreignDamages = []filestoretest.Damage{
	{
		Name: "temporary files of other programs", Write: map[string]string{"e1/run/metrics/.loss.a1B2c3": "x\n1 1.0 1\n2 2.", "e1/run/params/.lr.swp": "b0VIM", "e1/run/tags/.goutputstream-A1B2C3": "t",
			"e1/run/params/lr~": "0.2", "e1/run/metrics/.fuse_hidden0000000400000001": "1 1.0 1\n", "e1/run/metrics/.smbdeleteAAA1b2": "", "e1/tags/.team.icloud": "bplist", "e1/run/inputs/.x.a1B2c3": ""},
		Want: []string{"foreign e1/tags/.team.icloud", "foreign e1/run/inputs/.x.a1B2c3 repairable", "foreign e1/run/metrics/.fuse_hidden0000000400000001",
			"foreign e1/run/metrics/.loss.a1B2c3 repairable", "foreign e1/run/metrics/.smbdeleteAAA1b2", "foreign e1/run/params/.lr.swp", "foreign e1/run/params/lr~ repairable",
			"foreign e1/run/tags/.goutputstream-A1B2C3 repairable"},
		Left:  []string{"foreign e1/tags/.team.icloud", "foreign e1/run/metrics/.fuse_hidden0000000400000001", "foreign e1/run/metrics/.smbdeleteAAA1b2", "foreign e1/run/params/.lr.swp"},
		Saved: []string{"e1/run/inputs/.x.a1B2c3", "e1/run/metrics/.loss.a1B2c3", "e1/run/params/lr~", "e1/run/tags/.goutputstream-A1B2C3"},
		After: map[string]string{filestoretest.SavedIn + "/e1/run/metrics/.loss.a1B2c3": "x\n1 1.0 1\n2 2."},
	},
	{
		Name: "names that could be temporary files", Write: map[string]string{"e1/run/metrics/loss.part": "x\n1 1.0 1\n2 2.", "e1/run/metrics/sedAbC123": "", "e1/run/params/lr 2": "1", "e1/run/params/gone 2": "1",
			"e1/run/params/.lr.abcdef": "1", "e1/run/metrics/sedentary": filestoretest.LossBefore},
		Want: []string{"suspicious e1/run/metrics/loss.part", "malformed e1/run/metrics/loss.part:1", "unterminated e1/run/metrics/loss.part:3", "empty e1/run/metrics/sedAbC123", "suspicious e1/run/metrics/sedAbC123",
			"suspicious e1/run/params/lr 2"},
		Left: []string{"suspicious e1/run/metrics/loss.part", "malformed e1/run/metrics/loss.part:1", "unterminated e1/run/metrics/loss.part:3", "empty e1/run/metrics/sedAbC123", "suspicious e1/run/metrics/sedAbC123",
			"suspicious e1/run/params/lr 2"},
		After: map[string]string{"e1/run/metrics/loss.part": "x\n1 1.0 1\n2 2."},
	},
	{
		Name: "conflict copies of other sync programs", Write: map[string]string{"e1/run/metrics/loss (conflict_on_2026-11-27)": "3 3.0 3\n", "e1/run/metrics/loss_conflict-20261127-120000": "4 4.0 4\n",
			"e1/run/metrics/loss (Kopie von Bob in Konflikt 2026-11-27)": "5 5.0 5\n", "e1/run/metrics/loss (SFConflict bob@example.org 2026-11-27-12-00-00)": "6 6.0 6\n",
			"e1/run/metrics/Loss (case clash from bob)": "7 7.0 7\n"},
		Want: []string{"conflict e1/run/metrics/Loss (case clash from bob)", "conflict e1/run/metrics/loss (Kopie von Bob in Konflikt 2026-11-27) repairable",
			"conflict e1/run/metrics/loss (SFConflict bob@example.org 2026-11-27-12-00-00) repairable", "conflict e1/run/metrics/loss (conflict_on_2026-11-27) repairable",
			"conflict e1/run/metrics/loss_conflict-20261127-120000 repairable"},
		Left: []string{"conflict e1/run/metrics/Loss (case clash from bob)"},
		Saved: []string{"e1/run/metrics/loss (Kopie von Bob in Konflikt 2026-11-27)", "e1/run/metrics/loss (SFConflict bob@example.org 2026-11-27-12-00-00)",
			"e1/run/metrics/loss (conflict_on_2026-11-27)", "e1/run/metrics/loss_conflict-20261127-120000"},
		After: map[string]string{filestoretest.RunLoss: filestoretest.LossBefore + "5 5.0 5\n6 6.0 6\n3 3.0 3\n4 4.0 4\n", "e1/run/metrics/Loss (case clash from bob)": "7 7.0 7\n"},
	},
	{
		Name: "conflict markers of git", Write: map[string]string{"e1/run/params/lr": merged, "e1/tags/team": strings.ReplaceAll(merged, "\n", "\r\n"), "e1/run/tags/note": "text\n" + merged + "more\n",
			filestoretest.RunLoss: filestoretest.LossBefore + "<<<<<<< HEAD\n3 3.0 3\n||||||| base\n=======\n4 4.0 4\n>>>>>>> other\nx\n"},
		Want: []string{"git-conflict e1/tags/team:1", "git-conflict e1/run/metrics/loss:3", "git-conflict e1/run/metrics/loss:5", "git-conflict e1/run/metrics/loss:6", "git-conflict e1/run/metrics/loss:8",
			"malformed e1/run/metrics/loss:9", "git-conflict e1/run/params/lr:1", "suspicious e1/run/tags/note"},
		Left: []string{"git-conflict e1/tags/team:1", "git-conflict e1/run/metrics/loss:3", "git-conflict e1/run/metrics/loss:5", "git-conflict e1/run/metrics/loss:6", "git-conflict e1/run/metrics/loss:8",
			"malformed e1/run/metrics/loss:9", "git-conflict e1/run/params/lr:1", "suspicious e1/run/tags/note"},
	},
	{
		Name: "conflict markers of git in meta.yaml", Write: map[string]string{"e1/meta.yaml": "artifact_location: a\n<<<<<<< HEAD\nname: a\n=======\nname: b\n>>>>>>> other\n", "e1/run/meta.yaml": "<<<<<<< HEAD\nstatus: 1\n=======\nstatus: 3\n>>>>>>> other\n"},
		Want: []string{"git-conflict e1/meta.yaml:2", "git-conflict e1/run/meta.yaml:1"}, Left: []string{"git-conflict e1/meta.yaml:2", "git-conflict e1/run/meta.yaml:1"},
	},
	{
		Name: "pointers of git-lfs", Write: map[string]string{"e1/meta.yaml": lfsText, "e1/run/meta.yaml": lfsText, filestoretest.RunLoss: lfsText, "e1/run/params/lr": lfsText, "e1/run/tags/t": strings.ReplaceAll(lfsText, "\n", "\r\n")},
		Want: []string{"git-pointer e1/meta.yaml", "git-pointer e1/run/meta.yaml", "git-pointer e1/run/metrics/loss", "git-pointer e1/run/params/lr", "git-pointer e1/run/tags/t"},
		Left: []string{"git-pointer e1/meta.yaml", "git-pointer e1/run/meta.yaml", "git-pointer e1/run/metrics/loss", "git-pointer e1/run/params/lr", "git-pointer e1/run/tags/t"},
	},
	{
		Name: "pointers of git-annex", Write: map[string]string{filestoretest.RunLoss: annexText, "e1/run/metrics/m": strings.TrimSuffix(annexText, "\n"), "e1/run/params/lr": annexText, "e1/run/tags/t": "../../../.git" + annexText,
			"e1/run/meta.yaml": annexText},
		Want: []string{"git-pointer e1/run/meta.yaml", "git-pointer e1/run/metrics/loss", "git-pointer e1/run/metrics/m", "git-pointer e1/run/params/lr", "suspicious e1/run/tags/t"},
		Left: []string{"git-pointer e1/run/meta.yaml", "git-pointer e1/run/metrics/loss", "git-pointer e1/run/metrics/m", "git-pointer e1/run/params/lr", "suspicious e1/run/tags/t"},
	},
	{
		Name: "conflict copies where git has left something", Write: map[string]string{filestoretest.RunLoss: lfsText, "e1/run/metrics/loss (1)": "3 3.0 3\n", "e1/other/metrics/loss": filestoretest.LossBefore, "e1/other/metrics/loss (1)": annexText,
			"e1/other/params/lr (1)": lfsText},
		Want: []string{"conflict e1/other/metrics/loss (1)", "conflict e1/other/params/lr (1)", "git-pointer e1/run/metrics/loss", "conflict e1/run/metrics/loss (1)"},
		Left: []string{"conflict e1/other/metrics/loss (1)", "conflict e1/other/params/lr (1)", "git-pointer e1/run/metrics/loss", "conflict e1/run/metrics/loss (1)"},
	},
	{
		Name: "a byte order mark before a metric", Write: map[string]string{filestoretest.RunLoss: "\ufeff" + filestoretest.LossBefore},
		Want: []string{"malformed e1/run/metrics/loss:1 repairable"}, Saved: []string{filestoretest.RunLoss}, After: map[string]string{filestoretest.RunLoss: filestoretest.LossBefore},
	},
	{
		Name: "a byte order mark before a metric with a torn line", Write: map[string]string{filestoretest.RunLoss: "\ufeff" + filestoretest.LossBefore + "3 3.0 3"},
		Want: []string{"malformed e1/run/metrics/loss:1 repairable", "unterminated e1/run/metrics/loss:3 repairable"}, Saved: []string{filestoretest.RunLoss}, After: map[string]string{filestoretest.RunLoss: filestoretest.LossBefore + "3 3.0 3\n"},
	},
}
