package filestore_test

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"
)

// The floors are the system calls that an operation cannot do without, and nothing else: open, read
// and close of each file it must see, with the names known, nothing parsed and nothing kept. Each
// has the name of what it is the floor of, after Floor.

// floor is what one goroutine reads with.
type floor struct {
	b   *testing.B
	buf []byte
}

func newFloor(b *testing.B) *floor { return &floor{b, make([]byte, 64<<10)} }

func (f *floor) open(dir int, name string, flag int) int {
	fd, err := unix.Openat(dir, name, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NOFOLLOW|unix.O_NONBLOCK|flag, 0)
	if err != nil {
		f.b.Error(name, err)
	}
	return fd
}

func (f *floor) file(dir int, name string) {
	fd := f.open(dir, name, 0)
	if _, err := unix.Read(fd, f.buf); err != nil {
		f.b.Error(name, err)
	}
	_ = unix.Close(fd)
}

func (f *floor) list(dir int) {
	for {
		if n, err := unix.ReadDirent(dir, f.buf); n <= 0 || err != nil {
			return
		}
	}
}

func (f *floor) missing(dir int, name string) {
	if fd, err := unix.Openat(dir, name, unix.O_RDONLY|unix.O_CLOEXEC, 0); err == nil {
		_ = unix.Close(fd)
	}
}

// run reads a run of fillRuns whole.
func (f *floor) run(dir int, id string, names map[string][]string) {
	run := f.open(dir, id, unix.O_DIRECTORY)
	f.file(run, "meta.yaml")
	for _, sub := range []string{"metrics", "params", "tags"} {
		folder := f.open(run, sub, unix.O_DIRECTORY)
		f.list(folder)
		for _, name := range names[sub] {
			f.file(folder, name)
		}
		_ = unix.Close(folder)
	}
	f.missing(run, "inputs")
	f.missing(run, "outputs")
	_ = unix.Close(run)
}

func runNames() map[string][]string {
	names := map[string][]string{}
	for k := range 10 {
		names["metrics"] = append(names["metrics"], fmt.Sprintf("m%d", k))
		names["params"] = append(names["params"], fmt.Sprintf("p%d", k))
	}
	for k := range 5 {
		names["tags"] = append(names["tags"], fmt.Sprintf("t%d", k))
	}
	return names
}

// workers calls do for 0 … n-1 with as many goroutines as there are processors, or as
// MLRUNS_BENCH_PARALLELISM says.
func workers(b *testing.B, n int, do func(f *floor, i int)) {
	var next atomic.Int64
	var all sync.WaitGroup
	several := runtime.GOMAXPROCS(0)
	if n, err := strconv.Atoi(os.Getenv("MLRUNS_BENCH_PARALLELISM")); err == nil {
		several = n
	}
	for range several {
		all.Go(func() {
			f := newFloor(b)
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				do(f, i)
			}
		})
	}
	all.Wait()
}

// BenchmarkCall is what single system calls of reading cost, of which the floors are made: on a run
// of fillRuns.
func BenchmarkCall(b *testing.B) {
	dir := runsDir(b, 10)
	f := newFloor(b)
	run := f.open(unix.AT_FDCWD, fmt.Sprintf("%s/0/%032x", dir, 5), unix.O_DIRECTORY)
	params := f.open(run, "params", unix.O_DIRECTORY)
	param := f.open(params, "p0", 0)
	var st unix.Stat_t
	for _, call := range []struct {
		name string
		do   func()
	}{
		{"open and close a file", func() { _ = unix.Close(f.open(params, "p1", 0)) }},
		{"open and close a folder", func() { _ = unix.Close(f.open(run, "params", unix.O_DIRECTORY)) }},
		{"open what is missing", func() { f.missing(run, "inputs") }},
		{"read a value", func() {
			if _, err := unix.Pread(param, f.buf, 0); err != nil {
				b.Fatal(err)
			}
		}},
		{"fstat", func() { ok(b, unix.Fstat(param, &st)) }},
		{"list ten names", func() {
			if _, err := unix.Seek(params, 0, 0); err != nil {
				b.Fatal(err)
			}
			f.list(params)
		}},
	} {
		b.Run(strings.ReplaceAll(call.name, " ", "_"), func(b *testing.B) { measure(b, call.do) })
	}
	for _, fd := range []int{run, params, param} {
		_ = unix.Close(fd)
	}
}

func BenchmarkFloorRun(b *testing.B) {
	for _, n := range append([]int{10}, runCounts()...) {
		b.Run(fmt.Sprintf("among%d", n), func(b *testing.B) {
			dir := runsDir(b, n)
			f := newFloor(b)
			experiment := f.open(unix.AT_FDCWD, dir+"/0", unix.O_DIRECTORY)
			defer func() { _ = unix.Close(experiment) }()
			names, id := runNames(), fmt.Sprintf("%032x", n/2)
			measure(b, func() {
				f.run(experiment, id, names)
			})
		})
	}
}

