//go:build !unix

package index

import "io/fs"

const noFollow = 0

// isOwn relies on the rights of the user's own directory.
func isOwn(fs.FileInfo) bool { return true }

func mayMakeIn(fs.FileInfo) bool { return true }
