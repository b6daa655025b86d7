// Package batch writes params, metrics and tags to runs: what a batch changes, whether that goes
// with what is there, and the writing, by handles that stay open between batches where that may be.
package batch
