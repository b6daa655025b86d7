package confine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/filestore/internal/filestoretest"
)

// cves are MLflow's, each with the same attack on a store of ours.
var cves = []struct {
	id     string
	attack func(c *confined)
}{
	{"CVE-2023-1176", func(c *confined) { c.refusedPaths(c.abs("k"), "/"+c.abs("k"), "///"+c.abs("k")) }},
	{"CVE-2023-1177", func(c *confined) { c.refusedSources("/etc", c.outside, "file://"+c.outside) }},
	{"CVE-2023-2356", func(c *confined) { c.refusedSources("../../outside", "x/../../../outside") }},
	{"CVE-2023-2780", func(c *confined) {
		c.refusedSources(`\..\..\outside`, `file:\..\..\outside`)
		c.keptInside(`\..\..\..\..\outside\0\run\artifacts\k`, `..\..\..\..\outside\0\run\artifacts\k`)
	}},
	{"CVE-2023-3765", func(c *confined) { c.refusedPaths(`//./`+c.abs("k"), c.abs("d")) }},
	{"CVE-2023-6753", func(c *confined) { c.refusedPaths("../../../../outside/0/run/artifacts/k"); c.notFetched() }},
	{"CVE-2023-6831", func(c *confined) { c.refusedPaths("..", "../..", "../../../../outside", "d/../../../../../outside") }},
	{"CVE-2023-6909", func(c *confined) {
		c.refusedLocations("http:///?/../../../../outside/0/run/artifacts", "file://"+c.dir+"?/../../outside", "file://"+c.top+"?/../.."+c.outside)
	}},
	{"CVE-2023-6976", func(c *confined) {
		c.refusedPaths("../../../../outside/new", c.abs("new"), "d/../../new/../../../../outside/new")
	}},
	{"CVE-2023-6977", func(c *confined) {
		c.refusedPaths("//proc/self/root"+c.abs("k"), "/proc/self/root"+c.abs("k"))
	}},
	{"CVE-2024-1483", func(c *confined) {
		c.refusedLocations("http:///#/../../../../outside/0/run/artifacts", "#/../../outside", "file://"+c.top+"#"+c.outside)
		c.keptBelow("file://" + c.dir + "#/../../outside")
	}},
	{"CVE-2024-1560", func(c *confined) {
		c.keptInside("%2e%2e/%2e%2e/%2e%2e/%2e%2e/outside", "%252e%252e%252f%252e%252e%252f%252e%252e%252f%252e%252e%252foutside", "..%252f..%252f..%252f..%252foutside")
	}},
	{"CVE-2024-1593", func(c *confined) {
		c.keptInside(";/k", "k;..", "d;x/k")
		c.refusedPaths("k;/../../../../../outside/0/run/artifacts/k")
		c.refusedLocations("file://"+c.dir+";/../../outside", "http://h/;/../../../outside")
	}},
	{"CVE-2024-3848", func(c *confined) {
		c.keptInside("#", "k#fragment")
		c.refusedPaths("k#/../../../../../outside/0/run/artifacts/k")
		c.refusedLocations("http:///a#/../../../../outside", "dbfs:///a#/../../outside")
	}},
	{"CVE-2024-8859", func(c *confined) {
		c.keptInside("a?/a")
		c.refusedLocations("dbfs:/", "dbfs:/../../outside", "dbfs://"+c.outside)
	}},
	{"CVE-2025-11201", func(c *confined) { c.recordedOnly(); c.refusedSources("../../outside", c.outside) }},
	{"CVE-2025-10279", (*confined).noSharedTemp},
	{"CVE-2026-2614", func(c *confined) { c.refusedSources("/etc/passwd", "file:///", "models:/../x/1", "runs:/run/../../..") }},
	{"CVE-2026-4137", (*confined).noSharedTemp},
	{"ZDI-CAN-26649", (*confined).plantedRuns},
}

func TestMLflowCVEs(t *testing.T) {
	for _, row := range cves {
		t.Run(row.id, func(t *testing.T) {
			c := newConfined(t)
			c.inside()
			row.attack(c)
			c.untouched()
		})
	}
}

// abs is the absolute path of an artifact outside.
func (c *confined) abs(name string) string {
	return filepath.ToSlash(c.outside) + "/0/run/artifacts/" + name
}

