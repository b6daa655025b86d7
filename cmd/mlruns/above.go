package main

import (
	"fmt"
	"os"
	"path/filepath"
)

// climb goes from a folder to those above it, as far as they can be trusted to be of the same
// person: what lies beyond is perhaps a stranger's.
type climb struct {
	self owner
	home os.FileInfo // nil where there is none
	ends string      // why it goes no further; unset at the top
}

func newClimb() *climb {
	c := &climb{self: currentOwner()}
	if home, err := os.UserHomeDir(); err == nil {
		c.home, _ = os.Stat(home) // a home that is not there ends nothing
	}
	return c
}

// above gives the folder above, and false where the climb ends.
func (c *climb) above(dir string) (parent string, ok bool) {
	parent = filepath.Dir(dir)
	if parent == dir {
		return "", false
	}
	from, err := os.Stat(dir)
	if err != nil {
		return "", c.end("%v", err)
	}
	to, err := os.Stat(parent)
	switch {
	case c.home != nil && os.SameFile(from, c.home):
		return "", c.end("%s is the home folder", dir)
	case err != nil:
		return "", c.end("%v", err)
	case !sameDevice(from, to):
		return "", c.end("%s lies on another file system", parent)
	case !c.self.owns(to):
		return "", c.end("%s belongs to another user", parent)
	}
	return parent, true
}

// trusts reports whether what is found in a folder above belongs to the same user. What is not
// there is nobody's.
func (c *climb) trusts(found string) bool {
	if info, err := os.Stat(found); err == nil && !c.self.owns(info) {
		return c.end("%s belongs to another user", found)
	}
	return true
}

// end is false, and says why the climb goes no further.
func (c *climb) end(format string, args ...any) bool {
	c.ends = fmt.Sprintf(format, args...)
	return false
}
