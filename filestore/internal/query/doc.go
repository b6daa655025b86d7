// Package query answers SearchRuns, Runs, SearchExperiments and Experiments: it plans which files a
// filter and an order need, scans the runs with several goroutines, keeps the first of them, and
// reads those of the page whole.
package query
