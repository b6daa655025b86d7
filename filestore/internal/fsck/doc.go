// Package fsck verifies and repairs a store. A walk goes through all of it and tells what is wrong
// in each place; damages.go says of every kind what a repair can do about it. What is taken away is
// kept, see quarantine.go.
package fsck
