package drive

import (
	"os"
	"testing"
)

// TestThisMachine judges what is there on every Linux.
func TestThisMachine(t *testing.T) {
	if d := At("/proc"); d.Kind != "proc" || d.Excludes || d.Local {
		t.Errorf("/proc is judged as %+v", d)
	}
	if d := At("/no such folder"); d.Kind != "" || d.Excludes || d.Local {
		t.Errorf("what is not there is judged as %+v", d)
	}
	dir := t.TempDir()
	f, err := os.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	byTable, bySystem := At(dir), judge(statfs(f))
	if bySystem.Local && !byTable.Local && byTable.Kind != "9p" {
		t.Errorf("by the mount table %+v, by statfs %+v", byTable, bySystem)
	}
}
