package artifacts

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/mlruns/mlruns"
)

// TestLocateAnyForm reads the run's own folder whatever the recorded location is, if that ends as
// the folder's does. What is a place of files is written, too.
func TestLocateAnyForm(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		recorded string
		files    bool // it is a place of files
	}{
		{"s3://bucket/0/r/artifacts", false},
		{"s3://bucket/prefix/0/r/artifacts?x=1#y", false},
		{"dbfs:/mlflow/0/r/artifacts", false},
		{"mlflow-artifacts:/0/r/artifacts", false},
		{"mlflow-artifacts://host:5000/0/r/artifacts", false},
		{"wasbs://c@a.blob.core.windows.net/%30/r/artifacts", false},
		{"file://server/share/mlruns/0/r/artifacts", true},
		{"file://D:/mlruns/0/r/artifacts", true},
		{"file:///D:/mlruns/0/r/artifacts", true},
		{`file:///D:\mlruns\0\r\artifacts`, true},
		{`\\server\share\mlruns\0\r\artifacts`, true},
		{`D:\mlruns\0\r\artifacts`, true},
		{`mlruns\0\r\artifacts`, true},
		{`mlruns\0/r/artifacts`, true},
		{`.\mlruns\0\r\artifacts`, true},
	} {
		for _, full := range []bool{true, false} {
			_ = os.RemoveAll(w.at("new/0/r/artifacts"))
			_ = os.Mkdir(w.at("new/0/r/artifacts"), 0o777)
			if full {
				w.file("new/0/r/artifacts/f", "mine")
			}
			for _, writing := range []bool{false, true} {
				r := w.run(c.recorded)
				r.ForWriting = writing
				p, err := Locate(r)
				if !c.files && (!full || writing) {
					if !errors.Is(err, mlruns.ErrUnsupported) || !strings.Contains(err.Error(), "WithArtifactMapping") {
						t.Errorf("%s, full %v, writing %v: %v, want it unsupported and the option named", c.recorded, full, writing, err)
					}
					continue
				}
				if err != nil {
					t.Errorf("%s, full %v, writing %v: %v", c.recorded, full, writing, err)
					continue
				}
				if p.Folder != "0/r/artifacts" || p.URI != w.uri("new/0/r/artifacts") {
					t.Errorf("%s: the place is %s, %s", c.recorded, p.Folder, p.URI)
				}
				if full && w.read(p) != "mine" {
					t.Errorf("%s: f is %q", c.recorded, w.read(p))
				}
				_ = p.Close()
			}
		}
	}
}

func TestMapping(t *testing.T) {
	for _, c := range []struct {
		// want is the path from the mapping's directory, "-" if it does not fit
		from, location, want string
	}{
		{"mlflow-artifacts:", "mlflow-artifacts:/0/r/artifacts", "0/r/artifacts"},
		{"mlflow-artifacts:", "mlflow-artifacts://host:5000/0/r/artifacts?x#y", "0/r/artifacts"},
		{"mlflow-artifacts:/", "mlflow-artifacts:/0/r/artifacts", "0/r/artifacts"},
		{"mlflow-artifacts:", "mlflow-artifacts:/../../x", "x"},
		{"mlflow-artifacts:", "mlflow-artifacts:/%2e%2e/x", "x"},
		{"mlflow-artifacts:", "MLFLOW-ARTIFACTS:/x", "x"},
		{"mlflow-artifacts:", "mlflow-artifacts:", "."},
		{"mlflow-artifacts:", "s3:/x", "-"},
		{"mlflow-artifacts:", "/x", "-"},
		{"mlflow-artifacts://one", "mlflow-artifacts://two/x", "-"},
		{"s3://bucket", "s3://bucket/a/b", "a/b"},
		{"s3://bucket", "s3://other/a/b", "-"},
		{"s3://bucket/a", "s3://bucket/a/b", "b"},
		{"s3://bucket/a/", "s3://bucket/a", "."},
		{"s3://bucket/a", "s3://bucket/ab", "-"},
		{"s3://bucket/a%3Db", "s3://bucket/a=b/c", "c"},
		{"/old", "file:///old/x", "x"},
		{"file:///old", "/old/x", "x"},
		{"/old", "/older/x", "-"},
		{"/old", "/old/../x", "-"},
		{"/", "/x", "x"},
		{"/", "x", "-"},
		{".", "x/y", "x/y"},
		{".", "./x", "x"},
		{".", "../x", "-"},
		{".", "..", "-"},
		{".", ".", "."},
		{".", `mlruns\0`, "mlruns/0"},
		{".", "/x", "-"},
		{".", "C:/x", "-"},
		{"mlruns", "./mlruns/0", "0"},
		{`C:\old`, "file:///C:/old/x", "x"},
		{"C:/old", `C:\old\x\y`, "x/y"},
		{"C:", `C:\x`, "x"},
		{`\\server\share`, "file://server/share/x", "x"},
		{"file://server/share", `\\server\share\x`, "x"},
		{"file://server/share", "file://other/share/x", "-"},
		{"file://server/share", "/server/share/x", "-"},
		{"file://D:/x", "file:///D:/x/y", "y"},
		{"/x", "", "-"},
	} {
		_, got, ok := Mapped([]Mapping{{From: c.from, Dir: "dir"}}, c.location)
		if !ok {
			got = "-"
		}
		if got != c.want {
			t.Errorf("%q mapped from %q is %q, want %q", c.location, c.from, got, c.want)
		}
	}
	for _, m := range []Mapping{{}, {From: "s3:"}, {Dir: "x"}} {
		if err := m.Check(); !errors.Is(err, mlruns.ErrInvalid) {
			t.Errorf("Check of %+v: %v, want it refused", m, err)
		}
	}
}

