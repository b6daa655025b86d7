//go:build !linux

package rootfs

import (
	"errors"
	"io/fs"
	"os"
)

// beneath is what only Linux has.
type beneath struct{}

var errSlow = errors.New("only os.Root opens here")

func openBeneath(*os.Root) *beneath { return nil }

func (*beneath) close() error { return nil }

func (*beneath) openFile(string, int, fs.FileMode) (*os.File, error) { return nil, errSlow }

func (*beneath) stat(string, bool) (fs.FileInfo, error) { return nil, errSlow }

func (*beneath) mkdir(string, fs.FileMode) bool { return false }

func (*beneath) remove(string) bool { return false }

func (*beneath) link(string, string) bool { return false }

func (*beneath) rename(string, string) bool { return false }
