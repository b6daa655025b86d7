//go:build !linux

package filestore

// passesRights is asked for where there is an index on a disk, which is on Linux only.
func passesRights() uint32 { return 0 }
