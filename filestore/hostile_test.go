package filestore_test

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/afero"
	"github.com/spf13/afero/mem"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/filestore/internal/filestoretest"
	"github.com/mlruns/mlruns/internal/memfs"
	"github.com/mlruns/mlruns/internal/proof"
)

// taking is what memory a call took in all, which is more than it had at once.
func taking(do func()) (bytes uint64) {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	do()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// age makes a file look as if nobody was writing it.
func (d damaged) age(name string) {
	d.Helper()
	if err := os.Chtimes(d.at(name), filestoretest.LongAgo, filestoretest.LongAgo); err != nil {
		d.Fatal(err)
	}
}

// onlyRun wants a search to find "run" and not "other", whose meta.yaml is named as the problem.
func (d damaged) onlyRun(reason string) {
	d.Helper()
	page, err := d.store.SearchRuns(d.Context(), mlruns.RunQuery{Filter: "metrics.loss = 1"})
	if err != nil || len(page.Runs) != 1 || page.Runs[0].Info.ID != "run" || len(page.Runs[0].Problems) > 0 {
		d.Errorf("SearchRuns = %v, %v, want the other run unharmed", page, err)
		return
	}
	if len(page.Problems) != 1 || page.Problems[0].Kind != mlruns.ProblemUnreadableMeta || page.Problems[0].Path != "0/other/meta.yaml" || !strings.Contains(page.Problems[0].Reason, reason) {
		d.Errorf("problems %v, want one of 0/other/meta.yaml that says %q", page.Problems, reason)
	}
}

// TestHostileDocuments has a meta.yaml that is made to cost more than it is worth: it is a problem
// of that run, and takes a bounded amount of memory.
func TestHostileDocuments(t *testing.T) {
	const mib = 1 << 20
	lines := func(n int, format string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, format, i)
		}
		return b.String()
	}
	bomb := "a0: &a0 [x,x,x,x,x,x,x,x,x]\n"
	for i := 1; i < 10; i++ {
		bomb += fmt.Sprintf("a%d: &a%d [%s*a%d]\n", i, i, strings.Repeat(fmt.Sprintf("*a%d,", i-1), 8), i-1)
	}
	documents := map[string]struct {
		text   string
		reason string
		most   uint64
	}{
		"bomb of aliases":               {bomb, "alias", mib},
		"merged bomb":                   {"a: &a {x: 1}\n<<: [*a, *a, *a]\n", "alias", mib},
		"nested aliases of a text":      {"a: &a " + strings.Repeat("x", mib/2) + "\nb: {" + strings.Repeat("k: *a,", 1000) + "}\n", "aliases that stand for too much", 64 * mib},
		"aliases of a large text":       {"a: &a " + strings.Repeat("x", mib/2) + "\n" + lines(1000, "k%d: *a\n"), "aliases that stand for too much", 64 * mib},
		"100,000 anchors":               {lines(100_000, "k%d: &a x\n"), "run_id", 256 * mib},
		"100,000 anchors of lists":      {lines(100_000, "k%d: &a []\n") + "z: *a\n", "alias", 256 * mib},
		"a million keys":                {lines(1_000_000, "k%d: v\n"), "more than", 64 * mib},
		"a million items":               {"a: [" + strings.Repeat("x,", 3_000_000) + "x]\n", "more than", 64 * mib},
		"a million comments":            {strings.Repeat("#\n", 1_000_000) + "a: b\n", "more than", 64 * mib},
		"lists in lists":                {"a: " + strings.Repeat("[", 100_000) + "\n", "", 512 * mib},
		"mappings in mappings":          {"a: " + strings.Repeat("{a: ", 20_000) + "\n", "", 256 * mib},
		"blocks in blocks":              {lines(500, "%*d:\n"), "", 64 * mib},
		"dashes":                        {"a:\n  " + strings.Repeat("- ", 100_000) + "x\n", "", 512 * mib},
		"a text of 60 MiB":              {"a: " + strings.Repeat("x", 60*mib) + "\n", "run_id", 1024 * mib},
		"a quoted text of 16 MiB":       {"a: \"" + strings.Repeat(`\x41`, 4*mib), "not YAML", 1024 * mib},
		"a key of 60 MiB":               {strings.Repeat("x", 60*mib) + ": a\n", "", 1024 * mib},
		"documents":                     {strings.Repeat("---\na: b\n", 100_000), "run_id", 64 * mib},
		"tags":                          {"a: " + strings.Repeat("!", 100_000) + " b\n", "", 64 * mib},
		"an anchor's name of a million": {"a: &" + strings.Repeat("a", mib) + " b\nc: *" + strings.Repeat("a", mib) + "\n", "", 64 * mib},
	}
	for _, name := range proof.Sample(t, slices.Collect(maps.Keys(documents))) {
		t.Run(name, func(t *testing.T) {
			c := documents[name]
			d := newDamaged(t)
			if name == "blocks in blocks" {
				c.text = ""
				for i := range 3000 {
					c.text += strings.Repeat(" ", min(i, 500)) + "a:\n"
				}
			}
			d.write("other/meta.yaml", []byte(c.text))
			d.age("other/meta.yaml")
			var err error
			took := taking(func() { err = filestoretest.ErrOf(d.store.Run(t.Context(), "other")) })
			if !errors.Is(err, mlruns.ErrCorrupt) || !strings.Contains(err.Error(), c.reason) {
				t.Errorf("Run = %.300v, want ErrCorrupt that says %q", err, c.reason)
			}
			t.Logf("%d KiB took %d KiB", len(c.text)>>10, took>>10)
			if took > c.most {
				t.Errorf("a file of %d bytes took %d bytes of memory, want at most %d", len(c.text), took, c.most)
			}
			d.onlyRun(c.reason)
		})
	}
}

