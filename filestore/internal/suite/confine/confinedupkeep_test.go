package confine

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/filestore/internal/filestoretest"
	"github.com/mlruns/mlruns/internal/proof"
)

// newConfinedDamaged has in both stores damages that Repair mends and runs that GC removes; both
// were recorded at another place. What stands in the place of another thing gets no upkeep of its
// own by that.
func newConfinedDamaged(t *testing.T, opts ...filestore.Option) *confined {
	t.Helper()
	c := newConfined(t, opts...)
	for dir, value := range map[string]string{c.dir: "1", c.outside: fmt.Sprint(canaryNumber)} {
		for name, content := range map[string]string{
			"0/run/metrics/k": "1 " + value + " 1\nx\n1 " + value + " 1\n2 " + value, "0/run/metrics/k (1)": "5 " + value + " 5\n", "0/run/metrics/d/empty": "", "0/run/params/k (1)": "same",
			"0/run/params/k": "same", "0/run/tags/.DS_Store": "d", "0/run/.mlruns-tmp-1": "t", "0/tags/.DS_Store": "d", "0/.mlruns-tmp-1": "t", ".mlruns.trash/r.00/meta.yaml": "m", ".mlruns.trash/.removed.r.00/k": "k",
		} {
			filestoretest.WriteFile(t, filepath.Join(dir, filepath.FromSlash(name)), content)
		}
		filestoretest.Must(t, os.RemoveAll(filepath.Join(dir, "0", "other", "artifacts")))
		filestoretest.AgeTree(t, dir)
	}
	c.before = filestoretest.Listing(t, c.outside, true)
	return c
}

// upkeep makes every call that is about the whole store, first without a change, and gives what
// they say.
func (c *confined) upkeep(ctx context.Context) string {
	var b strings.Builder
	report := func(p mlruns.Problem) { fmt.Fprintln(&b, p) }
	say := func(what any, err error) { fmt.Fprintf(&b, "%+v %v\n", what, err) }
	for _, dry := range []bool{true, false} {
		for p, err := range c.store.Verify(ctx, mlruns.VerifyQuery{}) {
			say(p, err)
		}
		for r, err := range c.store.Repair(ctx, mlruns.RepairQuery{DryRun: dry}) {
			say([]string{r.Problem.String(), r.Action, r.SavedTo}, err)
		}
		for r, err := range c.store.Relocate(ctx, mlruns.RelocateQuery{DryRun: dry, OnProblem: report}) {
			say(r, err)
		}
		if !dry {
			for _, run := range []string{"run", "other"} {
				say(run, c.store.DeleteRun(ctx, run))
			}
			say("e1", c.store.DeleteExperiment(ctx, "e1"))
		}
		for _, age := range []time.Duration{time.Hour, 0} {
			for r, err := range c.store.GC(ctx, mlruns.GCQuery{OlderThan: age, DryRun: dry, OnProblem: report}) {
				say(r, err)
			}
		}
	}
	return b.String()
}

// keepsUp does the upkeep of a store with something hostile in it.
func (c *confined) keepsUp() {
	c.Helper()
	c.watched("upkeep", c.upkeep)
	c.watched("reading after upkeep", func(ctx context.Context) string { return c.read(ctx, "run", "0", "x") })
	c.untouched()
}

// TestUpkeepIsConfined has nothing to fear but what it finds: without that it does something of
// each kind.
func TestUpkeepIsConfined(t *testing.T) {
	c := newConfinedDamaged(t)
	said := c.upkeep(t.Context())
	for _, want := range []string{"repaired-", "To:file://" + filepath.ToSlash(c.dir) + "/0/run/artifacts", "Path:0/run ", "Path:.trash/e1 ", "Path:.mlruns.trash/.removed.r.00 ", "points only, each once"} {
		if !strings.Contains(said, want) {
			t.Errorf("upkeep says nothing of %q:\n%s", want, said)
		}
	}
	c.keepsUp()
}

func TestUpkeepWithLinksOutOfTheStore(t *testing.T) {
	for name, link := range confinedLinks {
		for _, place := range placesFor(t, name, "absolute", "relative") {
			t.Run(name+"/"+place, func(t *testing.T) {
				t.Parallel()
				c := newConfinedDamaged(t)
				c.clear(place)
				c.link(link(c, place), place)
				c.keepsUp()
			})
		}
	}
}