// refusedPaths wants an error from each call with an artifact path that leads out.
func (c *confined) refusedPaths(paths ...string) {
	c.Helper()
	ctx := c.Context()
	for _, p := range paths {
		f, err := c.store.OpenArtifact(ctx, "run", p)
		if f != nil {
			f.Close()
		}
		for verb, err := range map[string]error{
			"open": err, "list": filestoretest.ErrOf(c.store.Artifacts(ctx, "run", p)), "download": filestoretest.ErrOf(c.store.DownloadArtifacts(ctx, "run", p, filepath.Join(c.top, "downloads"))),
			"write": c.store.WriteArtifact(ctx, "run", p, strings.NewReader("new")), "log": c.store.LogArtifact(ctx, "run", filepath.Join(c.dir, "0", "meta.yaml"), p),
			"log a folder": c.store.LogArtifacts(ctx, "run", filepath.Join(c.top, "local"), p), "delete": c.store.DeleteArtifacts(ctx, "run", p),
		} {
			if !errors.Is(err, mlruns.ErrInvalid) && !errors.Is(err, mlruns.ErrOutside) {
				c.Errorf("%s %q: %v, want it refused", verb, p, err)
			}
		}
	}
}

// keptInside wants a path that only means something to who decodes it or parses a URL to be a plain
// name among the run's artifacts, or to be refused where it begins like a way upwards, and on
// Windows.
func (c *confined) keptInside(paths ...string) {
	c.Helper()
	ctx := c.Context()
	for _, p := range paths {
		err := c.store.WriteArtifact(ctx, "run", p, strings.NewReader("new"))
		if errors.Is(err, mlruns.ErrInvalid) && (strings.HasPrefix(p, "..") || runtime.GOOS == "windows") {
			continue
		}
		if err != nil {
			c.Errorf("write %q: %v", p, err)
		}
		if data, err := os.ReadFile(filepath.Join(c.dir, "0", "run", "artifacts", filepath.FromSlash(p))); string(data) != "new" || err != nil {
			c.Errorf("%q was written as %q, %v; want it in the run's folder under its own name", p, data, err)
		}
		c.watched("reading "+p, func(ctx context.Context) string { return c.readAt(ctx, "run", p) })
		if err := c.store.DeleteArtifacts(ctx, "run", p); err != nil {
			c.Errorf("delete %q: %v", p, err)
		}
		if _, err := os.Stat(filepath.Join(c.dir, "0", "run", "artifacts", "k")); err != nil {
			c.Errorf("deleting %q: %v", p, err)
		}
	}
}

// refusedLocations records artifact locations, as a caller and as a stranger who edits meta.yaml,
// and wants nothing outside of the store to be opened.
func (c *confined) refusedLocations(locations ...string) {
	c.Helper()
	ctx := c.Context()
	for i, location := range locations {
		id := fmt.Sprint("e", i, "x")
		run := id + "run"
		err := filestoretest.ErrOf(c.store.CreateExperiment(ctx, mlruns.ExperimentSpec{ID: id, Name: id, ArtifactLocation: location}))
		if err == nil {
			err = filestoretest.ErrOf(c.store.CreateRun(ctx, mlruns.RunSpec{ID: run, ExperimentID: id}))
		}
		if err == nil {
			err = c.store.WriteArtifact(ctx, run, "k", strings.NewReader("new"))
		}
		if err == nil || mlruns.CodeOf(err) == "" {
			c.Errorf("writing at the location %q: %v, want it refused", location, err)
		}
		c.setLocation(location)
		c.watched("reading at "+location, func(ctx context.Context) string {
			return c.readAt(ctx, "run", "") + c.readAt(ctx, "run", "k") + c.readAt(ctx, "run", "0/run/artifacts/k")
		})
		if err := c.store.WriteArtifact(ctx, "run", "k", strings.NewReader("new")); err == nil || mlruns.CodeOf(err) == "" {
			c.Errorf("writing at the recorded location %q: %v, want it refused", location, err)
		}
	}
}

// keptBelow makes an experiment with a location that is the store's directory, whatever else it
// seems to say, and wants its artifacts to be there.
func (c *confined) keptBelow(location string) {
	c.Helper()
	ctx := c.Context()
	err := errors.Join(filestoretest.ErrOf(c.store.CreateExperiment(ctx, mlruns.ExperimentSpec{ID: "below", Name: "below", ArtifactLocation: location})),
		filestoretest.ErrOf(c.store.CreateRun(ctx, mlruns.RunSpec{ID: "belowrun", ExperimentID: "below"})), c.store.WriteArtifact(ctx, "belowrun", "k", strings.NewReader("new")))
	if data, readErr := os.ReadFile(filepath.Join(c.dir, "belowrun", "artifacts", "k")); string(data) != "new" || err != nil {
		c.Errorf("writing at the location %q: %v; in the store is %q, %v", location, err, data, readErr)
	}
}

