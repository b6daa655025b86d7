// Package drive judges the file system that a directory lies on: whom locks exclude there, whether
// handles may be kept, whether it can be written at all. This is the one judgement of the module.
// rootfs.Fs.Local, the warning of writers, "store info" and docs/drives.md all have theirs from
// here.
//
// On Linux it reads the mount table, where the options are that decide (nolock, local_lock, nobrl,
// ro) and where 9p cannot pass for what its server has; elsewhere, and without /proc, it is what
// statfs(2) or Windows says. What is not known is neither local nor safe.
package drive
