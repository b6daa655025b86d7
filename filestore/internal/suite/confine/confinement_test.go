package confine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/filestoretest"
	"github.com/mlruns/mlruns/internal/proof"
)

// hostileNames lead, in one reading or another, to the file k of a run outside; up is the way from
// the artifacts of a run to the folder that both stores are in. As with every name, link and
// location of these tests, whatever reading a defect may give one, it leads into the folder of the
// test or to nothing: calls that write and delete are made with it.
func hostileNames(outside string) []string {
	const up = "../../../../"
	to := "outside/0/run/artifacts/k"
	abs := filepath.ToSlash(outside) + "/0/run/artifacts/k"
	list := []string{
		up + to, "../../../" + to, "../" + up + to, "d/../" + up + to, "./" + up + to, "../other/artifacts/k", "../meta.yaml", "../../..", "..", ".", "./k", "//" + abs, abs, "/../" + abs,
		"file:" + abs, "file://" + abs, "file:///" + abs, "file:////" + abs, "file://localhost" + abs, "FILE://" + abs, "File:" + abs, "dbfs:" + abs, "dbfs:/" + up + to, "s3://b/" + up + to, "runs:/run/" + up,
		`..\..\..\..\outside\0\run\artifacts\k`, `\..\..\..\..\outside\0\run\artifacts\k`, `C:\outside`, "C:/outside", "C:outside", `\\host\share\k`, `\\?\C:\outside`, `\\.\pipe\x`,
		"k\x00", "\x00", "k\x00/" + up + to, "k#", "k#/" + up + to, "k?", "k?/" + up + to, "a?/a", "k;" + up + to, "k;/../../" + up + to, "#" + up + to, "?" + up + to, ";" + up + to,
		"/proc/self/root" + abs, "//proc/self/root" + abs, "~/k", "$HOME", "${PWD}/k", "k\n../" + up, "\u2025/\u2025/" + to, "..\u2215..\u2215outside", "\uff0e\uff0e/" + to,
		strings.Repeat("../", 100) + abs, strings.Repeat("a/", 3000) + "k", strings.Repeat("x", 5000), strings.Repeat("../", 50_000) + abs, strings.Repeat("a/../", 1000) + up + to,
	}
	for _, escaped := range []string{"%2e%2e%2f", "%2e%2e/", "..%2f", "%2E%2E%2F", "..%5c", "%252e%252e%252f", "..%252f", "%25252e%25252e%25252f", "..%c0%af", "%c0%ae%c0%ae/", "..%00/", "%u002e%u002e/"} {
		list = append(list, strings.Repeat(escaped, 4)+to)
	}
	return append(list, strings.ReplaceAll(abs, "/", "%2f"), strings.ReplaceAll(abs, "/", "%252F"))
}

