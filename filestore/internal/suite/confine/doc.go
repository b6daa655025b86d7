// Package confine tries to lead the store out of its directory, by names, locations, links and
// special files.
package confine
