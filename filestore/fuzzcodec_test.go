package filestore

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"math"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/afero"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/codec"
	"github.com/mlruns/mlruns/filestore/internal/dir"
	"github.com/mlruns/mlruns/filestore/internal/records"
	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/memfs"
	"github.com/mlruns/mlruns/internal/validate"
)

// goldenSeeds calls add with the files of the golden stores, damaged ones too, that are of a kind,
// each content once.
func goldenSeeds(f *testing.F, add func([]byte), kinds ...layout.Kind) {
	f.Helper()
	archives, err := filepath.Glob("../testdata/golden/*.tar.gz")
	if err != nil || len(archives) == 0 {
		f.Fatal("no golden stores: ", err)
	}
	seen := map[string]bool{}
	for _, archive := range archives {
		if err := eachFile(archive, func(name string, data []byte) {
			_, rel, found := strings.Cut(name, "mlruns/")
			kind := layout.Parse(rel).Kind
			for _, want := range kinds {
				if found && kind == want && len(data) < 4096 && !seen[string(data)] {
					seen[string(data)] = true
					add(data)
				}
			}
		}); err != nil {
			f.Fatal(err)
		}
	}
	if len(seen) < 3 {
		f.Fatalf("%d seeds from the golden stores", len(seen))
	}
}

func eachFile(archive string, use func(name string, data []byte)) error {
	file, err := os.Open(archive)
	if err != nil {
		return err
	}
	defer file.Close()
	unzipped, err := gzip.NewReader(file)
	if err != nil {
		return err
	}
	for r := tar.NewReader(unzipped); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		data, err := io.ReadAll(r)
		if err != nil {
			return err
		}
		if h.Typeflag == tar.TypeReg {
			use(h.Name, data)
		}
	}
}

// values is a document by key, in the form in which it is written.
func values(t *testing.T, d codec.Document) map[string]string {
	t.Helper()
	m := map[string]string{}
	for _, e := range d.Entries {
		one := codec.Document{Entries: []codec.Entry{e}}
		text, err := one.Encode()
		if err != nil {
			t.Fatalf("%q cannot be written: %v", e.Key, err)
		}
		m[e.Key] = string(text)
	}
	return m
}

func FuzzMetaDocument(f *testing.F) {
	goldenSeeds(f, func(data []byte) { f.Add(data) }, layout.ExperimentMeta, layout.RunMeta, layout.DatasetMeta, layout.InputMeta, layout.OutputMeta)
	for _, s := range []string{"", "a: b", "a: 'it''s'\n", "a: &x 1\nb: *x\n", "? a\n: b\n", "a: {b: [c, {d: ~}]}\n", "a: |\n  x\n   y\n", "a: b\na: c\n", "'': x\n", "a: .inf\nb: 0x1F\nc: 1_0\nd: 2020-1-1\n", "a: \"\\uFEFF\"\n", "<<: {a: b}\n", "a: !!str 1\n", "%YAML 1.1\n---\na: b\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		doc, err := codec.ParseDocument(data)
		if flat, ok := codec.ScanFlat(data); ok {
			slow, slowErr := codec.DecodeDocument(data)
			if slowErr != nil {
				t.Fatalf("%q is read by the scanner of flat forms, and by no parser: %v", data, slowErr)
			}
			if diff := cmp.Diff(values(t, slow), values(t, flat)); diff != "" {
				t.Fatalf("%q is read in two ways (-parser +scanner):\n%s", data, diff)
			}
		}
		if err != nil {
			if doc.Entries != nil {
				t.Fatalf("%q: a document with the error %v", data, err)
			}
			return
		}
		again := rewritten(t, doc)
		if diff := cmp.Diff(values(t, doc), values(t, again)); diff != "" {
			t.Fatalf("%q is rewritten as something else (-before +after):\n%s", data, diff)
		}
		checkRunUpdate(t, doc)
		checkExperimentUpdate(t, doc)
	})
}

// rewritten is the document that is read from what the document is written as; the bytes must
// settle.
func rewritten(t *testing.T, doc codec.Document) codec.Document {
	t.Helper()
	text, err := doc.Encode()
	if err != nil {
		t.Fatalf("%v cannot be written: %v", doc, err)
	}
	again, err := codec.ParseDocument(text)
	if len(doc.Entries) == 0 {
		return again
	}
	if err != nil {
		t.Fatalf("%q was written and cannot be read: %v", text, err)
	}
	if twice, err := again.Encode(); err != nil || !bytes.Equal(text, twice) {
		t.Fatalf("%q is written again as %q, %v", text, twice, err)
	}
	return again
}

