//go:build linux

package main

import (
	"fmt"
	"iter"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
)

// BenchmarkCopy prints what "mlruns copy" costs, in time and in memory of its own process, each
// beside what it must be held against:
//
//	go test -run '^$' -bench Copy -benchtime 1x ./cmd/mlruns
//
// merge has two folders of 10,000 runs, beside "cp -r" of the one; push and pull have 1,000 runs of
// 10 metrics of 1,000 points and "mlruns serve" as another process. MLRUNS_COPY_PART=10 has a tenth
// of the runs.
func BenchmarkCopy(b *testing.B) {
	part := 1
	if text := os.Getenv("MLRUNS_COPY_PART"); text != "" {
		var err error
		if part, err = strconv.Atoi(text); err != nil || part < 1 {
			b.Fatalf("MLRUNS_COPY_PART: %q", text)
		}
	}
	b.Run("merge", func(b *testing.B) {
		for b.Loop() {
			b.StopTimer()
			root := b.TempDir()
			src, dst := filepath.Join(root, "src"), filepath.Join(root, "dst")
			manyRuns(b, src, "a", 10_000/part, 5, 20, 20_000)
			manyRuns(b, dst, "b", 10_000/part, 5, 20, 20_000)
			_ = exec.Command("sync").Run()
			begun := time.Now()
			if text, err := exec.Command("cp", "-r", src, filepath.Join(root, "cp")).CombinedOutput(); err != nil {
				b.Fatalf("%v: %s", err, text)
			}
			plain := time.Since(begun)
			_ = exec.Command("sync").Run() // what cp left to be written is not the copy's
			b.StartTimer()
			took, memory := measured(b, src, dst)
			b.StopTimer()
			again, _ := measured(b, src, dst)
			b.StartTimer()
			b.ReportMetric(plain.Seconds(), "cp-s")
			b.ReportMetric(took.Seconds()/plain.Seconds(), "times-cp")
			b.ReportMetric(memory, "MiB")
			b.ReportMetric(again.Seconds(), "again-s")
		}
	})
	b.Run("push and pull", func(b *testing.B) {
		for b.Loop() {
			b.StopTimer()
			root := b.TempDir()
			src := filepath.Join(root, "src")
			manyRuns(b, src, "a", 1000/part, 10, 1000, 0)
			uri, stop := servedAlone(b, filepath.Join(root, "behind"))
			b.StartTimer()
			push, pushed := measured(b, src, uri)
			again, _ := measured(b, src, uri)
			pull, pulled := measured(b, uri, filepath.Join(root, "pulled"))
			b.StopTimer()
			stop()
			b.StartTimer()
			b.ReportMetric(push.Seconds(), "push-s")
			b.ReportMetric(pushed, "push-MiB")
			b.ReportMetric(again.Seconds(), "again-s")
			b.ReportMetric(pull.Seconds(), "pull-s")
			b.ReportMetric(pulled, "pull-MiB")
		}
	})
}

// measured copies, and gives how long that took and how much memory it had at most.
func measured(b *testing.B, from, to string) (took time.Duration, memory float64) {
	b.Helper()
	begun := time.Now()
	cmd := exec.Command("mlruns", "copy", from, to)
	if text, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, text[max(0, len(text)-2000):])
	}
	took = time.Since(begun)
	usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		b.Fatal("the memory is not known")
	}
	return took, float64(usage.Maxrss) / 1024
}

// servedAlone starts "mlruns serve" over a folder.
func servedAlone(b *testing.B, dir string) (uri string, stop func()) {
	b.Helper()
	s, err := filestore.Open(dir)
	if err != nil {
		b.Fatal(err)
	}
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	_ = l.Close()
	cmd := exec.Command("mlruns", "--store", dir, "serve", "--port", strconv.Itoa(port))
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	for range 500 {
		if c, err := net.Dial("tcp", address); err == nil {
			_ = c.Close()
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	return "http://" + address, func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
}

// manyRuns makes a folder of ended runs.
func manyRuns(b *testing.B, dir, prefix string, n, metrics, points, size int) {
	b.Helper()
	s, err := filestore.Open(dir, filestore.WithSync(filestore.SyncNever))
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	ctx, file := b.Context(), strings.Repeat("x", size)
	for i := range n {
		id := fmt.Sprintf("%s%031d", prefix, i)
		r := mlruns.Run{Info: mlruns.RunInfo{ID: id, Name: "run " + strconv.Itoa(i), ExperimentID: mlruns.DefaultExperimentID, User: "u", Status: mlruns.StatusFinished, Stage: mlruns.StageActive,
			Start: time.UnixMilli(1000), End: time.UnixMilli(2000)}, Data: mlruns.RunData{Params: map[string]string{}, Tags: map[string]string{mlruns.TagRunName: "run " + strconv.Itoa(i)}}}
		for k := range 5 {
			r.Data.Params[fmt.Sprint("param", k)], r.Data.Tags[fmt.Sprint("tag", k)] = strconv.Itoa(i), strconv.Itoa(i)
		}
		if err := s.ImportRun(ctx, r, series(metrics, points)); err != nil {
			b.Fatal(err)
		}
		if size > 0 {
			if err := s.WriteArtifact(ctx, id, "file.bin", strings.NewReader(file)); err != nil {
				b.Fatal(err)
			}
		}
	}
}

func series(metrics, points int) iter.Seq2[mlruns.Metric, error] {
	return func(yield func(mlruns.Metric, error) bool) {
		for k := range metrics {
			for step := range points {
				if !yield(mlruns.Metric{Key: fmt.Sprint("metric", k), Value: float64(step) / 7, Step: int64(step), Time: time.UnixMilli(int64(1000 + step))}, nil) {
					return
				}
			}
		}
	}
}
