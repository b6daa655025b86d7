package main

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/mlruns/mlruns"
)

// explain prints what a search cost instead of what it found: the files it can ask of each run or
// experiment, and its counts.
func (a *app) explain(what string, scan mlruns.Scan, problems []mlruns.Problem) error {
	if a.json {
		return a.printJSON(struct {
			Plan     planJSON         `json:"plan"`
			Problems []mlruns.Problem `json:"problems,omitempty"`
		}{planJSON{scan.Reads, scan.Opened, scan.Scanned, scan.Matched, scan.Returned}, problems})
	}
	a.fields("Plan", []field{
		{"reads of each", strings.Join(scan.Reads, ", ")},
		{"files opened", fmt.Sprintf("%d, %s for each of the %s scanned", scan.Opened, perOne(scan), what)},
		{what + " scanned", strconv.Itoa(scan.Scanned)},
		{what + " matched", strconv.Itoa(scan.Matched)},
		{what + " returned", strconv.Itoa(scan.Returned)},
		{"problems", strconv.Itoa(len(problems))},
	})
	a.warn(problems)
	return nil
}

// planJSON is mlruns.Scan in JSON.
type planJSON struct {
	Reads    []string `json:"reads"`
	Opened   int      `json:"opened"`
	Scanned  int      `json:"scanned"`
	Matched  int      `json:"matched"`
	Returned int      `json:"returned"`
}

func perOne(scan mlruns.Scan) string {
	if scan.Scanned == 0 {
		return "0"
	}
	return strconv.FormatFloat(float64(scan.Opened)/float64(scan.Scanned), 'f', 2, 64)
}