// TestHostileLines has metric files that hold no points, and more of it than there is memory.
func TestHostileLines(t *testing.T) {
	d := newDamaged(t)
	const most = 512 << 20
	d.write("other/metrics/line", []byte("1 2.0 3\n"))
	d.sparse("other/metrics/line", 1<<30)
	d.age("other/metrics/line")
	d.write("other/metrics/bad", []byte(strings.Repeat("no point\n", 1_000_000)+"1 2.0 3\n"))
	d.age("other/metrics/bad")
	var run *mlruns.Run
	var err error
	took := taking(func() { run, err = d.store.Run(t.Context(), "other") })
	t.Logf("%d KiB", took>>10)
	if err != nil || run.Data.Metrics["line"].Value != 2 || run.Data.Metrics["bad"].Value != 2 || len(run.Problems) != 102 || took > most {
		t.Errorf("Run: %v, %d problems, %d bytes of memory; want both metrics, 102 problems and at most %d", err, len(run.Problems), took, most)
	}
	took = taking(func() {
		for _, key := range []string{"line", "bad"} {
			n, bad := 0, 0
			for _, err = range d.store.MetricHistory(t.Context(), "other", key, mlruns.HistoryQuery{OnProblem: func(mlruns.Problem) { bad++ }}) {
				n++
			}
			if err != nil || n != 1 || bad == 0 {
				t.Errorf("history of %s: %v, %d points and %d problems, want 1 and some", key, err, n, bad)
			}
		}
	})
	t.Logf("%d KiB", took>>10)
	if took > most {
		t.Errorf("the histories took %d bytes of memory, want at most %d", took, most)
	}
	took = taking(func() { err = d.store.LogMetric(t.Context(), "other", mlruns.Metric{Key: "line", Value: 1}) })
	if !errors.Is(err, mlruns.ErrCorrupt) || !strings.Contains(err.Error(), "metrics/line") || took > most {
		t.Errorf("appending behind a line of 1 GiB: %v, %d bytes of memory; want ErrCorrupt that names the file", err, took)
	}
	if info, err := os.Stat(d.at("other/metrics/line")); err != nil || info.Size() != 1<<30 {
		t.Errorf("the file is now %v, %v", info, err)
	}
}

