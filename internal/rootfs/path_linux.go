package rootfs

import (
	"os"
	"strconv"
	"strings"
)

// currentPath asks the kernel where the directory of root is now.
func currentPath(root *os.Root) (string, bool) {
	dir, err := openDir(root, ".")
	if err != nil {
		return "", false
	}
	defer func() { _ = dir.Close() }()
	path, err := os.Readlink("/proc/self/fd/" + strconv.Itoa(int(dir.Fd())))
	return path, err == nil && strings.HasPrefix(path, "/") && !strings.HasSuffix(path, " (deleted)")
}
