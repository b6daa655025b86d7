package filestore

import "time"

// SetRunning makes the index of a store take the time from a clock.
func SetRunning(s *Store, running func() time.Duration) {
	s.search.Index().Start.Running = running
}

// WaitForIndex waits until the index that a search makes is there.
func WaitForIndex(s *Store) { s.search.Close() }