// TestUpkeepWithLinksInsideTheStore has links to a run that needs no upkeep and so must stay as it
// is.
func TestUpkeepWithLinksInsideTheStore(t *testing.T) {
	for _, link := range proof.Sample(t, linksInside()) {
		place, absolute := link.place, link.absolute
		t.Run(fmt.Sprint(place, absolute), func(t *testing.T) {
			t.Parallel()
			c := newConfinedDamaged(t)
			filestoretest.Must(t, filestoretest.ErrOfAll(c.store.Repair(t.Context(), mlruns.RepairQuery{})), filestoretest.ErrOfAll(c.store.Relocate(t.Context(), mlruns.RelocateQuery{})))
			filestoretest.AgeTree(t, c.dir)
			c.clear(place)
			to, victim := strings.Replace(place, "run", "other", 1), "0/other"
			switch {
			case place == "0":
				to, victim = "e1", "e1"
			case to == place:
				to = victim
			}
			c.linkInside(to, place, absolute)
			before := c.content(victim)
			c.watched("upkeep", func(ctx context.Context) string {
				return fmt.Sprint(filestoretest.ErrOfAll(c.store.Verify(ctx, mlruns.VerifyQuery{})), filestoretest.ErrOfAll(c.store.Repair(ctx, mlruns.RepairQuery{})), filestoretest.ErrOfAll(c.store.Relocate(ctx, mlruns.RelocateQuery{})),
					c.store.DeleteRun(ctx, "run"), filestoretest.ErrOfAll(c.store.GC(ctx, mlruns.GCQuery{})))
			})
			if diff := gocmp.Diff(before, c.content(victim)); diff != "" {
				t.Errorf("%s has changed (-before +after):\n%s", victim, diff)
			}
			c.untouched()
		})
	}
}

// TestRepairThroughALink mends a run where it is, and not by the name of another experiment, whose
// lock guards nothing of it.
func TestRepairThroughALink(t *testing.T) {
	t.Parallel()
	c := newConfinedDamaged(t)
	filestoretest.Must(t, filestoretest.ErrOf(c.store.CreateRun(t.Context(), mlruns.RunSpec{ID: "third", ExperimentID: "e1"})))
	filestoretest.WriteFile(t, filepath.Join(c.dir, "e1", "third", "metrics", "k"), "1 1 1\nx\n")
	c.link("e1", "a") // which is looked at first
	got := map[string]string{}
	for r, err := range c.store.Repair(t.Context(), mlruns.RepairQuery{}) {
		filestoretest.Must(t, err)
		if r.Kind == mlruns.ProblemMalformed {
			got[r.Path] = cmp.Or(r.Action, r.Reason)
		}
	}
	if there, here := got["a/third/metrics/k"], got["e1/third/metrics/k"]; !strings.Contains(there, "'a' is a symbolic link") || !strings.Contains(here, "each once") {
		t.Errorf("through the link: %q, in its place: %q", there, here)
	}
	c.untouched()
}

// TestUpkeepWithATrashOfTheLiving has a link that makes all experiments, or all runs, look as if
// they were deleted, or left by an interrupted write.
func TestUpkeepWithATrashOfTheLiving(t *testing.T) {
	places := map[string]string{".trash": ".", ".trash/living": "0", "living": "0", ".mlruns.trash": "."}
	for _, absolute := range []bool{false, true} {
		for _, opts := range [][]filestore.Option{nil, {filestore.WithLinkTargets(t.TempDir())}} {
			for place, to := range places {
				t.Run(fmt.Sprint(place, len(opts), absolute), func(t *testing.T) {
					t.Parallel()
					c := newConfinedDamaged(t, opts...)
					ctx := t.Context()
					filestoretest.Must(t, filestoretest.ErrOfAll(c.store.Repair(ctx, mlruns.RepairQuery{})), filestoretest.ErrOfAll(c.store.Relocate(ctx, mlruns.RelocateQuery{})), filestoretest.ErrOfAll(c.store.GC(ctx, mlruns.GCQuery{})))
					filestoretest.AgeTree(t, c.dir)
					c.clear(place)
					c.linkInside(to, place, absolute)
					before := c.content("")
					c.watched("upkeep", func(ctx context.Context) string {
						return fmt.Sprint(filestoretest.ErrOfAll(c.store.Verify(ctx, mlruns.VerifyQuery{})), filestoretest.ErrOfAll(c.store.Repair(ctx, mlruns.RepairQuery{})), filestoretest.ErrOfAll(c.store.Relocate(ctx, mlruns.RelocateQuery{})),
							filestoretest.ErrOfAll(c.store.GC(ctx, mlruns.GCQuery{})))
					})
					after := c.content("")
					for name := range before {
						if _, ok := after[name]; !ok {
							t.Errorf("%s is gone", name)
						}
					}
					for _, run := range []string{"run", "other"} {
						if r, err := c.store.Run(ctx, run); err != nil || r.Info.Stage != mlruns.StageActive {
							t.Errorf("the run %s: %+v, %v", run, r, err)
						}
					}
					c.untouched()
				})
			}
		}
	}
}
