package filestore

import (
	"strings"
	"syscall"
)

// fileSystemOf names the file system of a directory.
func fileSystemOf(dir string) string {
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		return ""
	}
	var name strings.Builder
	for _, c := range st.Fstypename {
		if c == 0 {
			break
		}
		name.WriteByte(byte(c))
	}
	switch kind := name.String(); kind {
	case "smbfs":
		return "smb"
	case "macfuse", "osxfuse":
		return "fuse"
	default:
		return kind
	}
}
