//go:build darwin || freebsd

package drive

import (
	"strings"
	"syscall"
)

const readOnly = 1 // MNT_RDONLY

// At judges the file system of a directory. The options that decide about locks are not told.
func At(dir string) Drive {
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		return judge(seen{})
	}
	var name strings.Builder
	for _, c := range st.Fstypename {
		if c == 0 {
			break
		}
		name.WriteByte(byte(c))
	}
	s := seen{kind: name.String(), partial: true}
	if s.kind == "smbfs" {
		s.kind = "cifs"
	}
	if st.Flags&readOnly != 0 {
		s.options = []string{"ro"}
	}
	return judge(s)
}
