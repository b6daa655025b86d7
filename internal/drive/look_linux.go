package drive

import (
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// At judges the file system of a directory.
func At(dir string) Drive {
	f, err := os.OpenFile(dir, unix.O_PATH|unix.O_DIRECTORY, 0)
	if err != nil {
		return judge(seen{})
	}
	defer func() { _ = f.Close() }()
	return Of(f)
}

// Of judges the file system of an open directory, wherever that is now.
func Of(dir *os.File) Drive {
	var st unix.Statx_t
	id := uint64(0)
	// Linux 5.8
	if err := unix.Statx(int(dir.Fd()), "", unix.AT_EMPTY_PATH, unix.STATX_MNT_ID, &st); err == nil && st.Mask&unix.STATX_MNT_ID != 0 {
		id = st.Mnt_id
	}
	table, err := os.ReadFile("/proc/self/mountinfo")
	if err == nil {
		if s, ok := mounted(string(table), id, pathOf(dir)); ok {
			d := judge(s)
			for _, m := range within(string(table), pathOf(dir)) {
				d = d.With(m.point, judge(m.seen))
			}
			return d
		}
	}
	return judge(statfs(dir))
}

func pathOf(dir *os.File) string {
	if at, err := os.Readlink("/proc/self/fd/" + strconv.Itoa(int(dir.Fd()))); err == nil {
		return at
	}
	return dir.Name()
}

// magics are the numbers of statfs(2) of kinds that matter. That of a 9p mount is the server's.
var magics = map[uint32]string{
	unix.EXT4_SUPER_MAGIC: "ext4", unix.XFS_SUPER_MAGIC: "xfs", unix.BTRFS_SUPER_MAGIC: "btrfs", unix.F2FS_SUPER_MAGIC: "f2fs", unix.TMPFS_MAGIC: "tmpfs",
	unix.OVERLAYFS_SUPER_MAGIC: "overlay", unix.RAMFS_MAGIC: "ramfs", 0x2fc12fc1: "zfs", unix.BCACHEFS_SUPER_MAGIC: "bcachefs", unix.MSDOS_SUPER_MAGIC: "vfat",
	unix.EXFAT_SUPER_MAGIC: "exfat", unix.SQUASHFS_MAGIC: "squashfs", unix.ISOFS_SUPER_MAGIC: "iso9660", unix.EROFS_SUPER_MAGIC_V1: "erofs",
	unix.NFS_SUPER_MAGIC: "nfs", unix.SMB_SUPER_MAGIC: "cifs", unix.CIFS_SUPER_MAGIC: "cifs", unix.SMB2_SUPER_MAGIC: "cifs", unix.FUSE_SUPER_MAGIC: "fuse",
	unix.V9FS_MAGIC: "9p",
}

// statfs is what can be seen without a mount table.
func statfs(dir *os.File) seen {
	var st unix.Statfs_t
	if err := unix.Fstatfs(int(dir.Fd()), &st); err != nil {
		return seen{}
	}
	// the magic number has 32 bits, whatever the width of the field
	s := seen{kind: magics[uint32(st.Type)], partial: true} //nolint:gosec
	if st.Flags&unix.ST_RDONLY != 0 {
		s.options = []string{"ro"}
	}
	return s
}
