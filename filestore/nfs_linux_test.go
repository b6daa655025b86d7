package filestore_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/filestoretest"
)

// twoClients are two mounts of one exported folder, as interop/drives.sh makes them. Where there
// are none the test is skipped.
func twoClients(t *testing.T) (a, b string) {
	t.Helper()
	a, b, ok := strings.Cut(os.Getenv("MLRUNS_TWO_CLIENTS"), ":")
	if !ok {
		t.Skip("MLRUNS_TWO_CLIENTS names no two mounts of one folder, as in interop/drives.sh")
	}
	return a, b
}

// oneFolder is a new folder as this process sees it and as others do: on another client's mount, if
// there are two.
func oneFolder(t *testing.T) (here, there string) {
	t.Helper()
	a, b, ok := strings.Cut(os.Getenv("MLRUNS_TWO_CLIENTS"), ":")
	if !ok {
		here = t.TempDir()
		return here, here
	}
	here, err := os.MkdirTemp(a, "")
	if err != nil {
		t.Fatal(err)
	}
	return here, filepath.Join(b, filepath.Base(here))
}

// callsOf are the calls that an NFS mount has made by now. What keeps the session up is left out,
// and FREE_STATEID, which the kernel sends after an unlock and nobody waits for.
func callsOf(t *testing.T, mount string) map[string]int {
	t.Helper()
	table, err := os.ReadFile("/proc/self/mountstats")
	if err != nil {
		t.Fatal(err)
	}
	calls := map[string]int{}
	here := false
	for line := range strings.Lines(string(table)) {
		if strings.HasPrefix(line, "device ") {
			here = strings.Contains(line, " mounted on "+mount+" ")
			continue
		}
		fields := strings.Fields(line)
		if !here || len(fields) < 9 || !strings.HasSuffix(fields[0], ":") || fields[0] != strings.ToUpper(fields[0]) {
			continue
		}
		name := strings.TrimSuffix(fields[0], ":")
		n, err := strconv.Atoi(fields[1])
		if err == nil && name != "SEQUENCE" && name != "FREE_STATEID" && name != "RELEASE_LOCKOWNER" {
			calls[name] = n
		}
	}
	return calls
}

// callsDuring are the calls that a function makes of a mount, all and by name.
func callsDuring(t *testing.T, mount string, do func()) (all int, names string) {
	t.Helper()
	before := callsOf(t, mount)
	do()
	after := callsOf(t, mount)
	var list []string
	for _, name := range slices.Sorted(maps.Keys(after)) {
		if n := after[name] - before[name]; n > 0 {
			all += n
			list = append(list, fmt.Sprintf("%s %d", name, n))
		}
	}
	return all, strings.Join(list, ", ")
}

// TestCallsOfAPointOverNFS counts what one client asks of the server for a point.
func TestCallsOfAPointOverNFS(t *testing.T) {
	mount, _ := twoClients(t)
	store := filestoretest.Open(t, filepath.Join(mount, "calls"))
	run, err := store.CreateRun(t.Context(), mlruns.RunSpec{})
	if err != nil {
		t.Fatal(err)
	}
	log := func(step int64) {
		t.Helper()
		if err := store.LogMetric(t.Context(), run.Info.ID, mlruns.Metric{Key: "m", Step: step}); err != nil {
			t.Fatal(err)
		}
	}
	for step := range int64(4) {
		all, names := callsDuring(t, mount, func() { log(step) })
		t.Logf("point %d: %d calls: %s", step, all, names)
		time.Sleep(100 * time.Millisecond)
	}
	const points = 100
	all, names := callsDuring(t, mount, func() {
		for step := range int64(points) {
			log(step)
		}
	})
	t.Logf("%d points: %d calls: %s", points, all, names)
	if all > 10*points+50 {
		t.Errorf("%d points made %d calls, want 8 each and at most 2 more that the server asks for: %s", points, all, names)
	}
	filestoretest.NoProblems(t, store)
}
