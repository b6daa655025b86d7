package filestore

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"sync/atomic"
	"syscall"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/dir"
	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/atomicfile"
	"github.com/mlruns/mlruns/internal/drive"
	"github.com/mlruns/mlruns/internal/failure"
	"github.com/mlruns/mlruns/internal/vfs"
)

// appendCheck finds out whether files can be added to where a store lies.
type appendCheck struct {
	tree   *dir.Tree
	drive  drive.Drive
	passed atomic.Bool
}

// check refuses to log to a file system that makes files and cannot add to them, as some of
// user space: of every metric the first point would be logged there, and no other. It is asked
// before anything is made or logged, where the file system is not known to append: in user space,
// and where the caller brought it. Where no file can be made there is nothing to find out.
func (c *appendCheck) check() error {
	if c.passed.Load() {
		return nil
	}
	if c.known() {
		c.passed.Store(true)
		return nil
	}
	rel := layout.Join(layout.Private, dir.TemporaryName(atomicfile.Prefix+"tmp-append"))
	err := c.tree.MakeFolder(layout.Private, false)
	if err == nil {
		err = c.tree.Create(rel, []byte("1"), false)
	}
	if err == nil {
		err = c.try(rel)
	} else {
		err = vfs.Shortage(err)
	}
	c.tree.CleanUpFile(rel)
	c.passed.Store(err == nil)
	return err
}

func (c *appendCheck) known() bool {
	kind := c.drive.Kind
	return c.tree.Local() || c.drive.ReadOnly || kind != "" && kind != "memory" && !strings.Contains(kind, "fuse")
}

// tryAppend adds to a file that holds "1".
func (c *appendCheck) try(rel string) error {
	f, err := c.tree.FS.OpenFile(c.tree.Path(rel), os.O_RDWR|os.O_APPEND, 0)
	if err == nil {
		_, err = f.Write([]byte("2"))
		if closeErr := f.Close(); err == nil {
			err = closeErr
		}
	}
	if err == nil {
		var now []byte
		if now, err = c.tree.ReadFile(rel); err == nil && !bytes.Equal(now, []byte("12")) {
			err = fmt.Errorf("what was added to %q gave %q", "1", now)
		}
	}
	switch {
	case err == nil || vfs.IsShortage(err):
		return err
	case errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOSPC): // taken away, or full
		return nil
	}
	return &failure.Reason{Kind: mlruns.ErrUnsupported, Cause: err, Text: fmt.Sprintf("the file system cannot add to the end of a file (%v), without which no metric can be logged; "+
		"mount it so that it can (rclone: --vfs-cache-mode writes), or open the store with WithReadOnly", err)}
}
