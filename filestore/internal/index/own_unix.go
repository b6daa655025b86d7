//go:build unix

package index

import (
	"io/fs"
	"os"
	"syscall"
)

// noFollow refuses a link and waits for nobody who writes to a pipe.
const noFollow = syscall.O_NOFOLLOW | syscall.O_NONBLOCK

// isOwn reports whether a file or directory is this user's, and nobody else may write to it.
func isOwn(info fs.FileInfo) bool {
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(st.Uid) == os.Geteuid() && info.Mode().Perm()&0o022 == 0
}

// mayMakeIn reports whether this user may leave a directory in another. Root leaves none in the
// home of somebody, who could not use it after sudo.
func mayMakeIn(info fs.FileInfo) bool {
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && (os.Geteuid() != 0 || st.Uid == 0)
}
