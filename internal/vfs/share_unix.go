//go:build unix

package vfs

import (
	"io/fs"
	"syscall"
)

// groupOf is the group that a file belongs to; false where that is not known.
func groupOf(info fs.FileInfo) (int, bool) {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, false
	}
	return int(st.Gid), true
}