// FuzzMapping holds a mapping to its directory, whatever was recorded.
func FuzzMapping(f *testing.F) {
	for _, s := range []string{"mlflow-artifacts:/../x", "s3://b/%2e%2e/x", "../x", `..\x`, "file://h/../x", "C:/x", "//x", "a/../../x", "%2e%2e/x", "file:///%00"} {
		f.Add("mlflow-artifacts:", s)
		f.Add(".", s)
		f.Add(s, s+"/y")
	}
	f.Fuzz(func(t *testing.T, from, location string) {
		_, rel, ok := Mapped([]Mapping{{From: from, Dir: "dir"}}, location)
		if ok && (rel == ".." || strings.HasPrefix(rel, "../") || strings.HasPrefix(rel, "/")) {
			t.Errorf("%q mapped from %q is %q, which is not in the directory", location, from, rel)
		}
	})
}

// TestLocateMapped reads and writes in the directory of a mapping, and the run's own folder only
// where that has files and the mapped place has none.
func TestLocateMapped(t *testing.T) {
	for _, writing := range []bool{false, true} {
		w := newWorld(t)
		_ = os.MkdirAll(w.at("arts/0/r/artifacts"), 0o777)
		w.file("arts/0/r/artifacts/f", "mapped")
		for _, c := range []struct {
			recorded, own, want, uri string
			mapping                  Mapping
		}{
			{"mlflow-artifacts:/0/r/artifacts", "", "mapped", w.uri("arts/0/r/artifacts"), Mapping{"mlflow-artifacts:", w.at("arts")}},
			{"mlflow-artifacts:/0/r/artifacts", "mine", "mapped", w.uri("arts/0/r/artifacts"), Mapping{"mlflow-artifacts:", w.at("arts")}},
			{"mlflow-artifacts:/none/r/artifacts", "mine", "mine", w.uri("new/0/r/artifacts"), Mapping{"mlflow-artifacts:", w.at("arts")}},
			{"mlflow-artifacts:/none/r/artifacts", "", "", w.uri("arts/none/r/artifacts"), Mapping{"mlflow-artifacts:", w.at("arts")}},
			{"arts/0/r/artifacts", "mine", "mapped", w.uri("arts/0/r/artifacts"), Mapping{".", w.at(".")}},
			{`D:\0\r\artifacts`, "mine", "mapped", w.uri("arts/0/r/artifacts"), Mapping{"D:", w.at("arts")}},
		} {
			_ = os.RemoveAll(w.at("new/0/r/artifacts"))
			_ = os.Mkdir(w.at("new/0/r/artifacts"), 0o777)
			if c.own != "" {
				w.file("new/0/r/artifacts/f", c.own)
			}
			r := w.run(c.recorded)
			r.Mappings, r.ForWriting = []Mapping{c.mapping}, writing
			p, err := Locate(r)
			if err != nil {
				t.Errorf("%s: %v", c.recorded, err)
				continue
			}
			if got := w.read(p); got != c.want || p.URI != c.uri || writing && !p.Writable {
				t.Errorf("%s: f is %q at %q, writable %v; want %q at %q", c.recorded, got, p.URI, p.Writable, c.want, c.uri)
			}
			if writing {
				if err := p.Repository(true).Write(t.Context(), "g", strings.NewReader("new")); err != nil {
					t.Errorf("%s: %v", c.recorded, err)
				}
			}
			_ = p.Close()
		}
	}
	w := newWorld(t)
	r := w.run("mlflow-artifacts:/0/r/artifacts")
	r.Mappings = []Mapping{{"mlflow-artifacts:", w.at("missing")}}
	if _, err := Locate(r); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "is mapped to") {
		t.Errorf("a directory that is missing: %v", err)
	}
}

// TestOutsideAdvice tells how each kind of location could be opened, with words that work for that
// kind.
func TestOutsideAdvice(t *testing.T) {
	w := newWorld(t)
	for recorded, advice := range map[string]string{
		w.uri("out/here"):       "Allow a directory above it with WithArtifactRoots",
		"out/here":              `WithArtifactMapping(".", dir)`,
		"../out":                `relative`,
		`C:\out\here`:           "WithArtifactMapping(location, dir)",
		`\\server\share\x`:      "WithArtifactMapping(location, dir)",
		"s3://b/x":              "WithArtifactMapping(location, dir)",
		"file://server/share/x": "not a valid remote uri",
	} {
		if _, err := Locate(w.run(recorded)); err == nil || !strings.Contains(err.Error(), advice) {
			t.Errorf("%s: %v, want %q in it", recorded, err, advice)
		}
	}
}

// TestDownloadToARelativeFolder gives an absolute path, as MLflow does.
func TestDownloadToARelativeFolder(t *testing.T) {
	w := newWorld(t)
	w.file("new/0/r/artifacts/f", "mine")
	p, err := Locate(w.run(""))
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	t.Chdir(w.at("."))
	if err := os.Mkdir("to", 0o777); err != nil {
		t.Fatal(err)
	}
	for artifact, want := range map[string]string{"f": "to/f", "": "to"} {
		if got, err := p.Repository(false).Download(t.Context(), artifact, "to"); err != nil || got != w.at(want) {
			t.Errorf("Download of %q: %q, %v; want %q", artifact, got, err, w.at(want))
		}
	}
	if _, err := p.Repository(false).Download(t.Context(), "f", "missing"); !errors.Is(err, mlruns.ErrNotFound) || !strings.HasSuffix(err.Error(), w.at("missing")) {
		t.Errorf("to a missing folder: %v, want its absolute path named", err)
	}
}