// TestHostileArguments puts names that lead out of the store into every call that takes a key, an
// id or a path.
func TestHostileArguments(t *testing.T) {
	c := newConfined(t)
	c.inside()
	for i, name := range proof.Sample(t, hostileNames(c.outside)) {
		label := fmt.Sprintf("%.40q", name)
		c.watched("reading with the path "+label, func(ctx context.Context) string { return c.readAt(ctx, "run", name) })
		c.watched("writing with the path "+label, func(ctx context.Context) string { return c.writeAt(ctx, "run", "0", name) })
		c.watched("the run "+label, func(ctx context.Context) string {
			return fmt.Sprint(filestoretest.ErrOf(c.store.Run(ctx, name)), filestoretest.ErrOf(c.store.Artifacts(ctx, name, "k")), filestoretest.ErrOf(c.store.OpenArtifact(ctx, name, "k")), c.store.WriteArtifact(ctx, name, "k", strings.NewReader("new")),
				filestoretest.ErrOf(c.store.DownloadArtifacts(ctx, name, "", filepath.Join(c.top, "downloads"))), c.store.DeleteArtifacts(ctx, name, ""), c.store.DeleteRun(ctx, name), c.store.RestoreRun(ctx, name),
				c.store.SetTag(ctx, name, "k", "v"), filestoretest.ErrOfAll(c.store.RunInfos(ctx, name, 0)))
		})
		c.watched("the experiment "+label, func(ctx context.Context) string {
			return fmt.Sprint(filestoretest.ErrOf(c.store.Experiment(ctx, name)), filestoretest.ErrOf(c.store.ExperimentByName(ctx, name)), c.store.SetExperimentTag(ctx, name, "k", "v"), c.store.DeleteExperiment(ctx, name),
				c.store.RestoreExperiment(ctx, name), c.store.RenameExperiment(ctx, name, "x"), filestoretest.ErrOf(c.store.CreateRun(ctx, mlruns.RunSpec{ExperimentID: name})), filestoretest.ErrOf(c.store.CreateRun(ctx, mlruns.RunSpec{ID: name})))
		})
		c.watched("the location "+label, func(ctx context.Context) string {
			id := fmt.Sprint("at", i)
			run := id + "run"
			err := errors.Join(filestoretest.ErrOf(c.store.CreateExperiment(ctx, mlruns.ExperimentSpec{ID: id, Name: id, ArtifactLocation: name})), filestoretest.ErrOf(c.store.CreateRun(ctx, mlruns.RunSpec{ID: run, ExperimentID: id})))
			return fmt.Sprint(err) + c.readAt(ctx, run, "0/run/artifacts/k") + fmt.Sprint(c.store.WriteArtifact(ctx, run, "k", strings.NewReader("new")), c.store.DeleteArtifacts(ctx, run, ""))
		})
		if t.Failed() {
			break
		}
	}
	c.untouched()
}

// confinedPlaces are what can be replaced in the store, from its root.
var confinedPlaces = []string{
	"0/run", "0/run/meta.yaml", "0/run/metrics", "0/run/metrics/k", "0/run/metrics/d", "0/run/params", "0/run/params/k", "0/run/params/d", "0/run/tags", "0/run/tags/k", "0/run/tags/mlflow.runName",
	"0/run/artifacts", "0/run/artifacts/k", "0/run/artifacts/d", "0/run/inputs", "0/run/outputs", "0/run/outputs/model", "0/run/.mlruns.lock", "0", "0/meta.yaml", "0/tags", "0/tags/k", "0/datasets",
	".trash", ".trash/gone", ".mlruns.trash", ".mlruns.lock", ".mlruns.0.lock", "e1",
}

// placesFor draws from all places for the names that are thorough and from one of each sort for the
// others, for time.
func placesFor(t *testing.T, name string, thorough ...string) []string {
	if slices.Contains(thorough, name) {
		return proof.Sample(t, confinedPlaces)
	}
	return proof.Sample(t, []string{"0/run", "0/run/metrics/k", "0/run/artifacts", "0/run/.mlruns.lock", "0/meta.yaml", ".trash"})
}

// confinedLinks give what a link in a place leads to: where they can, the same place outside.
var confinedLinks = map[string]func(c *confined, place string) string{
	"absolute": func(c *confined, place string) string { return filepath.Join(c.outside, filepath.FromSlash(place)) },
	"relative": func(_ *confined, place string) string { return way(place) + "outside/" + place },
	"through the root": func(c *confined, place string) string {
		return "/proc/self/root" + filepath.Join(c.outside, filepath.FromSlash(place))
	},
	"chain": func(c *confined, place string) string {
		c.link("../outside", "step")
		return strings.TrimSuffix(way(place), "../") + "step/" + place
	},
	"missing":   func(_ *confined, place string) string { return way(place) + "outside/made-by-us" },
	"loop":      func(_ *confined, place string) string { return filepath.Base(place) },
	"all of it": func(_ *confined, place string) string { return strings.TrimSuffix(way(place), "/") },
}