// checkRunUpdate updates a run's meta.yaml: all that the update is not about stays.
func checkRunUpdate(t *testing.T, doc codec.Document) {
	t.Helper()
	id, _ := doc.Text(codec.KeyRunID)
	experiment, _ := doc.Text(codec.KeyExperimentID)
	info, err := codec.RunInfoOf(&doc, experiment, id)
	if err != nil {
		return
	}
	before := values(t, doc)
	info.Name, info.Status = "renamed", mlruns.StatusFailed
	changed := codec.Document{Entries: append([]codec.Entry(nil), doc.Entries...)}
	codec.SetRunInfo(&changed, info)
	again := rewritten(t, changed)
	got, err := codec.RunInfoOf(&again, experiment, id)
	if err != nil || !reflect.DeepEqual(got, info) {
		t.Fatalf("the run was written as %+v and is read as %+v, %v", info, got, err)
	}
	after := values(t, again)
	for key, value := range before {
		switch key {
		case codec.KeyRunID, codec.KeyRunUUID, codec.KeyRunName, codec.KeyStatus, codec.KeyLifecycleStage, codec.KeyEndTime, codec.KeyDeletedTime:
			continue
		}
		if after[key] != value {
			t.Fatalf("an update of the run changed %q to %q", value, after[key])
		}
	}
}

func checkExperimentUpdate(t *testing.T, doc codec.Document) {
	t.Helper()
	id, _ := doc.Text(codec.KeyExperimentID)
	e, _, err := codec.ExperimentOf(&doc, id, mlruns.StageActive)
	if err != nil {
		return
	}
	before := values(t, doc)
	delete(before, codec.KeyTags) // a copy that nobody reads
	changed := codec.Document{Entries: append([]codec.Entry(nil), doc.Entries...)}
	codec.TouchExperiment(&changed, mlruns.StageActive, time.UnixMilli(1))
	changed.SetString(codec.KeyName, "renamed")
	again := rewritten(t, changed)
	got, _, err := codec.ExperimentOf(&again, id, mlruns.StageActive)
	e.Name, e.Updated = "renamed", time.UnixMilli(1).UTC()
	if e.Created.IsZero() {
		e.Created = e.Updated // as MLflow does
		delete(before, codec.KeyCreationTime)
	}
	if err != nil || !reflect.DeepEqual(got, e) {
		t.Fatalf("the experiment was written as %+v and is read as %+v, %v", e, got, err)
	}
	after := values(t, again)
	for key, value := range before {
		if key != codec.KeyName && key != codec.KeyLastUpdateTime && key != codec.KeyLifecycleStage && after[key] != value {
			t.Fatalf("an update of the experiment changed %q to %q", value, after[key])
		}
	}
}

// oneMetric puts a metric file into memory, as old as one that nobody is writing.
func oneMetric(t *testing.T, data []byte) records.KeyFile {
	t.Helper()
	m := memfs.New()
	old := time.Now().Add(-time.Hour)
	if err := errors.Join(m.MkdirAll("metrics", 0o777), afero.WriteFile(m, "metrics/m", data, 0o666), m.Chtimes("metrics/m", old, old)); err != nil {
		t.Fatal(err)
	}
	folder, err := dir.New(m, "", dir.Options{}).Folder("metrics")
	if err != nil {
		t.Fatal(err)
	}
	return records.KeyFile{Key: "m", Folder: folder, Name: "m", Path: "metrics/m"}
}

// exactPoint is a point whose value is compared bit by bit, NaN too.
type exactPoint struct {
	codec.Point
	bits uint64
}

func exact(p codec.Point) exactPoint {
	bits := math.Float64bits(p.Value)
	p.Value = 0
	return exactPoint{p, bits}
}

// greatest is the first of the points that no other is after.
func greatest(all []exactPoint) (best exactPoint, found bool) {
	valued := func(p exactPoint) codec.Point {
		p.Value = math.Float64frombits(p.bits)
		return p.Point
	}
	for _, p := range all {
		if !found || valued(p).After(valued(best)) {
			best, found = p, true
		}
	}
	return best, found
}

