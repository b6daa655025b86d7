package main

import (
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/mlruns/mlruns/internal/wire"
)

// shortNumber is a float in four significant digits, or all digits before the point.
func shortNumber(v float64) string {
	size := math.Abs(v)
	switch {
	case math.IsNaN(v) || math.IsInf(v, 0) || v == 0:
		return wire.Number(v).String()
	case size < 1e15 && (size >= 1000 || v == math.Trunc(v)):
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	return strconv.FormatFloat(v, 'g', 4, 64)
}

// age is how long ago t was, for a glance.
func age(t, now time.Time) string {
	if t.IsZero() {
		return "-"
	}
	const day = 24 * time.Hour
	switch d := now.Sub(t); {
	case d < -time.Minute || d >= 60*day:
		return t.UTC().Format(time.DateOnly)
	case d < time.Second:
		return "now"
	case d < time.Minute:
		return fmt.Sprintf("%ds ago", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%dm ago", d/time.Minute)
	case d < day:
		return fmt.Sprintf("%dh ago", d/time.Hour)
	default:
		return fmt.Sprintf("%dd ago", d/day)
	}
}

// duration is the time between two moments, "-" if one is not known.
func duration(start, end time.Time) string {
	d := end.Sub(start)
	switch {
	case start.IsZero() || end.IsZero() || d < 0:
		return "-"
	case d < time.Second:
		return fmt.Sprintf("%dms", d.Milliseconds())
	case d < time.Minute:
		return fmt.Sprintf("%.1fs", d.Truncate(100*time.Millisecond).Seconds())
	case d < time.Hour:
		return fmt.Sprintf("%dm%02ds", d/time.Minute, d%time.Minute/time.Second)
	case d < 24*time.Hour:
		return fmt.Sprintf("%dh%02dm", d/time.Hour, d%time.Hour/time.Minute)
	default:
		return fmt.Sprintf("%dd%02dh", d/(24*time.Hour), d%(24*time.Hour)/time.Hour)
	}
}

// moment is a time in UTC with milliseconds, "-" if it is not known.
func moment(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format("2006-01-02T15:04:05.000Z")
}

// byteCount is a size for a glance, in powers of 1000.
func byteCount(n int64) string {
	if n < 1000 {
		return fmt.Sprintf("%d B", n)
	}
	size, units := float64(n)/1000, "kMGTPE"
	for size >= 999.95 {
		size, units = size/1000, units[1:]
	}
	return fmt.Sprintf("%.1f %cB", size, units[0])
}

// counted is a number of things, with their noun in the form that fits.
func counted(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return strconv.Itoa(n) + " " + noun
}

// thousands is a number with commas between its groups of three digits.
func thousands(n int) string {
	digits := strconv.Itoa(n)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}
