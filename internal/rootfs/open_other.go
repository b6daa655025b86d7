//go:build !unix

package rootfs

const (
	nowaitFlags    = 0
	directoryFlags = 0
)

func isLeased(error) bool { return false }
