package drive

import (
	"fmt"
	"slices"
	"strings"
)

// keeps are the kinds on which handles may be kept.
var keeps = setOf("ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs", "tmpfs", "overlay")

// own are the kinds of a machine's own disks and memory: one kernel has all that is open there, and
// so all locks. FUSE's fuseblk has a disk for itself too.
var own = setOf("ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs", "tmpfs", "overlay", "ramfs", "rootfs", "zfs", "bcachefs", "jfs", "reiserfs", "nilfs2", "ubifs", "jffs2",
	"vfat", "msdos", "exfat", "ntfs", "ntfs3", "fuseblk", "refs", "fat", "fat32", "msdosfs", "hfs", "hfsplus", "apfs", "ufs", "minix", "udf", "iso9660", "cd9660", "cdfs",
	"squashfs", "erofs", "romfs", "cramfs")

func setOf(names ...string) map[string]bool {
	set := map[string]bool{}
	for _, name := range names {
		set[name] = true
	}
	return set
}

func isNFS(kind string) bool { return kind == "nfs" || kind == "nfs4" }

// weakness says why a lock may not exclude all who can write, "" if it does.
func weakness(s seen) string {
	switch kind := s.kind; {
	case own[kind]:
		return ""
	case kind == "":
		return "it is not known what file system this is, nor whether its locks exclude other machines: " + oneMachine
	case isNFS(kind):
		return s.mountedWith("NFS", "nolock", "local_lock=all", "local_lock=flock")
	case kind == "cifs" || kind == "smb3":
		if why := s.mountedWith("SMB", "nobrl"); why != "" {
			return why
		}
		// Two clients of Samba were seen to be in a lock together for a moment, for a reason that
		// is not known: two experiments of one name.
		return "two machines were seen to get one lock on SMB when both asked at the same moment: " + oneMachine
	case kind == "fuse" || strings.HasPrefix(kind, "fuse.") || kind == "macfuse" || kind == "osxfuse" || kind == "fusefs":
		return "a lock on " + kind + " may exclude only those who use the same mount: let one mount at a time write"
	case kind == "9p":
		return "the server of a 9p mount may give the same lock to every client: " + oneMachine
	case kind == "network":
		return "this is a network drive, and it cannot be seen whether its locks exclude other machines: " + oneMachine
	}
	return "it is not known whether locks on " + s.kind + " exclude other machines: " + oneMachine
}

// mountedWith looks for the options that keep locks on this machine.
func (s seen) mountedWith(protocol string, local ...string) string {
	for _, option := range s.options {
		if slices.Contains(local, option) {
			return fmt.Sprintf("%s is mounted with %s, so a lock excludes the processes of this machine only: mount it without, or %s", protocol, option, oneMachine)
		}
	}
	if s.partial {
		return fmt.Sprintf("it cannot be seen whether locks on this %s mount exclude other machines: %s", protocol, oneMachine)
	}
	return ""
}
