package transfer_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/internal/faultfs"
	"github.com/mlruns/mlruns/internal/memfs"
	"github.com/mlruns/mlruns/internal/proof"
	"github.com/mlruns/mlruns/transfer"
)

// past gives the source and a destination with a common past: a run of which the destination has a
// part, and one that it lacks.
func past(t testing.TB) (src *filestore.Store, fs *memfs.FS) {
	ctx := context.Background()
	src, fs = open(t), memfs.New()
	dst := openAt(t, "/mlruns", filestore.WithFs(fs))
	for _, s := range []*filestore.Store{src, dst} {
		must(t, errOf(s.CreateRun(ctx, mlruns.RunSpec{ID: "both", Name: "both", Start: at(5), User: "u"})))
		must(t, s.LogBatch(ctx, "both", mlruns.Batch{Metrics: []mlruns.Metric{point("loss", 1, 1)}, Params: []mlruns.Param{{Key: "past", Value: "1"}}}))
	}
	must(t, src.LogBatch(ctx, "both", mlruns.Batch{Metrics: []mlruns.Metric{point("loss", 2, 2), point("new", 2, 2)}, Params: []mlruns.Param{{Key: "s", Value: "1"}},
		Tags: []mlruns.Tag{{Key: "s", Value: "1"}}}))
	must(t, src.LogInputs(ctx, "both", mlruns.Inputs{Datasets: []mlruns.DatasetInput{{Dataset: mlruns.Dataset{Name: "d", Digest: "1", SourceType: "local", Source: "{}"}}}}))
	must(t, src.EndRun(ctx, "both", 0, at(9)))
	must(t, errOf(src.CreateExperiment(ctx, mlruns.ExperimentSpec{ID: "e", Name: "e", Tags: map[string]string{"k": "v"}})))
	must(t, errOf(src.CreateRun(ctx, mlruns.RunSpec{ID: "new", Name: "new", ExperimentID: "e", Start: at(5)})))
	must(t, src.LogBatch(ctx, "new", mlruns.Batch{Metrics: []mlruns.Metric{point("loss", 1, 1)}, Params: []mlruns.Param{{Key: "p", Value: "1"}}}))
	must(t, src.WriteArtifact(ctx, "new", "a/b", strings.NewReader("content")))
	must(t, errOf(src.ImportTrace(ctx, mlruns.Trace{ID: "tr-1", ExperimentID: "e", State: mlruns.TraceOK, Start: at(5), End: at(6), Metadata: map[string]string{mlruns.TraceMetadataRun: "new"},
		Assessments: []json.RawMessage{json.RawMessage(`{"assessment_id":"a-1","assessment_name":"n","feedback":{"value":1}}`)}})))
	must(t, src.WriteTraceArtifact(ctx, "tr-1", "traces.json", strings.NewReader(`{"spans":[]}`)))
	must(t, src.EndRun(ctx, "new", 0, at(9)), src.DeleteRun(ctx, "new"))
	return src, fs
}

// A copy that fails at any operation of the destination, or ends there, tells it, leaves a sound
// store, and copied again gives what an undisturbed copy gives.
func TestMergeResumes(t *testing.T) {
	src, fs := past(t)
	q := transfer.Query{Deleted: true}
	undisturbed := openAt(t, "/mlruns", filestore.WithFs(fs.CrashClone(nil)))
	copyAll(t, undisturbed, src, q)
	want := snapshot(t, undisturbed)
	for name, fault := range map[string]func(int) faultfs.Injector{"one fails": func(i int) faultfs.Injector { return faultfs.FailAt(i, nil) }, "dead": func(i int) faultfs.Injector { return faultfs.FailFrom(i, nil) }} {
		t.Run(name, func(t *testing.T) {
			failed, step := 0, proof.Choose(9, 3, 1)
			for i := proof.Rand(t).IntN(step); ; i += step {
				clone, hit := fs.CrashClone(nil), false
				fault := fault(i)
				dst, err := filestore.Open("/mlruns", filestore.WithFs(faultfs.New(clone, func(op faultfs.Op) error {
					err := fault(op)
					hit = hit || err != nil
					return err
				})), filestore.WithMustExist())
				var told error
				if err == nil {
					for it, err := range transfer.Copy(context.Background(), dst, src, q) {
						told = errors.Join(told, err, it.Err)
					}
					_ = dst.Close()
				}
				if !hit {
					break
				}
				if told != nil {
					failed++
				}
				after := openAt(t, "/mlruns", filestore.WithFs(clone))
				sound(t, after)
				copyAll(t, after, src, q)
				if diff := cmp.Diff(want, snapshot(t, after)); diff != "" {
					t.Fatalf("failed at %d with %v (-want +got):\n%s", i, told, diff)
				}
				sound(t, after)
			}
			if failed < 100/step {
				t.Errorf("only %d faults were told", failed)
			}
		})
	}
}