// TestBlanksBeforeAPoint reads a point behind a torn line of any length that an appender blanked
// out, also piece by piece.
func TestBlanksBeforeAPoint(t *testing.T) {
	d := newDamaged(t)
	for _, blanks := range []int{1, 256<<10 - 1, 256 << 10, 256<<10 + 1, 1 << 20} {
		d.write("run/metrics/loss", []byte("1 1.0 1\n"+strings.Repeat(" ", blanks)+"2 2.0 2\n"))
		var got []float64
		for m, err := range d.store.MetricHistory(t.Context(), "run", "loss", mlruns.HistoryQuery{OnProblem: func(p mlruns.Problem) { t.Error(p) }}) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, m.Value)
		}
		run, err := d.store.Run(t.Context(), "run")
		if err != nil || len(got) != 2 || run.Data.Metrics["loss"].Value != 2 || len(run.Problems) > 0 {
			t.Errorf("behind %d blanks: history %v, run %v, %v", blanks, got, run, err)
		}
	}
}

func TestHostileFolders(t *testing.T) {
	d := newDamaged(t)
	deep := d.at("other/tags" + strings.Repeat("/d", 300))
	if err := errors.Join(os.MkdirAll(deep, 0o777), os.WriteFile(filepath.Join(deep, "k"), []byte("v"), 0o666), os.WriteFile(filepath.Join(d.at("other/tags/d/d"), "k"), []byte("v"), 0o666)); err != nil {
		t.Fatal(err)
	}
	for i := range 1000 {
		d.write(fmt.Sprintf("other/params/no key @%d", i), nil)
		if err := os.Mkdir(d.at(fmt.Sprintf("no run @%d", i)), 0o777); err != nil {
			t.Fatal(err)
		}
	}
	page, err := d.store.SearchRuns(t.Context(), mlruns.RunQuery{})
	if err != nil || len(page.Runs) != 2 {
		t.Fatalf("SearchRuns = %v, %v, want both runs", page, err)
	}
	kinds := map[string]int{}
	for _, p := range page.Problems {
		kinds[fmt.Sprint(p.Kind, " ", path.Dir(p.Path))]++
	}
	if kinds["foreign 0/other/params"] != 100 || kinds["foreign 0/other"] != 1 || kinds["foreign 0"] != 100 || kinds["foreign ."] != 1 || kinds["unreadable 0/other/tags"+strings.Repeat("/d", 127)] != 1 || len(page.Problems) != 203 {
		t.Errorf("%d problems %v, want 100 of each kind, one for the rest of each and one of the depth", len(page.Problems), kinds)
	}
	for _, run := range page.Runs {
		if run.Info.ID == "other" && run.Data.Tags["d/d/k"] != "v" {
			t.Errorf("the tags are %v, want d/d/k", run.Data.Tags)
		}
	}
	for what, err := range map[string]error{
		"tag":      d.store.SetTag(t.Context(), "run", strings.Repeat("a/", 128)+"k", "v"),
		"artifact": d.store.WriteArtifact(t.Context(), "run", strings.Repeat("a/", 128)+"k", strings.NewReader("x")),
	} {
		if !errors.Is(err, mlruns.ErrInvalid) || !strings.Contains(err.Error(), "129 parts") {
			t.Errorf("%s of 129 parts: %v, want it refused", what, err)
		}
	}
	if err := d.store.SetTag(t.Context(), "run", strings.Repeat("a/", 127)+"k", "v"); err != nil {
		t.Error(err)
	}
	if run, err := d.store.Run(t.Context(), "run"); err != nil || run.Data.Tags[strings.Repeat("a/", 127)+"k"] != "v" {
		t.Errorf("the deepest tag is not read: %v, %v", run, err)
	}
}

// TestValuesTogether has many values that are each as large as can be read.
func TestValuesTogether(t *testing.T) {
	d := newDamaged(t)
	for i := range 20 {
		d.sparse(fmt.Sprint("other/params/p", i), 60<<20)
	}
	var run *mlruns.Run
	var err error
	took := taking(func() { run, err = d.store.Run(t.Context(), "other") })
	t.Logf("%d KiB", took>>10)
	if err != nil || len(run.Problems) != 1 || !strings.Contains(run.Problems[0].Reason, "bytes together") || took > 512<<20 {
		t.Errorf("Run = %v problems, %v, %d bytes of memory; want one about their size, and at most 512 MiB", run.Problems, err, took)
	}
}

