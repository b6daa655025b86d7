package filestoretest

import (
	"regexp"
	"testing"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
)

var ArtifactURILine = regexp.MustCompile(`(?m)^artifact_uri: .*$`)

// RelocateAll gives what a Relocate yields, by path, and its error.
func RelocateAll(t testing.TB, s *filestore.Store, q mlruns.RelocateQuery) (map[string]mlruns.Relocation, error) {
	t.Helper()
	got := map[string]mlruns.Relocation{}
	var err error
	for r, yielded := range s.Relocate(t.Context(), q) {
		if err = yielded; err == nil {
			got[r.Path] = r
		}
	}
	return got, err
}

// MetaWith is the meta.yaml of the run r in the experiment 7, or of the experiment, with a location
// and a key that nobody knows.
func MetaWith(key, location string) string {
	text := "experiment_id: '7'\nzz_future: 1\n" + key + ": '" + location + "'\n"
	if key == "artifact_uri" {
		return text + "run_id: r\nrun_uuid: r\nend_time: null\nlifecycle_stage: active\nrun_name: n\nstatus: 1\nstart_time: 1\nuser_id: u\n"
	}
	return text + "name: seven\nlifecycle_stage: active\n"
}
