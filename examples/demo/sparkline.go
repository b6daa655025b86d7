package main

import (
	"slices"
	"strings"
)

// sparkline draws values as a line of bars of eight heights, one for each.
func sparkline(values []float64) string {
	if len(values) == 0 {
		return ""
	}
	bars := []rune("▁▂▃▄▅▆▇█")
	low, high := slices.Min(values), slices.Max(values)
	var b strings.Builder
	for _, v := range values {
		i := 0
		if high > low {
			i = int((v - low) / (high - low) * float64(len(bars)-1))
		}
		b.WriteRune(bars[i])
	}
	return b.String()
}