// setLocation makes the run's meta.yaml say that its artifacts are elsewhere.
func (c *confined) setLocation(uri string) {
	c.Helper()
	name := filepath.Join(c.dir, "0", "run", "meta.yaml")
	meta, err := os.ReadFile(name)
	if err != nil {
		c.Fatal(err)
	}
	line := "artifact_uri: '" + strings.ReplaceAll(uri, "'", "''") + "'"
	if err := os.WriteFile(name, filestoretest.ArtifactURILine.ReplaceAllLiteral(meta, []byte(line)), 0o666); err != nil {
		c.Fatal(err)
	}
	// what is fresh and makes no sense is read again after a pause
	if err := os.Chtimes(name, filestoretest.LongAgo, filestoretest.LongAgo); err != nil {
		c.Fatal(err)
	}
}

// refusedSources wants every call of the model registry to be unsupported, wherever the source of a
// version is.
func (c *confined) refusedSources(sources ...string) {
	c.Helper()
	client := mlruns.NewClient(c.store)
	for _, source := range sources {
		err := filestoretest.ErrOf(client.CreateModelVersion(c.Context(), "m", source, "run"))
		_, uriErr := client.ModelVersionDownloadURI(c.Context(), "m", "1")
		for _, err := range []error{err, uriErr} {
			if !errors.Is(err, mlruns.ErrUnsupported) || mlruns.CodeOf(err) != mlruns.CodeFeatureDisabled {
				c.Errorf("a model version from %q: %v, want it unsupported", source, err)
			}
		}
	}
}

// notFetched logs a data set that is elsewhere and reads it again: its source is a text. That there
// is nothing to fetch it with, TestReachesNothing shows.
func (c *confined) notFetched() {
	c.Helper()
	ctx := c.Context()
	source := `{"url": "http://127.0.0.1:1/..\\..\\outside"}`
	d := mlruns.Dataset{Name: "elsewhere", Digest: "1", SourceType: "http", Source: source}
	if err := c.store.LogInputs(ctx, "run", mlruns.Inputs{Datasets: []mlruns.DatasetInput{{Dataset: d}}}); err != nil {
		c.Fatal(err)
	}
	run, err := c.store.Run(ctx, "run")
	if err != nil {
		c.Fatal(err)
	}
	for _, in := range run.Inputs.Datasets {
		if in.Dataset == d {
			return
		}
	}
	c.Errorf("the data sets are %+v, want %+v among them as it was logged", run.Inputs.Datasets, d)
}

// recordedOnly records a model at a path that leads out: it is a text in a tag, and no model is
// ever loaded.
func (c *confined) recordedOnly() {
	c.Helper()
	before := filestoretest.ReadTree(c.T, c.dir)
	if err := c.store.RecordLoggedModel(c.Context(), "run", mlruns.ModelRecord{ArtifactPath: "../../outside"}); err != nil {
		c.Fatal(err)
	}
	var got []string
	for _, change := range filestoretest.Changes(before, filestoretest.ReadTree(c.T, c.dir)) {
		if !strings.HasSuffix(change, ".lock") {
			got = append(got, change)
		}
	}
	if diff := cmp.Diff([]string{"+ 0/run/tags/mlflow.log-model.history"}, got); diff != "" {
		c.Errorf("recording a model changed (-want +got):\n%s", diff)
	}
}

// noSharedTemp makes every write with an empty folder for temporary files, which stays so: what is
// half made lies in the store.
func (c *confined) noSharedTemp() {
	c.Helper()
	temp := c.TempDir()
	c.Setenv("TMPDIR", temp)
	c.watched("writing", func(ctx context.Context) string { return c.write(ctx, "run", "0", "x") })
	if entries, err := os.ReadDir(temp); err != nil || len(entries) > 0 {
		c.Errorf("the folder for temporary files has %v, %v", entries, err)
	}
}

