package remote_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/mlruns/mlruns"
)

// TestNothingIsLeftOut: a server of MLflow before 3 takes a point with its data set and answers
// that all is well, and keeps the point alone. It is not sent there.
func TestNothingIsLeftOut(t *testing.T) {
	for version, ok := range map[string]bool{"": false, "2.22.1": false, "3.1.4": true, "3.3.2+mlruns.dev": true, "<html>": true} {
		logged, versions := 0, 0
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch {
			case r.URL.Path != "/version":
				logged++
				fmt.Fprint(w, "{}")
			case version == "":
				http.NotFound(w, r)
			default:
				versions++
				fmt.Fprint(w, version)
			}
		}))
		store := open(t, s.URL)
		point := mlruns.Metric{Key: "m", DatasetName: "d", DatasetDigest: "1"}
		for _, err := range []error{
			store.LogMetric(t.Context(), "r", point),
			store.LogBatch(t.Context(), "r", mlruns.Batch{Metrics: []mlruns.Metric{{Key: "a"}, {Key: "b", ModelID: "m-1"}}}),
			store.LogInputs(t.Context(), "r", mlruns.Inputs{Models: []mlruns.ModelInput{{ModelID: "m-1"}}}),
		} {
			if (err == nil) != ok || !ok && (!errors.Is(err, mlruns.ErrUnsupported) || !strings.Contains(err.Error(), "leave out")) {
				t.Errorf("version %q: %v", version, err)
			}
		}
		if want := map[bool]int{true: 3}[ok]; logged != want || versions > 1 {
			t.Errorf("version %q: %d writes, want %d; the version was asked for %d times", version, logged, want, versions)
		}
		if err := store.LogMetric(t.Context(), "r", mlruns.Metric{Key: "m"}); err != nil {
			t.Errorf("version %q: a plain point: %v", version, err)
		}
		s.Close()
	}
}
