package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/internal/proof"
	"github.com/mlruns/mlruns/server"
	"github.com/mlruns/mlruns/transfer"
)

// TestCopyKilled kills "mlruns copy" at a random moment, again and again, until one gets to its
// end, from a folder and from a server, to a folder and to a server: the destination is then what
// an undisturbed copy makes of it, no run and no point twice and none missing.
func TestCopyKilled(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	src := filepath.Join(root, "src")
	makeCopied(t, src)
	for _, d := range []struct {
		name                   string
		fromServer, intoServer bool
	}{{name: "merge"}, {name: "push", intoServer: true}, {name: "pull", fromServer: true}, {name: "server to server", fromServer: true, intoServer: true}} {
		t.Run(d.name, func(t *testing.T) {
			from := src
			if d.fromServer {
				from = servedFolder(t, src)
			}
			// copied gives the name of a new destination, and what is there.
			n := 0
			copied := func() (name string, says func() map[string]string) {
				n++
				dir := filepath.Join(root, fmt.Sprint(d.name, n))
				if name = dir; d.intoServer {
					name = servedFolder(t, dir)
				}
				return name, func() map[string]string { return saysOf(t, dir) }
			}
			undisturbed, says := copied()
			begun := time.Now()
			if text, err := copying(root, from, undisturbed).CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, text)
			}
			took := time.Since(begun)
			want := says()
			killed, random := 0, proof.Rand(t)
			for range proof.Choose(1, 5, 40) {
				dst, says := copied()
				for tries, ended := 0, false; !ended; tries++ {
					if tries > 1000 {
						t.Fatal("it does not get to its end")
					}
					cmd := copying(root, from, dst)
					var told bytes.Buffer
					cmd.Stdout, cmd.Stderr = &told, &told
					if err := cmd.Start(); err != nil {
						t.Fatal(err)
					}
					// later and later: a copy that begins again each time has to show it
					time.Sleep(time.Duration(random.Int64N(int64(took) * int64(10+tries) / 10)))
					_ = cmd.Process.Kill()
					switch err := cmd.Wait(); {
					case err == nil:
						ended = true
					case cmd.ProcessState.ExitCode() > exitFailed || cmd.ProcessState.ExitCode() == exitFailed && runtime.GOOS != "windows": // whose killed end like this
						t.Fatalf("it was not killed, and %v: %s", err, &told)
					default:
						killed++
					}
				}
				if diff := cmp.Diff(want, says()); diff != "" {
					t.Errorf("(-undisturbed +killed):\n%s", diff)
				}
				if text, err := copying(root, from, dst).CombinedOutput(); err != nil || !strings.Contains(string(text), "0 runs created, 0 united") {
					t.Errorf("once more: %v: %s", err, text)
				}
			}
			t.Logf("%d killed", killed)
		})
	}
}

// copying is the command "mlruns copy" whose locks lie in a folder of the test's own.
func copying(root string, args ...string) *exec.Cmd {
	cmd := exec.Command("mlruns", append([]string{"copy"}, args...)...)
	cmd.Env = append(os.Environ(), "HOME="+root, "XDG_CACHE_HOME="+root, "LocalAppData="+root)
	return cmd
}

// servedFolder starts a server over a folder.
func servedFolder(t *testing.T, dir string) string {
	t.Helper()
	s, err := filestore.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	h := httptest.NewServer(server.New(s))
	t.Cleanup(func() {
		h.Close()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return h.URL
}

func makeCopied(t *testing.T, dir string) {
	t.Helper()
	s, err := filestore.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	ctx := t.Context()
	for i := range 10 {
		r, err := s.CreateRun(ctx, mlruns.RunSpec{ID: fmt.Sprint("run", i), Name: "n", Start: time.UnixMilli(1)})
		if err != nil {
			t.Fatal(err)
		}
		var b mlruns.Batch
		for step := range int64(50) {
			b.Metrics = append(b.Metrics, mlruns.Metric{Key: fmt.Sprint("m", step%5), Step: step, Value: float64(step), Time: time.UnixMilli(step + 1)})
		}
		b.Params = []mlruns.Param{{Key: "p", Value: "v"}}
		if err := s.LogBatch(ctx, r.Info.ID, b); err != nil {
			t.Fatal(err)
		}
		for f := range 5 {
			if err := s.WriteArtifact(ctx, r.Info.ID, fmt.Sprint("d/f", f), strings.NewReader(strings.Repeat("x", 1000*f))); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.EndRun(ctx, r.Info.ID, 0, time.UnixMilli(2)); err != nil {
			t.Fatal(err)
		}
		trace := mlruns.Trace{ID: fmt.Sprint("tr-", i), State: mlruns.TraceOK, Start: time.UnixMilli(3), End: time.UnixMilli(5), Metadata: map[string]string{mlruns.TraceMetadataRun: r.Info.ID}}
		trace.Assessments = []json.RawMessage{json.RawMessage(fmt.Sprintf(`{"assessment_id":"a-%d","assessment_name":"n","feedback":{"value":1}}`, i))}
		if _, err := s.ImportTrace(ctx, trace); err != nil {
			t.Fatal(err)
		}
		if err := s.WriteTraceArtifact(ctx, trace.ID, "traces.json", strings.NewReader(`{"spans":[]}`)); err != nil {
			t.Fatal(err)
		}
	}
}

// saysOf is what a store says of its runs and traces, by the ids that they had first, and that
// Verify finds nothing but what the killed left.
func saysOf(t *testing.T, dir string) map[string]string {
	t.Helper()
	s, err := filestore.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	ctx, all, ids := t.Context(), map[string]string{}, map[string]string{}
	add := func(key, text string) {
		if all[key] != "" {
			t.Errorf("%s is there twice", key)
		}
		all[key] = text
	}
	for r, err := range s.Runs(ctx, mlruns.RunQuery{}) {
		if err != nil {
			t.Fatal(err)
		}
		id := r.Info.ID
		if first := r.Data.Tags[transfer.TagSourceRun]; first != "" {
			r.Info.ID = first
			ids[id] = first
			for _, tag := range []string{transfer.TagSourceRun, transfer.TagSourceExperiment, transfer.TagPushed} {
				delete(r.Data.Tags, tag)
			}
		}
		r.Info.ArtifactURI = ""
		add(r.Info.ID, fmt.Sprintf("%+v", *r))
		for key := range r.Data.Metrics {
			points := ""
			for m, err := range s.MetricHistory(ctx, id, key, mlruns.HistoryQuery{}) {
				points += fmt.Sprintln(m, err)
			}
			add(r.Info.ID+" "+key, points)
		}
		files, err := s.Artifacts(ctx, id, "d")
		add(r.Info.ID+" files", fmt.Sprint(files, err))
	}
	for trace, err := range s.Traces(ctx, mlruns.TraceQuery{}) {
		if err != nil {
			t.Fatal(err)
		}
		if first := ids[trace.Metadata[mlruns.TraceMetadataRun]]; first != "" {
			trace.Metadata[mlruns.TraceMetadataRun] = first
		}
		trace.ArtifactLocation = ""
		delete(trace.Tags, mlruns.TagTraceArtifactLocation)
		spans, err := s.TraceData(ctx, trace.ID)
		add(trace.ID, fmt.Sprintf("%+v %s %v %s", *trace, spans, err, trace.Assessments))
	}
	for p, err := range s.Verify(ctx, mlruns.VerifyQuery{}) {
		if err != nil || p.Kind != mlruns.ProblemLeftover {
			t.Errorf("Verify: %v, %v", p, err)
		}
	}
	return all
}
