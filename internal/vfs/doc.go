// Package vfs is what a store asks of a file system, and how it judges the answers.
package vfs
