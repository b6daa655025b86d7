package dir

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/spf13/afero"

	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/atomicfile"
	"github.com/mlruns/mlruns/internal/vfs"
)

// Append adds whole lines to the file of a metric in dir. The first lines of a file are published
// by a link, so that no reader meets it empty; later ones are one write to its end. The commit
// point is the link, or the close of the file: until then the lines may be in the memory of this
// machine only, as with NFS. The caller holds the lock of dir.
func (t *Tree) Append(ctx context.Context, dir, key string, lines []byte, sync bool) error {
	return t.append(ctx, dir, key, lines, sync, nil)
}

// append is Append with a keep that, unless it is nil, may keep the file open that was appended to.
// It must not say so before the lines have taken effect.
func (t *Tree) append(ctx context.Context, dir, key string, lines []byte, sync bool, keep func(key, name string, f afero.File) bool) error {
	// A link that leads nowhere is neither there to append to nor free to be made.
	const attempts = 5
	for i := 1; ; i++ {
		err := t.appendTo(ctx, dir, key, lines, sync, keep)
		switch {
		case errors.Is(err, errTailChanged) && i < attempts:
			continue
		case !vfs.IsMissing(err):
			return err
		}
		// MLflow may make the file between the two attempts: then it is there to append to.
		if err = t.PublishValue(dir, layout.Metrics, key, lines, sync); !errors.Is(err, fs.ErrExist) || i == attempts {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
}

func (t *Tree) appendTo(ctx context.Context, dir, key string, lines []byte, sync bool, keep func(key, name string, f afero.File) bool) error {
	name := layout.Join(dir, layout.Metrics, key)
	f, err := t.FS.OpenFile(t.Path(name), os.O_RDWR|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	size, err := t.endLine(ctx, dir, name, f)
	if err != nil {
		_ = f.Close()
		return err
	}
	err = write(f, size, lines)
	if err == nil && (sync || keep != nil && t.served) { // the close of a file that is kept tells nothing

		err = f.Sync()
	}
	if err == nil && keep != nil && keep(key, name, f) {
		return nil
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		return nil
	}
	return t.takeBackClosed(name, size, lines, err)
}

// takeBackClosed takes back an append that failed, perhaps not before the file was closed: what of
// it is there, all, a part or nothing, is seen when the file is opened anew. If others have
// appended meanwhile, the lines stay where they are, and stand if they are whole.
func (t *Tree) takeBackClosed(name string, size int64, lines []byte, cause error) error {
	f, err := t.FS.OpenFile(t.Path(name), os.O_RDWR, 0)
	if err != nil {
		return errors.Join(cause, fmt.Errorf("what of it is there could not be taken back: %w", err))
	}
	there := make([]byte, len(lines)+1)
	n, err := f.ReadAt(there, size)
	there = there[:n]
	switch {
	case err != nil && !errors.Is(err, io.EOF):
	case n == 0:
		err = nil
	case n <= len(lines) && isPartOf(there, lines):
		err = f.Truncate(size)
	case bytes.HasPrefix(there, lines):
		cause, err = errors.Join(atomicfile.ErrNotDurable, cause), nil
	default:
		err = errors.New("another program has written there")
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		err = fmt.Errorf("what of it is there could not be taken back: %w", err)
	}
	return errors.Join(cause, err)
}

// isPartOf reports whether what is in a file is what was to be written there, cut off or with a
// hole.
func isPartOf(there, lines []byte) bool {
	for i, b := range there {
		if b != lines[i] && b != 0 {
			return false
		}
	}
	return true
}

// write adds lines to a file of a size that ends where a line may begin.
func write(f afero.File, size int64, lines []byte) error {
	n, err := f.Write(lines)
	if err != nil {
		err = errors.Join(err, takeBack(f, size, lines[:n]))
	}
	return err
}

// takeBack removes the part of a failed append that was written, if it is still the end of the
// file.
func takeBack(f afero.File, size int64, written []byte) error {
	if len(written) == 0 {
		return nil
	}
	info, err := f.Stat()
	if err != nil || info.Size() != size+int64(len(written)) {
		return err
	}
	return f.Truncate(size)
}
