package filestore

import "syscall"

// fileSystemNames are the magic numbers of statfs(2) that matter for locks, and the usual local ones.
var fileSystemNames = map[uint32]string{
	0x6969: "nfs", 0x517b: "smb", 0xff534d42: "smb", 0xfe534d42: "smb", 0x65735546: "fuse", 0x01021997: "9p",
	0xef53: "ext4", 0x58465342: "xfs", 0x9123683e: "btrfs", 0x01021994: "tmpfs", 0x794c7630: "overlay", 0x2fc12fc1: "zfs",
}

// fileSystemOf names the file system of a directory.
func fileSystemOf(dir string) string {
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		return ""
	}
	//nolint:gosec // the magic number has 32 bits, whatever the width of the field
	return fileSystemNames[uint32(st.Type)]
}
