package filestore_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// benchDir gives the directory of a store that fill makes, once for all runs of the benchmarks with
// the same MLRUNS_BENCH_DIR, which also chooses the file system; without that, a temporary
// directory.
func benchDir(b *testing.B, name string, fill func(dir string)) string {
	b.Helper()
	base := os.Getenv("MLRUNS_BENCH_DIR")
	if base == "" {
		dir := filepath.Join(b.TempDir(), name)
		fill(dir)
		return dir
	}
	dir := filepath.Join(base, "mlruns-bench-"+name)
	done := dir + ".done"
	if _, err := os.Stat(done); err == nil {
		return dir
	}
	if err := os.RemoveAll(dir); err != nil {
		b.Fatal(err)
	}
	fill(dir)
	writeFile(b, done, "")
	return dir
}

func writeFile(b *testing.B, name, text string) {
	b.Helper()
	err := os.WriteFile(name, []byte(text), 0o666)
	if os.IsNotExist(err) {
		if err = os.MkdirAll(filepath.Dir(name), 0o777); err == nil {
			err = os.WriteFile(name, []byte(text), 0o666)
		}
	}
	if err != nil {
		b.Fatal(err)
	}
}

// runsDir is a store with n runs in experiment 0, of 26 files each.
func runsDir(b *testing.B, n int) string {
	b.Helper()
	return benchDir(b, fmt.Sprintf("runs-%d", n), func(dir string) {
		openDir(b, dir)
		fillRuns(b, dir, n, true)
	})
}

// experimentsDir is a store with n experiments beside the default one, each with the run id(i).
func experimentsDir(b *testing.B, n int) (dir string, runOf func(i int) string) {
	b.Helper()
	return benchDir(b, fmt.Sprintf("experiments-%d", n), func(dir string) { fillExperiments(b, dir, n) }), runNumber
}

func runNumber(i int) string { return fmt.Sprintf("%032x", i) }

// experimentNumber is an id as MLflow makes them, of 18 digits.
func experimentNumber(i int) string { return strconv.FormatInt(100000000000000000+int64(i)*7919, 10) }

func fillExperiments(b *testing.B, dir string, n int) {
	b.Helper()
	openDir(b, dir)
	for i := range n {
		id := experimentNumber(i)
		writeFile(b, filepath.Join(dir, id, "meta.yaml"), fmt.Sprintf("artifact_location: file:///x/%s\ncreation_time: %d\nexperiment_id: '%s'\n"+
			"last_update_time: %d\nlifecycle_stage: active\nname: exp-%d\n", id, 1600000000000+int64(i), id, 1600000000000+int64(i), i))
		writeFile(b, filepath.Join(dir, id, runNumber(i), "meta.yaml"), runMeta(id, runNumber(i), i))
		writeFile(b, filepath.Join(dir, id, runNumber(i), "metrics", "m"), "1600000000000 0.5 0\n")
	}
}

// historyDir is a store with a run whose metric loss has n points.
func historyDir(b *testing.B, n int) (dir, run string) {
	b.Helper()
	run = strings.Repeat("ab", 16)
	return benchDir(b, fmt.Sprintf("history-%d", n), func(dir string) {
		openDir(b, dir)
		writeFile(b, filepath.Join(dir, "0", run, "meta.yaml"), runMeta("0", run, 0))
		var lines strings.Builder
		for i := range n {
			fmt.Fprintf(&lines, "%d %v %d\n", 1600000000000+int64(i), 1/float64(i+1), i)
		}
		writeFile(b, filepath.Join(dir, "0", run, "metrics", "loss"), lines.String())
	}), run
}

func runMeta(experiment, id string, i int) string {
	return fmt.Sprintf("artifact_uri: file:///x/%s/%s/artifacts\nend_time: null\nentry_point_name: ''\nexperiment_id: '%s'\n"+
		"lifecycle_stage: active\nrun_id: '%s'\nrun_name: run-%d\nrun_uuid: '%s'\nsource_name: ''\nsource_type: 4\nsource_version: ''\nstart_time: %d\nstatus: 1\ntags: []\nuser_id: bench\n",
		experiment, id, experiment, id, i, id, 1600000000000+int64(i))
}
