package mlruns_test

import (
	"errors"
	"math"
	"testing"
	"time"

	"github.com/mlruns/mlruns"
)

func TestStatus(t *testing.T) {
	for number, name := range []string{1: "RUNNING", 2: "SCHEDULED", 3: "FINISHED", 4: "FAILED", 5: "KILLED"} {
		s := mlruns.Status(number)
		if number == 0 {
			if s.Valid() || s.Ended() || s.String() != "Status(0)" {
				t.Errorf("the zero status: %v, valid %v, ended %v", s, s.Valid(), s.Ended())
			}
			continue
		}
		parsed, err := mlruns.ParseStatus(name)
		if err != nil || parsed != s || s.String() != name || !s.Valid() || s.Ended() != (number >= 3) {
			t.Errorf("status %d: name %s, parsed %v, %v, ended %v", number, s, parsed, err, s.Ended())
		}
	}
	for _, s := range []mlruns.Status{-1, 6, 127, -128} {
		if s.Valid() || s.Ended() || s.String() == "" {
			t.Errorf("status %d: valid %v, ended %v", int8(s), s.Valid(), s.Ended())
		}
	}
	for _, name := range []string{"", "running", "FINISHED ", "Status(0)", "3"} {
		_, err := mlruns.ParseStatus(name)
		want := "Could not get run status corresponding to string " + name + ". Valid run status strings: ['RUNNING', 'SCHEDULED', 'FINISHED', 'FAILED', 'KILLED']"
		if !errors.Is(err, mlruns.ErrInvalid) || mlruns.CodeOf(err) != mlruns.CodeInternal || mlruns.MessageOf(err) != want {
			t.Errorf("ParseStatus(%q): got %v", name, err)
		}
	}
}

func TestView(t *testing.T) {
	for _, c := range []struct {
		view            mlruns.View
		active, deleted bool
	}{{mlruns.ViewActive, true, false}, {mlruns.ViewDeleted, false, true}, {mlruns.ViewAll, true, true}, {9, false, false}} {
		if a, d := c.view.Shows(mlruns.StageActive), c.view.Shows(mlruns.StageDeleted); a != c.active || d != c.deleted {
			t.Errorf("view %d shows active %v, deleted %v; want %v, %v", c.view, a, d, c.active, c.deleted)
		}
	}
	if zero := (mlruns.RunQuery{}).View; zero != mlruns.ViewActive {
		t.Errorf("the zero view is %d", zero)
	}
}

func TestMetricAfter(t *testing.T) {
	nan := math.NaN()
	at := func(step, ms int64, value float64) mlruns.Metric {
		return mlruns.Metric{Step: step, Time: time.UnixMilli(ms), Value: value}
	}
	for _, c := range []struct {
		name   string
		m, old mlruns.Metric
		want   bool
	}{
		{"larger step", at(2, 1, 1), at(1, 9, 9), true},
		{"smaller step", at(1, 9, 9), at(2, 1, 1), false},
		{"negative steps", at(-1, 1, 1), at(-2, 1, 1), true},
		{"later", at(1, 2, 1), at(1, 1, 9), true},
		{"earlier", at(1, 1, 9), at(1, 2, 1), false},
		{"larger value", at(1, 1, 2), at(1, 1, 1), true},
		{"equal", at(1, 1, 1), at(1, 1, 1), false},
		{"infinite", at(1, 1, math.Inf(1)), at(1, 1, 1), true},
		{"NaN does not replace", at(1, 1, nan), at(1, 1, 1), false},
		{"NaN is not replaced", at(1, 1, 1), at(1, 1, nan), false},
		{"NaN and NaN", at(1, 1, nan), at(1, 1, nan), false},
		{"NaN with a larger step", at(2, 1, nan), at(1, 1, 1), true},
		{"the same millisecond", mlruns.Metric{Time: time.UnixMilli(1).Add(900 * time.Microsecond)}, mlruns.Metric{Time: time.UnixMilli(1), Value: 1}, false},
	} {
		if got := c.m.After(c.old); got != c.want {
			t.Errorf("%s: got %v, want %v", c.name, got, c.want)
		}
	}
}
