// Package dirlock gives exclusive locks on lock files of a directory tree, between goroutines and
// between processes.
//
// Every acquisition takes a mutex of the process first and a lock of the operating system on the
// file second (flock on Unix, LockFileEx on Windows). The operating system frees a lock when its
// process ends, however it ends. A lock file is empty, is made through the confined file system,
// may be locked by all who may write to its folder (vfs.Share, whatever the umask of who made
// it), and is never deleted: who deleted a held one would let a second process in. Because programs
// that synchronise folders do delete such files, the file that was locked is compared with the one
// at the path, and the lock taken again if they differ.
//
// A lock is advisory, and only as good as the file system: on network file systems it may bind one
// machine only.
package dirlock
