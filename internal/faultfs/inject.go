package faultfs

import "errors"

// ErrInjected is the error of an injector that was given none.
var ErrInjected = errors.New("injected fault")

// Kind is what an operation does. Kinds of folders and of files opened from them are those of paths
// and files.
type Kind string

// The kinds of operation. Open is for reading, Create is any open that may make or change a file.
const (
	Open       Kind = "open"
	Create     Kind = "create"
	Read       Kind = "read"
	Write      Kind = "write"
	Truncate   Kind = "truncate"
	Sync       Kind = "sync"
	Close      Kind = "close"
	Rename     Kind = "rename"
	Link       Kind = "link"
	Symlink    Kind = "symlink"
	Readlink   Kind = "readlink"
	Mkdir      Kind = "mkdir"
	Remove     Kind = "remove"
	Stat       Kind = "stat"
	Readdir    Kind = "readdir"
	Chmod      Kind = "chmod"
	Chown      Kind = "chown"
	Chtimes    Kind = "chtimes"
	SyncDir    Kind = "syncdir"
	SyncVolume Kind = "syncvolume"
	OpenFolder Kind = "openfolder"
	ReadFile   Kind = "readfile" // of a folder
)

// Mutates reports whether an operation of this kind can change what is on the disk.
func (k Kind) Mutates() bool {
	switch k {
	case Create, Write, Truncate, Rename, Link, Symlink, Mkdir, Remove, Chmod, Chown, Chtimes:
		return true
	}
	return false
}

// Op is one operation.
type Op struct {
	Kind  Kind
	Path  string // of a rename or link: the old name
	To    string // of a rename or link: the new name
	Size  int    // of a write: the bytes to be written
	Index int    // from 0, in the order in which they began
}

// Injector decides the error of an operation. nil lets it through. An operation that fails has no
// effect, but that Close releases the handle, that a Write that fails with ErrShort writes half,
// and that one that fails with a *Partial writes that much, also if a Close or Sync tells so later.
// An operation for which it gives a *Delay goes through, later. An Injector is called by one
// goroutine at a time.
type Injector func(Op) error

// ErrShort makes a Write write half of its bytes; what the caller sees is ErrInjected.
var ErrShort = errors.New("short write")

// FailAt fails the i-th operation with err; nil means ErrInjected.
func FailAt(i int, err error) Injector {
	return FailMatching(func(op Op) bool { return op.Index == i }, err)
}

// FailFrom fails the i-th operation and all that follow with err, as if the process were killed or
// the disk gone; nil means ErrInjected.
func FailFrom(i int, err error) Injector {
	return FailMatching(func(op Op) bool { return op.Index >= i }, err)
}

// ShortWriteAt lets the i-th operation write half of its bytes and fail with ErrInjected, if it is
// a Write; else it succeeds.
func ShortWriteAt(i int) Injector {
	return FailMatching(func(op Op) bool { return op.Index == i && op.Kind == Write }, ErrShort)
}

// FailMatching fails the operations for which match is true with err; nil means ErrInjected.
func FailMatching(match func(Op) bool, err error) Injector {
	if err == nil {
		err = ErrInjected
	}
	return func(op Op) error {
		if match(op) {
			return err
		}
		return nil
	}
}
