package faultfs

import (
	"errors"
	"io/fs"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/spf13/afero"

	"github.com/mlruns/mlruns/internal/vfs"
)

// Fs is an afero.Fs that counts. It is a vfs.FS too if, and only if, the file system under it is
// one.
type Fs interface {
	afero.Fs
	afero.Symlinker
	// Ops are the operations so far, failed ones included.
	Ops() []Op
	// Count is the number of operations so far.
	Count() int
}

// New wraps inner. A nil injector only counts. The result is safe for concurrent use if inner is.
func New(inner afero.Fs, inj Injector) Fs {
	p := &plainFs{inner: inner, links: vfs.Adapt(inner), tape: &tape{inject: inj}}
	if full, ok := inner.(vfs.FS); ok {
		return &fullFs{plainFs: p, full: full}
	}
	return p
}

// Plain hides everything of a file system but afero.Fs. Equal values are
// the same file system.
func Plain(fsys afero.Fs) afero.Fs { return bare{fsys} }

type bare struct{ afero.Fs }

// tape numbers the operations and asks the injector.
type tape struct {
	mu     sync.Mutex
	inject Injector
	ops    []Op
}

// next numbers an operation and returns the injected error as it is, which only Write needs to tell
// apart.
func (t *tape) next(op Op) error {
	err := t.ask(op)
	if d := (*Delay)(nil); errors.As(err, &d) {
		d.Wait(op) // others may go on meanwhile
		return nil
	}
	return err
}

func (t *tape) ask(op Op) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	op.Index = len(t.ops)
	t.ops = append(t.ops, op)
	if t.inject == nil {
		return nil
	}
	return t.inject(op)
}

func (t *tape) fail(kind Kind, path string) error {
	if err := t.next(Op{Kind: kind, Path: path}); err != nil {
		return &fs.PathError{Op: string(kind), Path: path, Err: err}
	}
	return nil
}

func (t *tape) failPair(kind Kind, oldname, newname string) error {
	if err := t.next(Op{Kind: kind, Path: oldname, To: newname}); err != nil {
		return &os.LinkError{Op: string(kind), Old: oldname, New: newname, Err: err}
	}
	return nil
}

type plainFs struct {
	inner afero.Fs
	links vfs.FS // inner, for what it knows of links
	tape  *tape
}

func (p *plainFs) Ops() []Op {
	p.tape.mu.Lock()
	defer p.tape.mu.Unlock()
	return slices.Clone(p.tape.ops)
}

func (p *plainFs) Count() int {
	p.tape.mu.Lock()
	defer p.tape.mu.Unlock()
	return len(p.tape.ops)
}

func (p *plainFs) Name() string { return "faultfs(" + p.inner.Name() + ")" }

func (p *plainFs) Open(name string) (afero.File, error) { return p.OpenFile(name, os.O_RDONLY, 0) }

func (p *plainFs) Create(name string) (afero.File, error) {
	return p.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o666)
}

func (p *plainFs) OpenFile(name string, flag int, perm fs.FileMode) (afero.File, error) {
	kind := Open
	if flag&(os.O_CREATE|os.O_TRUNC) != 0 {
		kind = Create
	}
	if err := p.tape.fail(kind, name); err != nil {
		return nil, err
	}
	f, err := p.inner.OpenFile(name, flag, perm)
	if err != nil {
		return nil, err
	}
	return &file{File: f, name: name, tape: p.tape}, nil
}

// do runs an operation with one name.
func (p *plainFs) do(kind Kind, name string, call func() error) error {
	if err := p.tape.fail(kind, name); err != nil {
		return err
	}
	return call()
}

func (p *plainFs) Mkdir(name string, perm fs.FileMode) error {
	return p.do(Mkdir, name, func() error { return p.inner.Mkdir(name, perm) })
}

func (p *plainFs) MkdirAll(name string, perm fs.FileMode) error {
	return p.do(Mkdir, name, func() error { return p.inner.MkdirAll(name, perm) })
}

func (p *plainFs) Remove(name string) error {
	return p.do(Remove, name, func() error { return p.inner.Remove(name) })
}

func (p *plainFs) RemoveAll(name string) error {
	return p.do(Remove, name, func() error { return p.inner.RemoveAll(name) })
}

func (p *plainFs) Chmod(name string, mode fs.FileMode) error {
	return p.do(Chmod, name, func() error { return p.inner.Chmod(name, mode) })
}

func (p *plainFs) Chown(name string, uid, gid int) error {
	return p.do(Chown, name, func() error { return p.inner.Chown(name, uid, gid) })
}

func (p *plainFs) Chtimes(name string, atime, mtime time.Time) error {
	return p.do(Chtimes, name, func() error { return p.inner.Chtimes(name, atime, mtime) })
}

func (p *plainFs) Rename(oldname, newname string) error {
	if err := p.tape.failPair(Rename, oldname, newname); err != nil {
		return err
	}
	return p.inner.Rename(oldname, newname)
}

func (p *plainFs) Stat(name string) (fs.FileInfo, error) {
	if err := p.tape.fail(Stat, name); err != nil {
		return nil, err
	}
	return p.inner.Stat(name)
}

func (p *plainFs) LstatIfPossible(name string) (fs.FileInfo, bool, error) {
	if err := p.tape.fail(Stat, name); err != nil {
		return nil, false, err
	}
	info, err := p.links.Lstat(name)
	return info, true, err
}

func (p *plainFs) SymlinkIfPossible(oldname, newname string) error {
	if err := p.tape.failPair(Symlink, oldname, newname); err != nil {
		return err
	}
	return p.links.Symlink(oldname, newname)
}

func (p *plainFs) ReadlinkIfPossible(name string) (string, error) {
	if err := p.tape.fail(Readlink, name); err != nil {
		return "", err
	}
	return p.links.Readlink(name)
}