func BenchmarkFloorSearchRuns(b *testing.B) {
	names := runNames()
	for _, n := range runCounts() {
		dir := runsDir(b, n)
		ids := make([]string, n)
		for i := range ids {
			ids[i] = fmt.Sprintf("%032x", i)
		}
		for _, q := range []struct {
			name    string
			filter  bool
			results int
		}{{"filter", true, 1000}, {"filter-1", true, 1}, {"all", false, 1000}, {"all-10", false, 10}} {
			b.Run(fmt.Sprintf("%s/%druns", q.name, n), func(b *testing.B) {
				results := min(q.results, n)
				if q.filter {
					results = min(q.results, n/4)
				}
				measure(b, func() {
					f := newFloor(b)
					experiment := f.open(unix.AT_FDCWD, dir+"/0", unix.O_DIRECTORY)
					f.list(experiment)
					workers(b, n, func(f *floor, i int) {
						f.file(experiment, ids[i]+"/meta.yaml")
						if q.filter {
							f.file(experiment, ids[i]+"/params/p0")
						}
						if q.filter && i%2 == 0 {
							f.file(experiment, ids[i]+"/metrics/m0")
						}
					})
					workers(b, results, func(f *floor, i int) { f.run(experiment, ids[i], names) })
					_ = unix.Close(experiment)
				})
			})
		}
	}
}

// BenchmarkFloorMetricHistory reads the file in pieces and has strconv read the values: no faster
// way to do that is in the standard library.
func BenchmarkFloorMetricHistory(b *testing.B) { benchFloorHistory(b) }

// BenchmarkFloorRunOfHistory is the same: the latest point can be any.
func BenchmarkFloorRunOfHistory(b *testing.B) { benchFloorHistory(b) }

func benchFloorHistory(b *testing.B) {
	for _, n := range pointCounts {
		b.Run(fmt.Sprintf("%dpoints", n), func(b *testing.B) {
			dir, run := historyDir(b, n)
			f := newFloor(b)
			f.buf = make([]byte, 256<<10)
			measure(b, func() {
				fd := f.open(unix.AT_FDCWD, dir+"/0/"+run+"/metrics/loss", 0)
				rest := 0
				for {
					got, err := unix.Read(fd, f.buf[rest:])
					if got == 0 || err != nil {
						break
					}
					rest = copy(f.buf, parseValues(b, f.buf[:rest+got]))
				}
				_ = unix.Close(fd)
			})
		})
	}
}

// parseValues parses the second field of each whole line.
func parseValues(b *testing.B, data []byte) (rest []byte) {
	for {
		end := bytes.IndexByte(data, '\n')
		if end < 0 {
			return data
		}
		from := bytes.IndexByte(data, ' ') + 1
		to := from + bytes.IndexByte(data[from:end], ' ')
		if _, err := strconv.ParseFloat(string(data[from:to]), 64); err != nil {
			b.Fatal(err)
		}
		data = data[end+1:]
	}
}

// BenchmarkFloorExperiments lists the root, reads each meta.yaml and looks for tags.
func BenchmarkFloorExperiments(b *testing.B) { benchFloorExperiments(b, true) }

// BenchmarkFloorExperimentByName is the same without the tags.
func BenchmarkFloorExperimentByName(b *testing.B) { benchFloorExperiments(b, false) }

func benchFloorExperiments(b *testing.B, tags bool) {
	for _, n := range experimentCounts {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			dir, _ := experimentsDir(b, n)
			measure(b, func() {
				f := newFloor(b)
				root := f.open(unix.AT_FDCWD, dir, unix.O_DIRECTORY)
				f.list(root)
				workers(b, n, func(f *floor, i int) {
					id := experimentNumber(i)
					f.file(root, id+"/meta.yaml")
					if tags {
						f.missing(root, id+"/tags")
					}
				})
				_ = unix.Close(root)
			})
		})
	}
}

// BenchmarkFloorRunByID looks for the run's meta.yaml in half of the experiments.
func BenchmarkFloorRunByID(b *testing.B) {
	for _, n := range experimentCounts {
		b.Run(fmt.Sprintf("first/%dexperiments", n), func(b *testing.B) {
			dir, runOf := experimentsDir(b, n)
			f := newFloor(b)
			measure(b, func() {
				root := f.open(unix.AT_FDCWD, dir, unix.O_DIRECTORY)
				f.list(root)
				for i := range n / 2 {
					f.missing(root, experimentNumber(i)+"/"+runOf(n)+"/meta.yaml")
				}
				_ = unix.Close(root)
			})
		})
	}
}
