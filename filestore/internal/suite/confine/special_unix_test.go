//go:build unix

package confine

import (
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// confinedSpecials are what is no file; nobody writes to the pipe and nobody ends what the device
// gives.
var confinedSpecials = map[string]func(path string) error{
	"pipe": func(path string) error { return syscall.Mkfifo(path, 0o666) },
	"device": func(path string) error {
		const zero = 1<<8 | 5 // of Linux, where tests run as root
		return syscall.Mknod(path, syscall.S_IFCHR|0o666, zero)
	},
	"socket": func(path string) error {
		// A socket's path is short by force.
		short, err := os.MkdirTemp("", "s")
		if err != nil {
			return err
		}
		defer os.RemoveAll(short)
		listener, err := net.Listen("unix", filepath.Join(short, "s"))
		if err != nil {
			return err
		}
		defer listener.Close()
		return os.Rename(filepath.Join(short, "s"), path)
	},
}

// putSpecial puts such a thing in a place.
func putSpecial(c *confined, put func(path string) error, place string) {
	c.Helper()
	c.clear(place)
	if err := put(filepath.Join(c.dir, filepath.FromSlash(place))); err != nil {
		c.Skip(err)
	}
}

// TestSpecialFilesInTheStore has what would make a program that opens it wait for ever in the place
// of every file and folder.
func TestSpecialFilesInTheStore(t *testing.T) {
	for name, put := range confinedSpecials {
		for _, place := range placesFor(t, name, "pipe") {
			t.Run(name+"/"+place, func(t *testing.T) {
				t.Parallel()
				c := newConfined(t)
				putSpecial(c, put, place)
				c.exercise("run", "0", "x")
				c = newConfinedDamaged(t)
				putSpecial(c, put, place)
				c.keepsUp()
			})
		}
	}
}
