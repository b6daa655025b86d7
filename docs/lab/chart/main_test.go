package main

import (
	"bytes"
	"os"
	"strings"
	"testing"
)

// TestChartIsCurrent draws the chart again: the picture in the documents is that of the figures
// beside it.
func TestChartIsCurrent(t *testing.T) {
	var drawn bytes.Buffer
	if err := run("../beside-mlflow.tsv", &drawn); err != nil {
		t.Fatal(err)
	}
	committed, err := os.ReadFile("../../performance.svg")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(drawn.Bytes(), bytes.ReplaceAll(committed, []byte("\r\n"), []byte("\n"))) {
		t.Error("docs/performance.svg is another picture: go run ./docs/lab/chart docs/lab/beside-mlflow.tsv > docs/performance.svg")
	}
}

func TestReadRefuses(t *testing.T) {
	for _, figures := range []string{"what\ta\tb\nx\t1\n", "what\ta\nx\tfast\n", "what\ta\nx\t0\n", "what\ta\nx\t-1\n"} {
		if _, err := read(strings.NewReader(figures)); err == nil || !strings.Contains(err.Error(), "line 2") {
			t.Errorf("%q gives %v, want an error that names line 2", figures, err)
		}
	}
}

func TestShort(t *testing.T) {
	for micros, want := range map[float64]string{6.8: "6.8 µs", 38.8: "39 µs", 212: "212 µs", 3290: "3.3 ms", 213380: "213 ms", 1.08e7: "11 s", 1e8: "100 s", 999.7: "1 ms", 1: "1 µs"} {
		if got := short(micros); got != want {
			t.Errorf("short(%v) = %q, want %q", micros, got, want)
		}
	}
}