// way is the way from the folder of a place up to the folder of the store.
func way(place string) string { return strings.Repeat("../", strings.Count(place, "/")+1) }

func (c *confined) link(to, place string) {
	c.Helper()
	if err := os.Symlink(filepath.FromSlash(to), filepath.Join(c.dir, filepath.FromSlash(place))); err != nil {
		c.Skip(err)
	}
}

// linkInside makes a link to another place of the store.
func (c *confined) linkInside(to, place string, absolute bool) {
	c.Helper()
	if absolute {
		c.link(filepath.Join(c.dir, filepath.FromSlash(to)), place)
		return
	}
	c.link(strings.TrimSuffix(way(place), "../")+to, place)
}

// clear makes room for something else.
func (c *confined) clear(place string) {
	c.Helper()
	if err := os.RemoveAll(filepath.Join(c.dir, filepath.FromSlash(place))); err != nil {
		c.Fatal(err)
	}
}

func TestLinksOutOfTheStore(t *testing.T) {
	for name, link := range confinedLinks {
		for _, place := range placesFor(t, name, "absolute", "relative") {
			t.Run(name+"/"+place, func(t *testing.T) {
				t.Parallel()
				c := newConfined(t)
				c.clear(place)
				c.link(link(c, place), place)
				c.exercise("run", "0", "x")
			})
		}
	}
}

// linkInside is a link of the store to another place of it.
type linkInside struct {
	place    string
	absolute bool
}

// linksInside are links of both sorts in every place.
func linksInside() (list []linkInside) {
	for _, place := range confinedPlaces {
		list = append(list, linkInside{place, false}, linkInside{place, true})
	}
	return list
}

// TestLinksInsideTheStore has links to another run or experiment of the same store: the operating
// system lets them pass, so it is for the store to write nothing through them.
func TestLinksInsideTheStore(t *testing.T) {
	for _, link := range proof.Sample(t, linksInside()) {
		place, absolute := link.place, link.absolute
		t.Run(fmt.Sprint(place, absolute), func(t *testing.T) {
			t.Parallel()
			c := newConfined(t)
			c.clear(place)
			to, victim := strings.Replace(place, "run", "other", 1), "0/other"
			switch place {
			case "0", "0/meta.yaml", "0/tags", "0/tags/k", "0/datasets", ".mlruns.0.lock":
				to, victim = strings.Replace(place, "0", "e1", 1), "e1"
			case ".trash", ".mlruns.trash", ".mlruns.lock", ".trash/gone":
				to, victim = "0/other", "0/other"
			case "e1":
				to, victim = "0", "0/other"
			}
			c.linkInside(to, place, absolute)
			var before map[string]string
			if victim != "e1" { // which is deleted, restored where that can be, and so rewritten
				before = c.content(victim)
			}
			ctx := t.Context()
			c.watched("reading", func(context.Context) string { return c.read(ctx, "run", "0", "x") })
			c.watched("writing", func(context.Context) string { return c.write(ctx, "run", "0", "x") })
			if before != nil {
				if diff := cmp.Diff(before, c.content(victim)); diff != "" {
					t.Errorf("%s has changed (-before +after):\n%s", victim, diff)
				}
			}
			c.untouched()
		})
	}
}

