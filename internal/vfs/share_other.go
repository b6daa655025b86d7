//go:build !unix

package vfs

import "io/fs"

// groupOf knows no groups here: rights are inherited from the folder.
func groupOf(fs.FileInfo) (int, bool) { return 0, false }