// TestHostileArtifactURIs has a run's meta.yaml name other places for its artifacts.
func TestHostileArtifactURIs(t *testing.T) {
	for _, roots := range [][]string{nil, {"allowed"}} {
		c := newConfined(t)
		c.inside()
		var opts []filestore.Option
		for _, root := range roots {
			opts = append(opts, filestore.WithArtifactRoots(filepath.Join(c.dir, root)))
		}
		store, err := filestore.Open(c.dir, append(opts, filestore.WithMustExist())...)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = store.Close() })
		c.store = store
		out, dir := filepath.ToSlash(c.outside), filepath.ToSlash(c.dir)
		if err := filestoretest.ErrOfAll(c.store.Relocate(t.Context(), mlruns.RelocateQuery{})); err != nil {
			t.Fatal(err)
		}
		other := c.content("0/other")
		for _, uri := range []string{
			out, out + "/0/run/artifacts", out + "/0/run/artifacts/", out + "/0/run", out + "/0/run/artifacts/.", out + "/0/run/artifacts/../artifacts", "file:" + out, "file://" + out, "FILE://" + out, "File:" + out + "/0/run/artifacts", "file:///" + out,
			"file:////" + out, "file://localhost" + out, "file://localhost.evil" + out, "file://127.0.0.1" + out, "file://user@localhost" + out, "file://evil" + out, "file://." + out, "file:" + out + "?x", "file:" + out + "#x",
			"file:" + out + "/0/run/artifacts#/0/run/artifacts", "file:" + out + "?/0/run/artifacts", "file:" + out + "/%2e%2e/outside", "file:" + out + "%2f0%2frun%2fartifacts", "../../outside", "../../../../outside/0/run/artifacts", "file:../../outside", "./outside", "outside",
			c.top, "file://" + filepath.ToSlash(c.top), "", "~", ".", "..", "/proc/self/root" + out, "/proc/self/cwd/x", dir, dir + "/0", dir + "/0/run", dir + "/0/other", dir + "/0/other/artifacts", "file://" + dir + "/0/other/artifacts", dir + "/0/run/artifacts/../../other/artifacts", dir + "/.mlruns.trash",
			dir + "/allowed/../0/other/artifacts", dir + "/allowed/../../outside", "file://" + dir + "/allowed/%2e%2e/%2e%2e/outside", dir + "/allowedx", dir + "/0/other/0/run/artifacts", `C:\outside`, `C:/0/run/artifacts`, `\\host\share\0\run\artifacts`,
			dir + "/run/artifacts/../../0/other/artifacts", dir + "/.trash/gone/run/artifacts", dir + "/0/other/artifacts/run/artifacts", dir + "/0/other/params/run/artifacts", dir + "/0/tags/run/artifacts", dir + "/.mlruns.trash/run/artifacts",
			"dbfs:" + out, "s3://b/0/run/artifacts", "s3:" + out, "runs:/other", "mlflow-artifacts:/../x", "http://h/0/run/artifacts", "x" + strings.Repeat("/..", 3000) + out, "a\tb", "file:\x00" + out,
		} {
			c.setLocation(uri)
			label := fmt.Sprintf("%.60q", uri)
			c.watched("reading at "+label, func(ctx context.Context) string {
				return c.readAt(ctx, "run", "") + c.readAt(ctx, "run", "k") + c.readAt(ctx, "run", "0/run/artifacts/k") + c.readAt(ctx, "run", "meta.yaml") + fmt.Sprint(c.store.ArtifactRoot(ctx, "run"))
			})
			c.watched("writing at "+label, func(ctx context.Context) string {
				return fmt.Sprint(c.store.WriteArtifact(ctx, "run", "meta.yaml", strings.NewReader("new")), c.store.LogArtifacts(ctx, "run", filepath.Join(c.top, "local"), "d"), c.store.DeleteArtifacts(ctx, "run", "k"), c.store.DeleteArtifacts(ctx, "run", ""))
			})
			c.watched("upkeep at "+label, func(ctx context.Context) string {
				return fmt.Sprint(filestoretest.ErrOfAll(c.store.Verify(ctx, mlruns.VerifyQuery{})), filestoretest.ErrOfAll(c.store.Repair(ctx, mlruns.RepairQuery{})), filestoretest.ErrOfAll(c.store.Relocate(ctx, mlruns.RelocateQuery{})), filestoretest.ErrOfAll(c.store.GC(ctx, mlruns.GCQuery{})))
			})
			if c.Failed() {
				t.Fatalf("the location is %s", label)
			}
		}
		if diff := cmp.Diff(other, c.content("0/other")); diff != "" {
			t.Errorf("the other run has changed (-before +after):\n%s", diff)
		}
		if meta, err := os.ReadFile(filepath.Join(c.dir, "0", "run", "meta.yaml")); err != nil || bytes.Equal(meta, []byte("new")) {
			t.Errorf("the run's meta.yaml is %q, %v", meta, err)
		}
		c.untouched()
	}
}

// TestSecurityIsDocumented holds docs/security.md and the table of CVEs to each other.
func TestSecurityIsDocumented(t *testing.T) {
	text, err := os.ReadFile(filestoretest.InModule("docs", "security.md"))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]bool{}
	for _, row := range cves {
		want[row.id] = true
	}
	for line := range strings.Lines(string(text)) {
		for _, test := range filestoretest.TestNames.FindAllString(line, -1) {
			if !filestoretest.HasTest(t, test) {
				t.Errorf("docs/security.md names %s, which does not exist", test)
			}
		}
		cells := strings.Split(line, "|")
		if len(cells) != 6 || !strings.Contains(line, "CVE-20") && !strings.Contains(line, "ZDI-CAN-") {
			continue
		}
		id := strings.TrimSpace(cells[1])
		if !want[id] || !strings.Contains(cells[4], "TestMLflowCVEs/"+id) {
			t.Errorf("the row %q of docs/security.md is of no attack that TestMLflowCVEs/%s makes, or does not name it", id, id)
		}
		delete(want, id)
	}
	for id := range want {
		t.Errorf("docs/security.md has no row for %s", id)
	}
}