// FuzzMetricFile reads a file whole and piece by piece, with a boundary of the pieces at any byte
// of it: both ways give the same points and problems. Of those points the greatest is the latest,
// which is looked for without reading each value.
func FuzzMetricFile(f *testing.F) {
	goldenSeeds(f, func(data []byte) { f.Add(data, uint16(len(data)/2)) }, layout.Metric)
	for _, s := range []string{"", "\n", "1 2\n", "1 2 3", "1 2.0 3\n1 2.0 3", "1 nan 3 data 1a\n", "   1 2 3\n", "\x00\x00\n", "1 2 3 4\n", "1_0 +1e5 -0\r\n", "1 2 3 \x00 \x00\n", "99999999999999999999 1 1\n", "  ", "1 1 1\n  ", "1\u00a02 3\n", "1 1 1  digest\n", "1 2 1 r\n1 2.0 3 r d 1\n3 3 3 r", "1 2 1\n1 x 0\n1 nan 1\n1 1e999 1\n1 3 1\n", "1 nan 1\n1 5 1\n", "1 5 3\n2 -1e3 3\n2 -1e2 3\n9 9 2\n"} {
		f.Add([]byte(s), uint16(1))
	}
	f.Fuzz(func(t *testing.T, data []byte, at uint16) {
		if len(data) > 64<<10 {
			return
		}
		cut := 0
		if len(data) > 0 {
			cut = int(at) % len(data)
		}
		const sample = "7 7.0 7\n"
		filler := strings.Repeat(" ", 1024-len(sample)) + sample
		pad := strings.Repeat(filler, (records.ChunkSize-cut)/1024)
		if rest := records.ChunkSize - cut - len(pad); rest >= len(sample) {
			pad += strings.Repeat(" ", rest-len(sample)) + sample
		} else {
			pad = strings.Repeat(" ", rest) + pad
		}
		if at%4 != 0 {
			pad = "" // most of the time, for speed
		}
		k := oneMetric(t, append([]byte(pad), data...))
		ctx := context.Background()
		var whole, pieces records.Problems
		var want, got []exactPoint
		atOnce, inPieces := records.Scanner{Path: k.Path, Problems: &whole}, records.Scanner{Path: k.Path, Problems: &pieces}
		if err := atOnce.Read(ctx, k, atOnce.Points(func(p codec.Point) bool { want = append(want, exact(p)); return true })); err != nil {
			t.Fatal(err)
		}
		if err := inPieces.Stream(ctx, k, make([]byte, 0, records.ChunkSize), inPieces.Points(func(p codec.Point) bool { got = append(got, exact(p)); return true })); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b exactPoint) bool { return a == b })); diff != "" {
			t.Fatalf("%q read whole and in pieces (-whole +pieces):\n%s", data, diff)
		}
		if diff := cmp.Diff(whole.List, pieces.List); diff != "" {
			t.Fatalf("%q: problems read whole and in pieces (-whole +pieces):\n%s", data, diff)
		}
		asModel(t, k, data)
		var newest records.Problems
		pt, found, err := records.ReadLatest(ctx, k, &newest)
		if err != nil {
			t.Fatal(err)
		}
		if best, any := greatest(got); found != any || found && exact(pt) != best {
			t.Fatalf("%q: the latest point is %+v (%v), want %+v (%v)", data, exact(pt), found, best, any)
		}
		if diff := cmp.Diff(whole.List, newest.List); diff != "" {
			t.Fatalf("%q: problems met on the way to the latest point (-all +latest):\n%s", data, diff)
		}
		for _, p := range got {
			pt := p.Point
			pt.Value = math.Float64frombits(p.bits)
			line := codec.AppendPoint(nil, pt.Metric("m"))
			back, err := codec.ParsePoint(line[:len(line)-1])
			if err != nil || exact(back) != p {
				t.Fatalf("%+v is written as %q and read as %+v, %v", p, line, back, err)
			}
		}
	})
}

