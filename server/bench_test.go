package server_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/server"
)

// bench is a server over a store on disk, with a run of 10 metrics and 10 params.
type bench struct {
	*testing.B
	url, run string
	http     *http.Client
}

func newBench(b *testing.B) *bench {
	b.Helper()
	store, err := filestore.Open(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	run, err := store.CreateRun(b.Context(), mlruns.RunSpec{})
	if err != nil {
		b.Fatal(err)
	}
	var batch mlruns.Batch
	for i := range 10 {
		batch.Metrics = append(batch.Metrics, mlruns.Metric{Key: fmt.Sprintf("metric-%d", i), Value: 0.5})
		batch.Params = append(batch.Params, mlruns.Param{Key: fmt.Sprintf("param-%d", i), Value: "0.5"})
	}
	if err := store.LogBatch(b.Context(), run.Info.ID, batch); err != nil {
		b.Fatal(err)
	}
	web := httptest.NewServer(server.New(store))
	b.Cleanup(func() {
		web.Close()
		if err := store.Close(); err != nil {
			b.Error(err)
		}
	})
	return &bench{b, web.URL, run.Info.ID, &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}}
}

func (b *bench) post(call string, body []byte) {
	res, err := b.http.Post(b.url+"/api/2.0/mlflow/"+call, "application/json", bytes.NewReader(body))
	if err != nil {
		b.Error(err)
		return
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		b.Errorf("%s is answered %d %s, %v", call, res.StatusCode, text, err)
	}
}

func BenchmarkServeLogMetric(tb *testing.B) {
	for _, clients := range []int{1, 16} {
		tb.Run(fmt.Sprintf("clients=%d", clients), func(tb *testing.B) {
			b := newBench(tb)
			body := fmt.Appendf(nil, `{"run_uuid":%[1]q,"run_id":%[1]q,"key":"loss","value":0.25,"timestamp":1700000000000,"step":7}`, b.run)
			b.ResetTimer()
			b.SetParallelism((clients + 1) / 2)
			if clients == 1 {
				for range b.N {
					b.post("runs/log-metric", body)
				}
				return
			}
			b.RunParallel(func(p *testing.PB) {
				for p.Next() {
					b.post("runs/log-metric", body)
				}
			})
		})
	}
}

func BenchmarkServeLogBatch(tb *testing.B) {
	b := newBench(tb)
	body := fmt.Appendf(nil, `{"run_id":%q,"metrics":[`, b.run)
	for i := range 1000 {
		if i > 0 {
			body = append(body, ',')
		}
		body = fmt.Appendf(body, `{"key": "training_loss", "value": 0.12345678901234567, "timestamp": 1795750774318, "step": %d}`, i)
	}
	body = append(body, `]}`...)
	for b.Loop() {
		b.post("runs/log-batch", body)
	}
}

func BenchmarkServeGetRun(tb *testing.B) {
	b := newBench(tb)
	for b.Loop() {
		res, err := b.http.Get(b.url + "/api/2.0/mlflow/runs/get?run_id=" + b.run)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, res.Body); err != nil || res.StatusCode != http.StatusOK {
			b.Fatalf("%d, %v", res.StatusCode, err)
		}
		_ = res.Body.Close()
	}
}

// BenchmarkServeSearch has a page of 1,000 runs sent, from a store that answers at once: it is what
// the server adds.
func BenchmarkServeSearch(tb *testing.B) {
	store := pageOfRuns{}
	for i := range 1000 {
		run := &mlruns.Run{Info: mlruns.RunInfo{ID: fmt.Sprintf("%032x", i), Name: "bench", ExperimentID: "0", Status: mlruns.StatusFinished, Start: time.UnixMilli(1), End: time.UnixMilli(2), ArtifactURI: "file:///mlruns/0/x/artifacts", Stage: mlruns.StageActive},
			Data: mlruns.RunData{Metrics: map[string]mlruns.Metric{}, Params: map[string]string{}, Tags: map[string]string{}}}
		for k := range 10 {
			key := fmt.Sprintf("key-%d", k)
			run.Data.Metrics[key] = mlruns.Metric{Key: key, Value: 0.1234567, Time: time.UnixMilli(3), Step: 100}
			run.Data.Params[key], run.Data.Tags[key] = "0.0001", "some value"
		}
		store.page.Runs = append(store.page.Runs, run)
	}
	web := httptest.NewServer(server.New(store))
	defer web.Close()
	b := &bench{tb, web.URL, "", &http.Client{}}
	for b.Loop() {
		b.post("runs/search", []byte(`{"experiment_ids":["0"],"max_results":1000}`))
	}
}

type pageOfRuns struct {
	mlruns.UnimplementedStore
	page mlruns.RunPage
}

func (p pageOfRuns) SearchRuns(context.Context, mlruns.RunQuery) (*mlruns.RunPage, error) {
	return &p.page, nil
}
