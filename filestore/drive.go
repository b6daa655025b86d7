package filestore

// Drive says what a store lies on and what can be promised there; docs/drives.md tells what was
// tried where. It is judged when the store is opened, from the mount table on Linux.
type Drive struct {
	// FileSystem is the kind of the file system, "nfs4" for instance, "" where that is unknown.
	FileSystem string
	// ReadOnlyMedia is true where nothing can be written, whoever asks.
	ReadOnlyMedia bool
	// LocksMayBeLocal is true where a lock may not exclude all who write: other machines, or who
	// uses another mount. That is not known of every file system, and unknown is not safe.
	LocksMayBeLocal bool
	// LockWarning says to people why, and what to do; "" where locks exclude all.
	LockWarning string
}

// Drive tells what the store lies on.
func (s *Store) Drive() Drive {
	d := s.drive
	return Drive{FileSystem: d.Kind, ReadOnlyMedia: d.ReadOnly, LocksMayBeLocal: !d.Excludes, LockWarning: d.Why}
}

// warnOfDrive tells the log of a writer, once, that its locks may not exclude all others.
func (s *Store) warnOfDrive() {
	if s.drive.Excludes || s.readOnly || s.locking == LockNone {
		return
	}
	s.logger.Warn("locks may not exclude all who write here: "+s.drive.Why, "filesystem", s.drive.Kind, "dir", s.dir)
}
