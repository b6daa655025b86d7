package filestore

import "context"

// LockCopies implements mlruns.CopyLocker, by a lock file of its own in the root. Until unlock is
// called, what many write at once is made durable together, where the file system can do that.
func (s *Store) LockCopies(ctx context.Context) (unlock func() error, err error) {
	defer wrap(&err, "lock copies", "")
	if err := s.beginWrite(ctx); err != nil {
		return nil, err
	}
	release, err := s.find.LockCopies(ctx)
	if err != nil {
		return nil, err
	}
	end := s.tree.Groups()
	return func() error {
		end()
		return release()
	}, nil
}

// ImportsAtOnce implements mlruns.ManyImporter.
func (s *Store) ImportsAtOnce() int { return s.tree.Together() }
