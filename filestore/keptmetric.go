package filestore

import (
	"context"
	"errors"

	"github.com/spf13/afero"

	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/rootfs"
)

// keptMetric is an open metric file. It is guarded by the run's lock.
type keptMetric struct {
	name string // from the store's root
	path string // in the file system
	file afero.File
	seen rootfs.Sight
	last [1]byte
}

// has reports whether a metric's file is open; it may be another one by now.
func (r *keptRun) has(key string) bool { return r != nil && r.metrics[key] != nil }

// keptInPlace reports whether a metric's file is open and still the one that its path leads to.
func (s *Store) keptInPlace(r *keptRun, key string) bool {
	if !r.has(key) {
		return false
	}
	m := r.metrics[key]
	now, err := s.kept.looker.Look(m.path, false)
	return err == nil && now.Same(m.seen)
}

// appendKept adds lines to a metric file that is open. Not done, and nothing changed, if it is to be opened.
func (s *Store) appendKept(ctx context.Context, run loggedRun, key string, lines []byte, sync bool) (done bool, err error) {
	if !run.kept.has(key) {
		return false, nil
	}
	m := run.kept.metrics[key]
	if err := s.ownFolders(run.ref.dir, layout.Metrics, key); err != nil {
		return true, err
	}
	now, err := s.kept.looker.Look(m.path, false)
	if err != nil || !now.Same(m.seen) {
		s.dropMetric(run.kept, key)
		// The name may have come to be a folder, or a link.
		_, err := s.keyPresent(run.ref.dir, layout.Metrics, "metric", key)
		return err != nil, err
	}
	size := now.Size
	if !m.endsLine(size) {
		size, err = s.endLine(ctx, run.ref.dir, m.name, m.file)
	}
	if err == nil {
		err = write(m.file, size, lines, sync)
	}
	if err != nil {
		s.dropMetric(run.kept, key)
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

// keepMetric keeps a metric file open that was opened to append to; false if the caller is to close it.
func (s *Store) keepMetric(r *keptRun, key, name string, file afero.File) bool {
	if r == nil {
		return false
	}
	seen, err := s.kept.looker.LookAt(file, false)
	if err != nil || seen.Device != s.kept.device {
		return false
	}
	s.dropMetric(r, key)
	if !s.kept.reserve() {
		for other := range r.metrics { // any, so that no pattern of use always closes the one needed next
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
	r.metrics[key] = &keptMetric{name: name, path: s.tree.name(name), file: file, seen: seen}
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
