package filestore

import (
	"context"
	"errors"

	"github.com/spf13/afero"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/codec"
	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/atomicfile"
	"github.com/mlruns/mlruns/internal/vfs"
)

// keptMetric is an open metric file. It is guarded by the run's lock.
type keptMetric struct {
	name string // from the store's root
	path string // in the file system
	file afero.File
	seen vfs.Identity
	last [1]byte
}

// has reports whether a metric's file is open; it may be another one by now.
func (r *keptRun) has(key string) bool { return r != nil && r.metrics[key] != nil }

// inPlace reports whether an open file is still the one that its path leads to, and its size. That
// its folder has been moved and a link put in its place is not looked for: the file is the one that
// was opened in the run.
func (s *Store) inPlace(m *keptMetric) (size int64, ok bool) {
	now, err := s.kept.fs.Identify(m.path, false)
	return now.Size, err == nil && now.Same(m.seen)
}

// appendKept adds lines to a metric file that is open. Not done, and nothing changed, if it is to
// be opened.
func (s *Store) appendKept(ctx context.Context, run loggedRun, points codec.Series, size int64, sync bool) (done bool, err error) {
	m := run.kept.metrics[points.Key]
	if size < 0 {
		var ok bool
		if size, ok = s.inPlace(m); !ok {
			s.dropMetric(run.kept, points.Key)
			// The name may have come to be a folder, or a link.
			_, err := s.tree.KeyPresent(run.ref.Dir, layout.Metrics, "metric", points.Key)
			return err != nil, err
		}
	}
	if !m.endsLine(size) {
		size, err = s.endLine(ctx, run.ref.Dir, m.name, m.file)
	}
	if err == nil {
		err = write(m.file, size, points.Lines)
	}
	if err == nil && sync {
		if err = m.file.Sync(); err != nil {
			err = errors.Join(atomicfile.ErrNotDurable, err)
		}
	}
	if err != nil {
		s.dropMetric(run.kept, points.Key)
	}
	return !errors.Is(err, errTailChanged), err
}

// endsLine reports whether a file of a size ends with a newline.
func (m *keptMetric) endsLine(size int64) bool {
	if size == 0 {
		return true
	}
	n, err := m.file.ReadAt(m.last[:], size-1)
	return n == 1 && err == nil && m.last[0] == '\n'
}

// keepMetric keeps a metric file open that was opened to append to; false if the caller is to close
// it.
func (s *Store) keepMetric(r *keptRun, key, name string, file afero.File) bool {
	if r == nil {
		return false
	}
	seen, err := s.kept.fs.IdentifyFile(file, false)
	if err != nil || seen.Device != s.kept.device {
		return false
	}
	s.dropMetric(r, key)
	if !s.kept.reserve() {
		// any, so that no pattern of use always closes the one needed next
		for other := range r.metrics {
			s.dropMetric(r, other)
			break
		}
		if !s.kept.reserve() {
			return false
		}
	}
	if r.metrics == nil {
		r.metrics = map[string]*keptMetric{}
	}
	r.metrics[key] = &keptMetric{name: name, path: s.tree.Path(name), file: file, seen: seen}
	return true
}

// spare reports whether a step of a write to a run is to be tried again: the process lacked a
// handle for it, and the run's metric files have been closed. A step that failed has changed
// nothing, unless it says that its effect stands.
func (s *Store) spare(r *keptRun, err error) bool {
	if r == nil || len(r.metrics) == 0 || !vfs.IsShortage(err) || errors.Is(err, mlruns.ErrNotDurable) {
		return false
	}
	for key := range r.metrics {
		s.dropMetric(r, key)
	}
	return true
}

func (s *Store) dropMetric(r *keptRun, key string) {
	m := r.metrics[key]
	if m == nil {
		return
	}
	delete(r.metrics, key)
	s.kept.unreserve()
	if err := m.file.Close(); err != nil {
		s.logger.Warn("closing a metric failed", "path", m.name, "error", err)
	}
}
