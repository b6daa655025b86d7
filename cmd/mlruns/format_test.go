package main

import (
	"math"
	"testing"
	"time"
)

func TestShortNumber(t *testing.T) {
	for in, want := range map[float64]string{
		0: "0", 1: "1", -3: "-3", 0.1: "0.1", 0.123456: "0.1235", -0.5: "-0.5", 3e-4: "0.0003", 1.23456e-7: "1.235e-07",
		999.96: "1000", 1234.5678: "1235", 123456789: "123456789", 1e14: "100000000000000", 1e15: "1e+15", 1.23456e300: "1.235e+300",
		math.Inf(1): "Infinity", math.Inf(-1): "-Infinity",
	} {
		if got := shortNumber(in); got != want {
			t.Errorf("shortNumber(%v) = %q, want %q", in, got, want)
		}
	}
	if got := shortNumber(math.Copysign(0, -1)); got != "-0" {
		t.Errorf("shortNumber(-0) = %q, want -0", got)
	}
	if got := shortNumber(math.NaN()); got != "NaN" {
		t.Errorf("shortNumber(NaN) = %q", got)
	}
}

func TestAge(t *testing.T) {
	now := time.Date(2024, 5, 1, 12, 0, 0, 0, time.UTC)
	for ago, want := range map[time.Duration]string{
		0: "now", -time.Second: "now", -time.Hour: "2024-05-01", 999 * time.Millisecond: "now", time.Second: "1s ago", 59 * time.Second: "59s ago",
		time.Minute: "1m ago", 59*time.Minute + 59*time.Second: "59m ago", 3 * time.Hour: "3h ago", 24 * time.Hour: "1d ago",
		59 * 24 * time.Hour: "59d ago", 60 * 24 * time.Hour: "2024-03-02",
	} {
		if got := age(now.Add(-ago), now); got != want {
			t.Errorf("age of %v = %q, want %q", ago, got, want)
		}
	}
	if got := age(time.Time{}, now); got != "-" {
		t.Errorf("age of no time = %q, want -", got)
	}
}

func TestDuration(t *testing.T) {
	start := time.Date(2024, 5, 1, 12, 0, 0, 0, time.UTC)
	for took, want := range map[time.Duration]string{
		0: "0ms", 320 * time.Millisecond: "320ms", 59990 * time.Millisecond: "59.9s", time.Minute: "1m00s", 5*time.Minute + 3*time.Second: "5m03s",
		3*time.Hour + 5*time.Minute: "3h05m", 50 * time.Hour: "2d02h", -time.Second: "-",
	} {
		if got := duration(start, start.Add(took)); got != want {
			t.Errorf("duration of %v = %q, want %q", took, got, want)
		}
	}
	if got := duration(start, time.Time{}); got != "-" {
		t.Errorf("duration of a run that goes on = %q, want -", got)
	}
}

func TestThousands(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 4990: "4,990", 1234567: "1,234,567"} {
		if got := thousands(n); got != want {
			t.Errorf("thousands(%d) = %q, want %q", n, got, want)
		}
	}
}
