package query

import (
	"bytes"
	"fmt"
	"io/fs"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/spf13/afero"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/dir"
	"github.com/mlruns/mlruns/filestore/internal/index"
	"github.com/mlruns/mlruns/filestore/internal/records"
	"github.com/mlruns/mlruns/internal/memfs"
	"github.com/mlruns/mlruns/internal/vfs"
)

// aged is a folder whose files were changed so long before a search, by name; "" is for all others.
// What has no dot in its name is a folder.
type aged struct {
	vfs.Folder
	began time.Time
	ages  map[string]time.Duration
}

func (f aged) Look(folder, name string) (vfs.Identity, error) {
	name = vfs.Below(folder, name)
	age, ok := f.ages[name]
	if !ok {
		age = f.ages[""]
	}
	id := vfs.Identity{Device: 1, Inode: 2, Size: 3, Changed: f.began.Add(-age).UnixNano() + 1}
	if !strings.Contains(name, ".") {
		id.Mode = fs.ModeDir
	}
	return id, nil
}

func agedSession(began time.Time) *session {
	return &session{index: &Index{}, draft: index.NewDraft(""), began: began, device: 1, datasets: map[string]*cachedDatasets{}}
}

func datasetSession(fsys *memfs.FS, began time.Time) *session {
	c := agedSession(began)
	c.searcher = &Searcher{records: &records.Reader{Tree: dir.New(vfs.Adapt(fsys), "/", dir.Options{})}}
	return c
}

func folderOf(t *testing.T, c *session, e records.ExperimentRef) vfs.Folder {
	t.Helper()
	folder, err := c.searcher.records.Tree.Folder(e.Dir)
	if err != nil {
		t.Fatal(err)
	}
	return folder
}

// putDataset makes a data set named n in experiment 0.
func putDataset(t *testing.T, fsys *memfs.FS, id, profile string) {
	t.Helper()
	name := "/0/datasets/" + id
	if err := fsys.MkdirAll(name, 0o777); err != nil {
		t.Fatal(err)
	}
	text := "digest: '1'\nname: n\nprofile: " + profile + "\nschema: null\nsource: s\nsource_type: local\n"
	if err := afero.WriteFile(fsys, name+"/meta.yaml", []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

// TestFreshLinksAreNotKept looks at a run's inputs of which one thing was changed just now.
func TestFreshLinksAreNotKept(t *testing.T) {
	began := time.Now()
	links := []records.Link{{Name: "x"}, {Name: "y"}}
	for name, want := range map[string]bool{"none": true, "r/inputs": false, "r/inputs/x/meta.yaml": false, "r/inputs/y/meta.yaml": false} {
		c, f := agedSession(began), aged{began: began, ages: map[string]time.Duration{"": time.Hour, name: 0}}
		folder, err := c.look(f, "r/inputs", fs.ModeDir)
		if err != nil {
			t.Fatal(err)
		}
		if at := c.lookAtLinks(f, "r/inputs", folder, links); at.stamp == 0 || at.kept != want {
			t.Errorf("fresh %s: %+v, want a stamp, kept %v", name, at, want)
		}
	}
}

// TestFreshDatasetIsNotKept reads a data set whose document was changed just now.
func TestFreshDatasetIsNotKept(t *testing.T) {
	fsys := memfs.New()
	putDataset(t, fsys, "d", "null")
	began, e := time.Now(), records.NewExperimentRef("0", false)
	for age, want := range map[time.Duration]int{time.Hour: 1, 0: 0} {
		c := datasetSession(fsys, began)
		f := aged{Folder: folderOf(t, c, e), began: began, ages: map[string]time.Duration{"": time.Hour, "datasets/d/meta.yaml": age}}
		for range 2 { // the second one is remembered
			if d, err := c.searcher.datasets(c, f)(t.Context(), e, "d"); err != nil || d.Name != "n" {
				t.Errorf("%+v, %v; want n", d, err)
			}
		}
		looks := int64(3 + 3*want) // here reading does not tell what was read
		if got := c.draft.Cells(); got != want || c.looks.Load() != looks || c.opened.Load() != 1 {
			t.Errorf("of the age %v: %d data sets are kept after %d looks and %d opened, want %d, %d and 1", age, got, c.looks.Load(), c.opened.Load(), want, looks)
		}
	}
}

// TestManyDatasetsAreNotRemembered reads more of data sets than a search remembers.
func TestManyDatasetsAreNotRemembered(t *testing.T) {
	fsys, began, e := memfs.New(), time.Now(), records.NewExperimentRef("0", false)
	profile := strings.Repeat("x", 1<<20)
	for i := range 20 {
		putDataset(t, fsys, fmt.Sprint("d", i), profile)
	}
	putDataset(t, fsys, "small", "x")
	c := datasetSession(fsys, began)
	f := aged{Folder: folderOf(t, c, e), began: began, ages: map[string]time.Duration{"": time.Hour}}
	read := c.searcher.datasets(c, f)
	for i := range 20 {
		if d, err := read(t.Context(), e, fmt.Sprint("d", i)); err != nil || d.Profile != profile {
			t.Errorf("data set %d: %v", i, err)
		}
	}
	for range 3 {
		if d, err := read(t.Context(), e, "small"); err != nil || d.Profile != "x" {
			t.Errorf("%+v, %v", d, err)
		}
	}
	if n := len(c.datasets["0"].all); n != 16 || c.shared.Load() > maxShared || c.opened.Load() != 21 {
		t.Errorf("%d data sets of %d bytes are remembered, %d opened; want 16, %d bytes at most, and 21", n, c.shared.Load(), c.opened.Load(), maxShared)
	}
}

// TestPackedInputsComeBack packs what a run can have used and made.
func TestPackedInputsComeBack(t *testing.T) {
	for _, links := range [][]records.Link{
		nil,
		{{Name: "o", ID: "m-1", Step: -3}},
		{{Name: "a", ID: "", Dataset: true, Tags: map[string]string{}}, {Name: "b", ID: "d", Dataset: true, Tags: map[string]string{"k": "ü", "": ""}}, {Name: "c", ID: "m"}},
	} {
		packed := packLinks(links)
		if got, ok := unpackLinks(packed); !ok || !reflect.DeepEqual(got, links) {
			t.Errorf("%+v, %v; want %+v", got, ok, links)
		}
		for end := 1; end < len(packed); end++ {
			if got, ok := unpackLinks(packed[:end]); ok && len(got) >= len(links) {
				t.Errorf("%+v of %d bytes of %d", got, end, len(packed))
			}
		}
	}
	d := mlruns.Dataset{Name: "n", Digest: "d", SourceType: "t", Source: "", Schema: "{}", Profile: "ü"}
	packed := packDataset(d)
	if got, ok := unpackDataset(packed); !ok || got != d {
		t.Errorf("%+v, %v; want %+v", got, ok, d)
	}
	for _, value := range [][]byte{nil, {cellDataset}, packed[:len(packed)-1], append(bytes.Clone(packed), 0), packText("x")} {
		if got, ok := unpackDataset(value); ok {
			t.Errorf("%q is unpacked as %+v", value, got)
		}
	}
}