// asModel reads the file as a metric of a logged model, whole and piece by piece.
func asModel(t *testing.T, k records.KeyFile, data []byte) {
	t.Helper()
	var whole, pieces records.Problems
	var want, got []codec.Identity
	atOnce, inPieces := records.Scanner{Path: k.Path, Problems: &whole, OfModel: true}, records.Scanner{Path: k.Path, Problems: &pieces, OfModel: true}
	err := errors.Join(atOnce.Read(t.Context(), k, atOnce.Points(func(p codec.Point) bool { want = append(want, atOnce.Identity(p)); return true })),
		inPieces.Stream(t.Context(), k, make([]byte, 0, records.ChunkSize), inPieces.Points(func(p codec.Point) bool { got = append(got, inPieces.Identity(p)); return true })))
	if err != nil || !reflect.DeepEqual(want, got) || !reflect.DeepEqual(whole.List, pieces.List) {
		t.Fatalf("%q as a model's, whole and in pieces: %v, %d and %d points, %v and %v", data, err, len(want), len(got), whole.List, pieces.List)
	}
}

// FuzzKeyWalk makes a file for a key, if it is one: the walk finds that key and nothing else, and
// no name makes it fail.
func FuzzKeyWalk(f *testing.F) {
	for _, s := range []string{"a", "a/b", "..", "a/../b", ".", "a//b", "é", "a:b", ".DS_Store", "x/.nfs1", "a b", "\xff", "a\\b", "CON", strings.Repeat("a/", 130) + "k"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, key string) {
		legal := validate.Key("key", key) == nil && records.CheckKey("key", key) == nil
		name := path.Join("r/params", key)
		if !strings.HasPrefix(name, "r/params/") || strings.ContainsRune(key, 0) || len(key) > 1000 {
			return
		}
		m := memfs.New()
		if errors.Join(m.MkdirAll(path.Dir(name), 0o777), afero.WriteFile(m, name, []byte("v"), 0o666)) != nil {
			return
		}
		run, err := dir.New(m, "", dir.Options{}).Folder("r")
		if err != nil {
			t.Fatal(err)
		}
		var p records.Problems
		got, err := records.ReadValues(context.Background(), run, "r", layout.Params, &p)
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]string{key: "v"}
		if legal && (!cmp.Equal(got, want) || len(p.List) > 0) {
			t.Fatalf("the key %q is found as %v with the problems %v", key, got, p.List)
		}
		for found := range got {
			if validate.Key("key", found) != nil || path.Join("r/params", found) != name {
				t.Fatalf("%q is found as the key %q", name, found)
			}
		}
		if len(got)+len(p.List) != 1 {
			t.Fatalf("%q is found as %v with the problems %v, want one of either", name, got, p.List)
		}
	})
}

func FuzzModelHistory(f *testing.F) {
	for _, s := range []string{"", "[]", " [ ] ", `[{"a": 1}]`, "[1,2]", "{}", "[", "]", "null", `["]"]`, "[[]]", "[1] x", "\ufeff[]", `[{"run_id": "r", "flavors": {"f": {}}}]`} {
		f.Add(s, `{"x": [1, "a:b, c"]}`)
	}
	f.Fuzz(func(t *testing.T, array, flavor string) {
		record, err := codec.EncodeModel("run", mlruns.ModelRecord{ArtifactPath: "m", Created: time.UnixMilli(1), Flavors: map[string]json.RawMessage{"f": json.RawMessage(flavor)}})
		if err != nil {
			return
		}
		var written struct {
			Flavors map[string]any `json:"flavors"`
		}
		var meant any
		if err := errors.Join(json.Unmarshal([]byte(record), &written), json.Unmarshal([]byte(flavor), &meant)); err != nil || utf8.ValidString(flavor) && !reflect.DeepEqual(written.Flavors["f"], meant) {
			t.Fatalf("the flavor %q is written as %q: %v", flavor, record, err)
		}
		got, err := codec.AddModel(array, record)
		var before, after []json.RawMessage
		if jsonErr := json.Unmarshal([]byte(array), &before); jsonErr != nil || strings.TrimSpace(array) == "null" {
			if err == nil && strings.TrimSpace(array) != "" {
				t.Fatalf("%q is no JSON array, and was made %q", array, got)
			}
			return
		}
		if err != nil {
			t.Fatalf("%q: %v", array, err)
		}
		if err := json.Unmarshal([]byte(got), &after); err != nil || len(after) != len(before)+1 || string(after[len(before)]) != record {
			t.Fatalf("%q became %q (%v), want one element more", array, got, err)
		}
		for i := range before {
			if !bytes.Equal(before[i], after[i]) {
				t.Fatalf("%q became %q, which changed an element", array, got)
			}
		}
	})
}
