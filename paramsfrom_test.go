package mlruns_test

import (
	"context"
	"errors"
	"io"
	"maps"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/mlruns/mlruns"
)

// recorder is a store that keeps the params and artifacts logged to it.
type recorder struct {
	mlruns.UnimplementedStore
	mlruns.ArtifactStore
	params    map[string]string
	artifacts map[string]string
}

func (r *recorder) CreateRun(_ context.Context, spec mlruns.RunSpec) (*mlruns.Run, error) {
	return &mlruns.Run{Info: mlruns.RunInfo{ID: "r", ExperimentID: spec.ExperimentID, Name: spec.Name}}, nil
}

func (r *recorder) LogBatch(_ context.Context, _ string, b mlruns.Batch) error {
	for _, p := range b.Params {
		r.params[p.Key] = p.Value
	}
	return nil
}

func (r *recorder) WriteArtifact(_ context.Context, _, path string, src io.Reader) error {
	data, err := io.ReadAll(src)
	r.artifacts[path] = string(data)
	return err
}

func startRecorded(t *testing.T) (*recorder, *mlruns.ActiveRun) {
	t.Helper()
	store := &recorder{params: map[string]string{}, artifacts: map[string]string{}}
	run, err := mlruns.NewClient(store).StartRun(t.Context(), "", mlruns.RunSpec{})
	if err != nil {
		t.Fatal(err)
	}
	return store, run
}

type base struct{ Depth int }

type optimizer struct {
	LR      float64 `json:"lr"`
	Betas   [2]float32
	Nesting *optimizer `json:"nested,omitempty"`
	hidden  int
	Secret  string `json:"-"`
}

func TestLogParamsFrom(t *testing.T) {
	seed := uint8(7)
	type named string
	for name, c := range map[string]struct {
		from any
		want map[string]string
	}{
		"numbers": {map[string]any{"i": -3, "u": seed, "f": 1.0, "small": 1e-5, "large": 1e16, "third": 1.0 / 3, "single": float32(0.1), "nan": math.NaN(), "inf": math.Inf(-1)},
			map[string]string{"i": "-3", "u": "7", "f": "1.0", "small": "1e-05", "large": "1e+16", "third": "0.3333333333333333", "single": "0.1", "nan": "nan", "inf": "-inf"}},
		"texts": {map[string]any{"s": "it's", "named": named("n"), "empty": "", "nil": nil, "nilp": (*int)(nil), "p": &seed, "t": time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), "yes": true, "no": false},
			map[string]string{"s": "it's", "named": "n", "empty": "", "nil": "None", "nilp": "None", "p": "7", "t": "2026-01-02T03:04:05Z", "yes": "True", "no": "False"}},
		"lists": {map[string]any{"l": []any{1, "a", 2.5, nil, true}, "none": []int{}, "nested": [][]int{{1}, {2, 3}}, "maps": []map[string]int{{"b": 1, "a": 2}}, "quotes": []string{"it's"}, "structs": []base{{2}}},
			map[string]string{"l": "[1, 'a', 2.5, None, True]", "none": "[]", "nested": "[[1], [2, 3]]", "maps": "[{'a': 2, 'b': 1}]", "quotes": `["it's"]`, "structs": "[{'Depth': 2}]"}},
		"nested": {map[string]any{"a": map[string]any{"b": map[int]string{1: "x"}, "empty": map[string]int{}}},
			map[string]string{"a/b/1": "x", "a/empty": "{}"}},
		"a struct": {&struct {
			base
			*optimizer
			Opt optimizer `json:"opt"`
		}{base{2}, nil, optimizer{LR: 3e-4, Betas: [2]float32{0.9, 0.999}, hidden: 1, Secret: "s", Nesting: &optimizer{LR: 1}}},
			map[string]string{"Depth": "2", "opt/lr": "0.0003", "opt/Betas": "[0.9, 0.999]", "opt/nested/lr": "1.0", "opt/nested/Betas": "[0.0, 0.0]", "opt/nested/nested": "None"}},
		"nothing": {map[string]int{}, map[string]string{}},
	} {
		store, run := startRecorded(t)
		if err := run.LogParamsFrom(t.Context(), c.from); err != nil || !maps.Equal(store.params, c.want) {
			t.Errorf("%s: %v\n got %q\nwant %q", name, err, store.params, c.want)
		}
	}
}

type loop struct{ Self *loop }

type noText struct{}

func (noText) MarshalText() ([]byte, error) { return nil, errors.New("no words") }

func TestLogParamsFromRefuses(t *testing.T) {
	self := &loop{}
	self.Self = self
	list := []any{nil}
	list[0] = list
	for want, from := range map[string]any{
		"not from a value of the type int":                          3,
		"not from a value of the type <nil>":                        nil,
		"not from a value of the type []int":                        []int{1},
		"not from a value of the type time.Time":                    time.Now(),
		"The param 'f' has no text: it is of the type func()":       map[string]any{"f": func() {}},
		"The param 'a/c' has no text: it is of the type complex128": map[string]any{"a": map[string]any{"c": 1i}},
		"The param 'l' has no text: it is of the type chan int":     map[string]any{"l": []any{make(chan int)}},
		"The param 't' has no text: no words":                       map[string]any{"t": noText{}},
		"has no text: it is nested more than 32 deep":               self,
		"The param 'list' has no text: it is nested more":           map[string]any{"list": list},
		"a key of a map is of the type float64":                     map[string]any{"m": map[float64]int{1: 2}},
	} {
		store, run := startRecorded(t)
		err := run.LogParamsFrom(t.Context(), from)
		if !errors.Is(err, mlruns.ErrInvalid) || !strings.Contains(err.Error(), want) || len(store.params) > 0 {
			t.Errorf("%v, with %q recorded; want %q and nothing", err, store.params, want)
		}
	}
}

func TestLogTextAndJSON(t *testing.T) {
	store, run := startRecorded(t)
	if err := run.LogText(t.Context(), "notes/a.txt", "first\n"); err != nil {
		t.Error(err)
	}
	if err := run.LogJSON(t.Context(), "c.json", map[string]any{"b": "<é>", "a": []int{1}}); err != nil {
		t.Error(err)
	}
	want := map[string]string{"notes/a.txt": "first\n", "c.json": "{\n  \"a\": [\n    1\n  ],\n  \"b\": \"<é>\"\n}"}
	if !maps.Equal(store.artifacts, want) {
		t.Errorf("stored %q, want %q", store.artifacts, want)
	}
	if err := run.LogJSON(t.Context(), "nan.json", math.NaN()); !errors.Is(err, mlruns.ErrInvalid) || len(store.artifacts) > 2 {
		t.Errorf("NaN gives %v and is stored as %q", err, store.artifacts["nan.json"])
	}
}
