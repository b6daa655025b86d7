// Package maintenance removes what is deleted, and rewrites where artifacts are recorded. A walk
// goes on after what it cannot do; each change has a commit point of its own.
package maintenance
