package dir

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"time"

	"github.com/spf13/afero"

	"github.com/mlruns/mlruns/filestore/internal/codec"
	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/atomicfile"
	"github.com/mlruns/mlruns/internal/failure"
	"github.com/mlruns/mlruns/internal/vfs"
)

// TornPatience is how long a last line without its newline must stay as it is before it is taken
// for torn: its writer may only be slow.
const TornPatience = 50 * time.Millisecond

// tornPrefix begins the names of the files in a run's folder that keep torn lines.
const tornPrefix = atomicfile.Prefix + "torn-"

// endLine makes sure that the file ends where a line may begin, and gives its size.
func (t *Tree) endLine(ctx context.Context, run, name string, f afero.File) (int64, error) {
	size, tail, err := ReadTail(f)
	if err == nil {
		err = refusePointer(f, size)
	}
	if err != nil || codec.IsBlank(tail) {
		return size, err
	}
	if err := OutwaitTail(ctx, f, size, tail); err != nil {
		return 0, err
	}
	size, tail, err = ReadTail(f)
	if err != nil || codec.IsBlank(tail) {
		return size, err
	}
	return size, t.blankOut(run, name, size, tail)
}

// OutwaitTail waits until a torn line has stayed as it is for TornPatience, or has been completed.
func OutwaitTail(ctx context.Context, f afero.File, size int64, tail []byte) error {
	for {
		if err := Sleep(ctx, TornPatience); err != nil {
			return err
		}
		newSize, newTail, err := ReadTail(f)
		if err != nil || codec.IsBlank(newTail) || newSize == size && bytes.Equal(newTail, tail) {
			return err
		}
		size, tail = newSize, newTail
	}
}

// blankOut saves a torn line in the run's folder and overwrites it with blanks, which every reader
// strips from the line that follows. The file is not cut: MLflow may be appending to it, and what
// it appends would be lost.
func (t *Tree) blankOut(run, name string, size int64, tail []byte) error {
	saved := layout.Join(run, tornPrefix+TemporaryName(path.Base(name)))
	err := t.Create(saved, tail, t.Durable)
	if err == nil && t.Durable {
		err = t.SyncDir(run)
	}
	if err != nil {
		t.CleanUpFile(saved)
		return fmt.Errorf("saving the torn line %.80q: %w", tail, err)
	}
	switch err = t.overwrite(name, size, tail); {
	case err == nil:
		t.Logger.Warn("a torn line was saved and blanked out", "path", name, "saved", saved)
	case errors.Is(err, errTailChanged):
		t.CleanUpFile(saved)
	}
	return err
}

// errTailChanged is an append that has to begin again.
var errTailChanged = errors.New("the end of the file keeps changing")

// overwrite writes blanks over the tail of a file, unless there is another tail, or another file,
// by now: saving it took time.
func (t *Tree) overwrite(name string, size int64, tail []byte) (err error) {
	f, err := t.FS.OpenFile(t.Path(name), os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	nowSize, nowTail, err := ReadTail(f)
	if err != nil {
		return err
	}
	if nowSize != size || !bytes.Equal(nowTail, tail) {
		return errTailChanged
	}
	_, err = f.WriteAt(bytes.Repeat([]byte{' '}, len(tail)), size-int64(len(tail)))
	return err
}

// ReadTail gives the size of a file and what follows its last newline.
func ReadTail(f afero.File) (size int64, tail []byte, err error) {
	info, err := f.Stat()
	if err != nil {
		return 0, nil, err
	}
	size = info.Size()
	for n := min(size, 1); n > 0; n = min(size, n*512) {
		if n > vfs.MaxReadFile {
			return 0, nil, &codec.Damage{Reason: fmt.Sprintf("%s: the last line has more than %d bytes and no end, so it is no metric's", f.Name(), vfs.MaxReadFile)}
		}
		tail = make([]byte, n)
		if _, err := f.ReadAt(tail, size-n); err != nil && !errors.Is(err, io.EOF) {
			return 0, nil, err
		}
		if i := bytes.LastIndexByte(tail, '\n'); i >= 0 {
			return size, tail[i+1:], nil
		}
		if n == size {
			break
		}
	}
	return size, tail, nil
}

// refusePointer is an error if an open file of a size is a pointer: what is appended to it would be
// lost when the content is fetched, or keep it from that.
func refusePointer(f afero.File, size int64) error {
	if size == 0 || size > codec.MaxPointer {
		return nil
	}
	head := make([]byte, size)
	if n, err := f.ReadAt(head, 0); err != nil && !errors.Is(err, io.EOF) {
		return err
	} else if d := codec.GitPointerOrLink(head[:n]); d != nil {
		return &failure.Reason{Kind: failure.ErrCorrupt, Code: failure.CodeInternal, Text: d.Reason, Cause: d}
	}
	return nil
}