// TestTrashThatIsALink deletes and makes nothing into another experiment.
func TestTrashThatIsALink(t *testing.T) {
	for place, calls := range map[string]func(ctx context.Context, c *confined) []error{
		".trash": func(ctx context.Context, c *confined) []error {
			return []error{c.store.DeleteExperiment(ctx, "e1"), c.store.RestoreExperiment(ctx, "gone")}
		},
		".mlruns.trash": func(ctx context.Context, c *confined) []error {
			return []error{filestoretest.ErrOf(c.store.CreateExperiment(ctx, mlruns.ExperimentSpec{Name: "new"})), filestoretest.ErrOf(c.store.CreateRun(ctx, mlruns.RunSpec{ExperimentID: "e1"})),
				c.store.LogOutputs(ctx, "run", mlruns.Outputs{Models: []mlruns.ModelOutput{{ModelID: "new"}}})}
		},
	} {
		c := newConfined(t)
		if err := os.Rename(filepath.Join(c.dir, filepath.FromSlash(place)), filepath.Join(c.dir, "0", "elsewhere")); err != nil {
			t.Fatal(err)
		}
		c.link("0/elsewhere", place)
		before := c.content("")
		for i, err := range calls(t.Context(), c) {
			if !errors.Is(err, mlruns.ErrOutside) || !strings.Contains(err.Error(), place) {
				t.Errorf("%s is a link: call %d = %v, want ErrOutside that names it", place, i, err)
			}
		}
		if diff := cmp.Diff(before, c.content("")); diff != "" {
			t.Errorf("%s is a link: the store has changed (-before +after):\n%s", place, diff)
		}
	}
}

// content is the listing of a place without lock files.
func (c *confined) content(place string) map[string]string {
	c.Helper()
	list := filestoretest.Listing(c.T, filepath.Join(c.dir, filepath.FromSlash(place)), true)
	for name := range list {
		if strings.HasSuffix(name, ".lock") {
			delete(list, name)
		}
	}
	return list
}

// TestSwapWhileReadingAndWriting swaps folders of a run for links that lead out while the run is
// read and written: only the operating system can hold that.
func TestSwapWhileReadingAndWriting(t *testing.T) {
	for _, place := range []string{"0/run", "0/run/metrics", "0/run/tags", "0/run/artifacts", "0/run/artifacts/d", ".mlruns.trash"} {
		t.Run(place, func(t *testing.T) {
			t.Parallel()
			c := newConfined(t)
			c.link(way(place)+"outside/"+place, place+"-link")
			at := func(suffix string) string { return filepath.Join(c.dir, filepath.FromSlash(place)) + suffix }
			stop := make(chan struct{})
			var swapper sync.WaitGroup
			var swaps atomic.Int64
			swapper.Go(func() {
				for cycle := 0; ; cycle++ {
					select {
					case <-stop:
						_ = os.Rename(at("-link"), at("-gone"))
						return
					default:
						before := swaps.Load()
						for _, step := range [][2]string{{"", "-real"}, {"-link", ""}, {"", "-link"}, {"-real", ""}} {
							if os.Rename(at(step[0]), at(step[1])) == nil {
								swaps.Add(1)
							}
						}
						if swaps.Load() == before { // the store has made the place anew meanwhile
							_ = os.Rename(at(""), at(fmt.Sprint("-anew", cycle)))
						}
					}
				}
			})
			// On a busy machine the swapper may hardly have had its turn after eight.
			for round := 0; round < 8 || swaps.Load() < 100 && round < 500; round++ {
				c.watched("reading", func(ctx context.Context) string { return c.read(ctx, "run", "0", "d/k") })
				c.watched("writing", func(ctx context.Context) string {
					return fmt.Sprint(c.store.LogMetric(ctx, "run", mlruns.Metric{Key: "k"}), c.store.SetTag(ctx, "run", "k", "v"), c.store.WriteArtifact(ctx, "run", "d/k", strings.NewReader("new")),
						c.store.DeleteTag(ctx, "run", "k"), c.store.DeleteArtifacts(ctx, "run", "d"), c.store.WriteArtifact(ctx, "run", "k", strings.NewReader("new")),
						c.store.EndRun(ctx, "run", 0, filestoretest.LongAgo), filestoretest.ErrOf(c.store.CreateRun(ctx, mlruns.RunSpec{})))
				})
			}
			close(stop)
			swapper.Wait()
			if n := swaps.Load(); n < 100 {
				t.Errorf("swapped %d times only", n)
			}
			c.untouched()
		})
	}
}
