package faultfs

import "syscall"

// Partial makes a Write write its first N bytes and fail with Err. A Sync or Close that fails with
// it keeps the first N bytes of the last write to the end of the file, as on a file system that
// writes behind. Any other operation just fails.
type Partial struct {
	N   int
	Err error
}

func (p *Partial) Error() string { return p.Err.Error() }

// Unwrap is Err.
func (p *Partial) Unwrap() error { return p.Err }

// FullAfter is a disk with room for n more bytes: the write that needs more writes what fits and
// fails with ENOSPC, as does every write after it. Nothing gives room back, and a write over bytes
// that exist needs room too.
func FullAfter(n int) Injector {
	return func(op Op) error {
		if op.Kind != Write {
			return nil
		}
		room := n
		n = max(n-op.Size, 0)
		if op.Size > room {
			return &Partial{N: room, Err: syscall.ENOSPC}
		}
		return nil
	}
}
