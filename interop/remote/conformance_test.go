//go:build interop

package remote

import (
	"bytes"
	"maps"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/internal/storetest"
	"github.com/mlruns/mlruns/remote"
)

// Variables by which this program, started again, is told to run the conformance suite alone.
const (
	envURI = "MLRUNS_CONFORMANCE_URI"
)

// TestSuite is the conformance suite over a server that is running, for TestServers.
func TestSuite(t *testing.T) {
	uri := os.Getenv(envURI)
	if uri == "" {
		t.Skip("it is run by TestServers")
	}
	s := &server{uri: uri, toReset: os.NewFile(3, "reset"), reset: newLines(os.NewFile(4, "done"))}
	storetest.Run(t, func(t *testing.T) mlruns.Store {
		s.empty(t)
		store, err := remote.Open(t.Context(), uri, remote.WithRetries(3, 20*time.Millisecond))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { store.Close() })
		return newAliased(store)
	})
}

var failed = regexp.MustCompile(`(?m)^ {8}--- FAIL: TestSuite/(\S+)`)

// TestServers does with each server all that is tested here.
func TestServers(t *testing.T) {
	eachServer(t, func(t *testing.T, s *server) {
		t.Run("conformance", func(t *testing.T) { conformance(t, s) })
		if s.version == fastTrackML { // it has no registry and takes no files
			return
		}
		t.Run("registry", func(t *testing.T) { s.empty(t); registry(t, s) })
		t.Run("artifacts", func(t *testing.T) { s.empty(t); artifacts(t, s) })
		t.Run("lost answers", func(t *testing.T) { s.empty(t); lostAnswers(t, s) })
		if !older(s.version, "3.0") {
			t.Run("points of one place", func(t *testing.T) { s.empty(t); onePlace(t, s) })
		}
		t.Run("round trip", func(t *testing.T) { roundTrip(t, s) })
	})
}

// conformance runs the conformance suite. What fails is what the table of differences names, no
// more and no less.
func conformance(t *testing.T, s *server) {
	cmd := exec.Command(os.Args[0], "-test.run=^TestSuite$", "-test.timeout=20m")
	cmd.Env = append(os.Environ(), envURI+"="+s.uri)
	cmd.ExtraFiles = s.files
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	runErr := cmd.Run()
	got := map[string]bool{}
	for _, m := range failed.FindAllStringSubmatch(out.String(), -1) {
		got[m[1]] = true
	}
	if runErr == nil != (len(got) == 0) {
		t.Fatalf("the suite did not run: %v\n%s", runErr, out.String())
	}
	for _, name := range slices.Sorted(maps.Keys(got)) {
		said := about(out.String(), name)
		if d, known := s.difference(name); !known {
			t.Errorf("%s fails, and no difference is known:\n%.1500s", name, said)
		} else if line := d.unknown(said); line != "" {
			t.Errorf("%s fails otherwise than is known: %s\n%.1500s", name, line, said)
		} else {
			t.Logf("%s: %s", name, d.why)
		}
	}
	for _, d := range s.differences() {
		if d.of(s) && !d.sometimes && !slices.ContainsFunc(slices.Collect(maps.Keys(got)), func(name string) bool { return d.scenario == name }) {
			t.Errorf("%s passes, and is told to differ: %s", d.scenario, d.why)
		}
	}
}

// about gives what the suite said of a scenario.
func about(out, name string) string {
	_, rest, _ := strings.Cut(out, "        --- FAIL: TestSuite/"+name+" (")
	said, _, _ := strings.Cut(rest, "\n        --- ")
	said, _, _ = strings.Cut(said, "\n    --- ")
	return said
}
