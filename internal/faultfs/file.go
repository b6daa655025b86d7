package faultfs

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/spf13/afero"
)

// file passes on what it does not count: Name and Seek.
type file struct {
	afero.File
	name string
	tape *tape

	written int // bytes of the last write that took effect
}

func (f *file) Read(p []byte) (int, error) {
	if err := f.tape.fail(Read, f.name); err != nil {
		return 0, err
	}
	return f.File.Read(p)
}

func (f *file) ReadAt(p []byte, off int64) (int, error) {
	if err := f.tape.fail(Read, f.name); err != nil {
		return 0, err
	}
	return f.File.ReadAt(p, off)
}

func (f *file) Write(p []byte) (int, error) {
	n, err := f.write(p, f.File.Write)
	f.written = n
	return n, err
}

func (f *file) WriteString(s string) (int, error) { return f.Write([]byte(s)) }

func (f *file) WriteAt(p []byte, off int64) (int, error) {
	return f.write(p, func(p []byte) (int, error) { return f.File.WriteAt(p, off) })
}

func (f *file) write(p []byte, call func([]byte) (int, error)) (int, error) {
	injected := f.tape.next(Op{Kind: Write, Path: f.name, Size: len(p)})
	part := &Partial{Err: injected}
	switch {
	case injected == nil:
		return call(p)
	case errors.Is(injected, ErrShort):
		part = &Partial{N: len(p) / 2, Err: fmt.Errorf("%w: %w", ErrInjected, injected)}
	default:
		errors.As(injected, &part)
	}
	n, err := 0, error(nil)
	if part.N > 0 {
		n, err = call(p[:min(part.N, len(p))])
	}
	if err == nil {
		err = &fs.PathError{Op: string(Write), Path: f.name, Err: part.Err}
	}
	return n, err
}

func (f *file) Truncate(size int64) error {
	if err := f.tape.fail(Truncate, f.name); err != nil {
		return err
	}
	return f.File.Truncate(size)
}

func (f *file) Sync() error {
	if err := f.tape.fail(Sync, f.name); err != nil {
		return errors.Join(err, f.lose(err))
	}
	return f.File.Sync()
}

// Close closes in any case, so that a test leaks nothing.
func (f *file) Close() error {
	injected := f.tape.fail(Close, f.name)
	lost := f.lose(injected)
	if err := f.File.Close(); injected == nil {
		return err
	}
	return errors.Join(injected, lost)
}

// lose takes back what a file system that writes behind was not able to write out, when it comes to
// say so.
func (f *file) lose(injected error) error {
	part := (*Partial)(nil)
	if !errors.As(injected, &part) || f.written == 0 {
		return nil
	}
	info, err := f.File.Stat()
	if err != nil {
		return err
	}
	return f.File.Truncate(info.Size() - int64(f.written-min(part.N, f.written)))
}

func (f *file) Stat() (fs.FileInfo, error) {
	if err := f.tape.fail(Stat, f.name); err != nil {
		return nil, err
	}
	return f.File.Stat()
}

func (f *file) Readdir(count int) ([]fs.FileInfo, error) {
	if err := f.tape.fail(Readdir, f.name); err != nil {
		return nil, err
	}
	return f.File.Readdir(count)
}

func (f *file) Readdirnames(n int) ([]string, error) {
	if err := f.tape.fail(Readdir, f.name); err != nil {
		return nil, err
	}
	return f.File.Readdirnames(n)
}