// millionFs has a folder with more names than a disk makes in a test's time; each is a small file.
type millionFs struct {
	afero.Fs
	dir  string
	n    int
	name string
}

type millionFolder struct {
	afero.File
	n    int
	name string
}

func (c millionFolder) Readdir(int) ([]fs.FileInfo, error) {
	list := make([]fs.FileInfo, c.n)
	for i := range list {
		list[i] = millionInfo(fmt.Sprintf(c.name, i))
	}
	return list, nil
}

type millionInfo string

func (c millionInfo) Name() string { return string(c) }

func (millionInfo) Size() int64 { return 1 }

func (millionInfo) Mode() fs.FileMode { return 0o666 }

func (millionInfo) ModTime() time.Time { return filestoretest.LongAgo }

func (millionInfo) IsDir() bool { return false }

func (millionInfo) Sys() any { return nil }

func (c millionFs) Open(name string) (afero.File, error) {
	if name == c.dir {
		f, err := c.Fs.Open(name)
		return millionFolder{f, c.n, c.name}, err
	}
	if path.Dir(name) == c.dir {
		data := mem.CreateFile(name)
		f := mem.NewFileHandle(data)
		if _, err := f.WriteString("1 2.0 3\n"); err != nil {
			return nil, err
		}
		_, err := f.Seek(0, 0)
		return f, err
	}
	return c.Fs.Open(name)
}

func (c millionFs) Stat(name string) (fs.FileInfo, error) {
	if path.Dir(name) == c.dir {
		return millionInfo(path.Base(name)), nil
	}
	return c.Fs.Stat(name)
}

// TestCrowdedFolders has a million files in a folder of keys, or fewer, but too many.
func TestCrowdedFolders(t *testing.T) {
	for _, sub := range []string{"params", "metrics"} {
		for name, want := range map[string]string{"p%d": "more than 100000 names", "@%d": "more names are no keys"} {
			names := proof.Choose(150_000, 1_000_000, 1_000_000)
			m := memfs.New()
			s, err := filestore.Open("/mlruns", filestore.WithFs(m), filestore.WithSync(filestore.SyncNever))
			if err != nil {
				t.Fatal(err)
			}
			for _, id := range []string{"run", "other"} {
				if err := errors.Join(filestoretest.ErrOf(s.CreateRun(t.Context(), mlruns.RunSpec{ID: id})), s.LogParam(t.Context(), id, "k", "v")); err != nil {
					t.Fatal(err)
				}
			}
			crowded, err := filestore.Open("/mlruns", filestore.WithReadOnly(), filestore.WithFs(millionFs{Fs: m, dir: "/mlruns/0/other/" + sub, n: names, name: name}))
			if err != nil {
				t.Fatal(err)
			}
			var page *mlruns.RunPage
			took := taking(func() { page, err = crowded.SearchRuns(t.Context(), mlruns.RunQuery{}) })
			t.Logf("%s %s: %d KiB", sub, name, took>>10)
			if err != nil || len(page.Runs) != 2 || len(page.Problems) < 1 || len(page.Problems) > 102 || took > 512<<20 {
				t.Errorf("%s %s: %v, %d problems, %d bytes of memory; want both runs and at most 102 problems and 512 MiB", sub, name, err, len(page.Problems), took)
				continue
			}
			said := false
			for _, p := range page.Problems {
				said = said || strings.Contains(p.Reason, want) && p.Path == "0/other/"+sub
			}
			if !said {
				t.Errorf("%s %s: no problem says %q", sub, name, want)
			}
			for _, run := range page.Runs {
				if run.Info.ID == "run" && run.Data.Params["k"] != "v" {
					t.Errorf("the other run is harmed: %v", run)
				}
			}
		}
	}
}
