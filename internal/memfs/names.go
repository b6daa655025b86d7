package memfs

import (
	"cmp"
	"strings"
	"syscall"
)

// Names is how a file system differs from POSIX in the names it holds. The zero value does not
// differ.
type Names struct {
	// Fold has names that differ in case only mean the same file, which keeps the name it was made
	// with.
	Fold bool
	// Bend gives the name under which a file is kept and looked for; nil keeps it.
	Bend func(name string) string
	// Refuse reports whether no file of this name can be made. There is nothing to be found under
	// it either.
	Refuse func(name string) bool
	// Refusal is the error then; nil is EINVAL.
	Refusal error
}

// Windows is as NTFS, FAT and exFAT are there, and SMB.
var Windows = Names{
	Fold:   true,
	Bend:   func(name string) string { return strings.TrimRight(name, ". ") },
	Refuse: func(name string) bool { return strings.ContainsAny(name, `<>:"|?*\`) },
}

// FAT is FAT and exFAT as Linux shows them.
var FAT = Names{Fold: true, Bend: func(name string) string { return strings.TrimRight(name, ".") }, Refuse: Windows.Refuse}

// NewNaming is New for a file system with other rules for names.
func NewNaming(names Names) *FS {
	m := New()
	m.root.names = &names
	return m
}

// lookup gives the name under which a directory has a name, or would have it, and what is there.
func (n *inode) lookup(name string) (kept string, node *inode) {
	if n.names == nil {
		return name, n.entries[name]
	}
	if n.names.Bend != nil {
		name = n.names.Bend(name)
	}
	if node := n.entries[name]; node != nil || !n.names.Fold {
		return name, node
	}
	for other, node := range n.entries {
		if strings.EqualFold(other, name) {
			return other, node
		}
	}
	return name, nil
}

// checkNew refuses a name that a file system cannot make.
func (a at) checkNew() error {
	if names := a.dir.names; names != nil && names.Refuse != nil && a.node == nil && names.Refuse(a.base) {
		return cmp.Or(names.Refusal, error(syscall.EINVAL))
	}
	return nil
}
