package rootfs

import (
	"os"
	"path/filepath"
)

// Below reports whether a directory of the operating system, which need not be there, is another
// one or lies below it, by so many steps. Links are followed.
func Below(dir, top string) (steps int, is bool) {
	above, err := os.Stat(top)
	if err != nil {
		return 0, false
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return 0, false
	}
	for {
		if real, err := filepath.EvalSymlinks(dir); err == nil {
			dir = real
		}
		if info, err := os.Stat(dir); err == nil && os.SameFile(info, above) {
			return steps, true
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return 0, false
		}
		dir, steps = parent, steps+1
	}
}
