package filestore_test

import (
	"errors"
	"path"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/afero"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/filestore/internal/filestoretest"
)

// TestVerifyNamesLeftoversAndDuplicates puts into a store what interrupted writes and copied
// folders leave.
func TestVerifyNamesLeftoversAndDuplicates(t *testing.T) {
	f := filestoretest.NewFaulty(t, false, filestore.SyncMeta)
	meta := f.Content("/mlruns/e1/meta.yaml")
	for name, content := range map[string]string{
		"/mlruns/.mlruns.trash/e2.00/meta.yaml":  meta,
		"/mlruns/e1/.mlruns-tmp-experiment":      "",
		"/mlruns/e1/run/.mlruns-tmp-run":         "",
		"/mlruns/.trash/e1/meta.yaml":            meta,
		"/mlruns/.trash/e1/.mlruns-tmp-in-trash": "",
	} {
		f.Must(f.FS.MkdirAll(path.Dir(name), 0o777))
		f.Must(afero.WriteFile(f.FS, name, []byte(content), 0o666))
	}
	got := map[string]mlruns.ProblemKind{}
	for p, err := range f.Store.Verify(f.Ctx, mlruns.VerifyQuery{}) {
		f.Must(err)
		if p.Kind == mlruns.ProblemLeftover || p.Kind == mlruns.ProblemDuplicate {
			got[p.Path] = p.Kind
		}
	}
	want := map[string]mlruns.ProblemKind{
		".mlruns.trash/e2.00":            mlruns.ProblemLeftover,
		"e1/.mlruns-tmp-experiment":      mlruns.ProblemLeftover,
		"e1/run/.mlruns-tmp-run":         mlruns.ProblemLeftover,
		".trash/e1/.mlruns-tmp-in-trash": mlruns.ProblemLeftover,
		".trash/e1":                      mlruns.ProblemDuplicate,
		".trash/e1/meta.yaml":            mlruns.ProblemDuplicate,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

// TestDeleteBesideTheSameInTheTrash refuses to move an experiment onto what is in the trash under
// its id.
func TestDeleteBesideTheSameInTheTrash(t *testing.T) {
	for name, inTrash := range map[string]string{"empty": "/mlruns/.trash/e1", "not empty": "/mlruns/.trash/e1/run"} {
		t.Run(name, func(t *testing.T) {
			f := filestoretest.NewFaulty(t, false, filestore.SyncMeta)
			f.Must(f.FS.MkdirAll(inTrash, 0o777))
			if err := f.Store.DeleteExperiment(f.Ctx, "e1"); !errors.Is(err, mlruns.ErrExists) {
				t.Errorf("error %v, want %v", err, mlruns.ErrExists)
			}
			f.Content("/mlruns/e1/meta.yaml")
		})
	}
}

// TestVerifyNamesWhatIsCutOff cuts a run's meta.yaml behind each line and in the last one. What the
// readers take for whole is named, with the keys that are lost.
func TestVerifyNamesWhatIsCutOff(t *testing.T) {
	d := filestoretest.NewPatient(t, func(f afero.Fs) afero.Fs { return f })
	meta, err := afero.ReadFile(d.Mem, "/mlruns/e1/run/meta.yaml")
	d.Must(err)
	for lost, behind := range map[string]string{"start_time, status, user_id": "\nstart_time:", "status, user_id": "\nstatus:", "user_id": "\nuser_id:", "": "\x00"} {
		cut, _, _ := strings.Cut(strings.TrimSuffix(string(meta), "\n"), behind)
		for _, end := range []string{"\n", ""} {
			d.Write(map[string]string{"e1/run/meta.yaml": cut + end})
			run, err := d.Store.Run(t.Context(), "run")
			if err != nil || run.Problems != nil {
				t.Errorf("lost %q: a reader gives %v, %v", lost, run, err)
			}
			found := filestoretest.Problems(t, d.Store)
			if lost == "" && end == "\n" {
				if found != nil {
					t.Errorf("a whole one: %v", found)
				}
				continue
			}
			if len(found) != 1 || found[0].Kind != mlruns.ProblemIncompleteMeta || found[0].Path != "e1/run/meta.yaml" || found[0].Repairable ||
				lost != "" && !strings.Contains(found[0].Reason, "lacks "+lost+", of which defaults are shown") || strings.Contains(found[0].Reason, "newline") != (end == "") {
				t.Errorf("lost %q, end %q: %v", lost, end, found)
			}
		}
	}
}
