package filestore

import "context"

// LockCopies implements mlruns.CopyLocker, by a lock file of its own in the root.
func (s *Store) LockCopies(ctx context.Context) (unlock func() error, err error) {
	defer wrap(&err, "lock copies", "")
	if err := s.beginWrite(ctx); err != nil {
		return nil, err
	}
	return s.find.LockCopies(ctx)
}
