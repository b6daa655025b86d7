package filestore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"

	"github.com/spf13/afero"

	"github.com/mlruns/mlruns/filestore/internal/codec"
	"github.com/mlruns/mlruns/filestore/internal/dir"
	"github.com/mlruns/mlruns/filestore/internal/records"
	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/atomicfile"
	"github.com/mlruns/mlruns/internal/vfs"
)

// tornPrefix begins the names of the files in a run's folder that keep torn lines.
const tornPrefix = atomicfile.Prefix + "torn-"

// appendPoints adds whole lines to a metric file. The first lines of a file are published by a
// link, so that no reader meets it empty; later ones are one write to its end. The commit point is
// the link, or the write to a file that is kept open, which is on a local file system. Of any other
// file it is the close: until then the lines may be in the memory of this machine only, as with
// NFS. The caller holds the run's lock. size is that of the file if it is open and was found in its
// place, or -1.
func (s *Store) appendPoints(ctx context.Context, run loggedRun, m codec.Series, size int64, sync bool) error {
	if run.kept.has(m.Key) {
		if done, err := s.appendKept(ctx, run, m, size, sync); done {
			return err
		}
	}
	// A link that leads nowhere is neither there to append to nor free to be made.
	const attempts = 5
	for i := 1; ; i++ {
		err := s.appendTo(ctx, run, m, sync)
		switch {
		case errors.Is(err, errTailChanged) && i < attempts:
			continue
		case !vfs.IsMissing(err):
			return err
		}
		// MLflow may make the file between the two attempts: then it is there to append to.
		if err = s.tree.PublishValue(run.ref.Dir, layout.Metrics, m.Key, m.Lines, sync); !errors.Is(err, fs.ErrExist) || i == attempts {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
}

func (s *Store) appendTo(ctx context.Context, run loggedRun, m codec.Series, sync bool) error {
	name := layout.Join(run.ref.Dir, layout.Metrics, m.Key)
	f, err := s.tree.FS.OpenFile(s.tree.Path(name), os.O_RDWR|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	size, err := s.endLine(ctx, run.ref.Dir, name, f)
	if err != nil {
		_ = f.Close()
		return err
	}
	err = write(f, size, m.Lines)
	if err == nil && sync {
		err = f.Sync()
	}
	if err == nil && s.keepMetric(run.kept, m.Key, name, f) {
		return nil
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		return nil
	}
	return s.takeBackClosed(name, size, m.Lines, err)
}

// takeBackClosed takes back an append that failed, perhaps not before the file was closed: what of
// it is there, all, a part or nothing, is seen when the file is opened anew. If others have
// appended meanwhile, the lines stay where they are, and stand if they are whole.
func (s *Store) takeBackClosed(name string, size int64, lines []byte, cause error) error {
	f, err := s.tree.FS.OpenFile(s.tree.Path(name), os.O_RDWR, 0)
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

// endLine makes sure that the file ends where a line may begin, and gives its size.
func (s *Store) endLine(ctx context.Context, run, name string, f afero.File) (int64, error) {
	size, tail, err := dir.ReadTail(f)
	if err == nil {
		err = refusePointer(f, size)
	}
	if err != nil || codec.IsBlank(tail) {
		return size, err
	}
	if err := dir.OutwaitTail(ctx, f, size, tail); err != nil {
		return 0, err
	}
	size, tail, err = dir.ReadTail(f)
	if err != nil || codec.IsBlank(tail) {
		return size, err
	}
	return size, s.blankOut(run, name, size, tail)
}

// blankOut saves a torn line in the run's folder and overwrites it with blanks, which every reader
// strips from the line that follows. The file is not cut: MLflow may be appending to it, and what
// it appends would be lost.
func (s *Store) blankOut(run, name string, size int64, tail []byte) error {
	saved := layout.Join(run, tornPrefix+dir.TemporaryName(path.Base(name)))
	err := s.tree.Create(saved, tail, s.syncs(SyncMeta))
	if err == nil && s.syncs(SyncMeta) {
		err = s.tree.SyncDir(run)
	}
	if err != nil {
		s.tree.CleanUpFile(saved)
		return fmt.Errorf("saving the torn line %.80q: %w", tail, err)
	}
	switch err = s.overwrite(name, size, tail); {
	case err == nil:
		s.logger.Warn("a torn line was saved and blanked out", "path", name, "saved", saved)
	case errors.Is(err, errTailChanged):
		s.tree.CleanUpFile(saved)
	}
	return err
}

// errTailChanged is an append that has to begin again.
var errTailChanged = errors.New("the end of the file keeps changing")

// overwrite writes blanks over the tail of a file, unless there is another tail, or another file,
// by now: saving it took time.
func (s *Store) overwrite(name string, size int64, tail []byte) (err error) {
	f, err := s.tree.FS.OpenFile(s.tree.Path(name), os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	nowSize, nowTail, err := dir.ReadTail(f)
	if err != nil {
		return err
	}
	if nowSize != size || !bytes.Equal(nowTail, tail) {
		return errTailChanged
	}
	_, err = f.WriteAt(bytes.Repeat([]byte{' '}, len(tail)), size-int64(len(tail)))
	return err
}

// appendLines adds whole lines to the file of a metric, for a repair. The caller holds the run's
// lock.
func (s *Store) appendLines(ctx context.Context, run records.RunRef, key string, lines []byte) error {
	return s.appendPoints(ctx, loggedRun{ref: run}, codec.Series{Key: key, Lines: lines}, -1, s.syncs(SyncMeta))
}
