package main

import (
	"testing"
	"time"
)

func TestAgeFlag(t *testing.T) {
	const day = 24 * time.Hour
	for text, want := range map[string]time.Duration{
		"30d": 30 * day, "1.5d": 36 * time.Hour, "1d2h3m4s": 26*time.Hour + 3*time.Minute + 4*time.Second, "0d": 0, "0s": 0,
		"720h": 720 * time.Hour, "1h30m": 90 * time.Minute, "1.5s": 1500 * time.Millisecond, "500ms": 500 * time.Millisecond, "36500d": 36500 * day,
	} {
		var age ageFlag
		if err := age.Set(text); err != nil || age.Duration != want {
			t.Errorf("%q: got %v, %v, want %v", text, age.Duration, err, want)
		}
	}
	for _, text := range []string{"", "d", "30", "-1d", "+1d", "-1h", "1h2d", "1d1d", "1e9d", "0x1d", "NaNd", "Infd", "1 d", "1w", "36501d", "99999999999999999999d", "9999999h"} {
		age := ageFlag{time.Second}
		if err := age.Set(text); err == nil || age.Duration != time.Second {
			t.Errorf("%q is %v, %v, want an error", text, age.Duration, err)
		}
	}
}

func TestByteCount(t *testing.T) {
	for n, want := range map[int64]string{0: "0 B", 999: "999 B", 1000: "1.0 kB", 1549: "1.5 kB", 999_949: "999.9 kB", 999_950: "1.0 MB", 3_400_000: "3.4 MB", 1<<63 - 1: "9.2 EB"} {
		if got := byteCount(n); got != want {
			t.Errorf("%d: got %q, want %q", n, got, want)
		}
	}
}
