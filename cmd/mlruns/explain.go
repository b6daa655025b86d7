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
		}{planJSON{scan.Reads, scan.Opened, scan.Looked, scan.Indexed, scan.Scanned, scan.Matched, scan.Returned}, problems})
	}
	plan := []field{
		{"reads of each", strings.Join(scan.Reads, ", ")},
		{"files opened", fmt.Sprintf("%d, %s for each of the %s scanned", scan.Opened, perOne(scan), what)},
	}
	if scan.Looked > 0 {
		plan = append(plan, field{"looked at", strconv.Itoa(scan.Looked)}, field{"from the index", strconv.Itoa(scan.Indexed)})
	}
	a.fields("Plan", append(plan,
		field{what + " scanned", strconv.Itoa(scan.Scanned)},
		field{what + " matched", strconv.Itoa(scan.Matched)},
		field{what + " returned", strconv.Itoa(scan.Returned)},
		field{"problems", strconv.Itoa(len(problems))},
	))
	a.warn(problems)
	return nil
}

// planJSON is mlruns.Scan in JSON.
type planJSON struct {
	Reads    []string `json:"reads"`
	Opened   int      `json:"opened"`
	Looked   int      `json:"looked"`
	Indexed  int      `json:"indexed"`
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
