package filestore

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/artifacts"
	"github.com/mlruns/mlruns/filestore/internal/batch"
	"github.com/mlruns/mlruns/filestore/internal/codec"
	"github.com/mlruns/mlruns/filestore/internal/dir"
	"github.com/mlruns/mlruns/filestore/internal/fsck"
	"github.com/mlruns/mlruns/filestore/internal/lifecycle"
	"github.com/mlruns/mlruns/filestore/internal/locate"
	"github.com/mlruns/mlruns/filestore/internal/maintenance"
	"github.com/mlruns/mlruns/filestore/internal/query"
	"github.com/mlruns/mlruns/filestore/internal/records"
	"github.com/mlruns/mlruns/internal/dirlock"
	"github.com/mlruns/mlruns/internal/drive"
	"github.com/mlruns/mlruns/internal/failure"
	"github.com/mlruns/mlruns/internal/rootfs"
	"github.com/mlruns/mlruns/internal/vfs"
)

// Store is a mlruns.Store in a directory. Make one with Open; the zero Store is not usable.
type Store struct {
	mlruns.UnimplementedStore
	options

	tree     *dir.Tree
	records  *records.Reader
	locks    *dirlock.Locker
	drive    drive.Drive
	dir      string // as the caller gave it, absolute where it is a path of the operating system
	uri      string
	find     *locate.Locator
	life     *lifecycle.Mover
	search   *query.Searcher
	checker  *fsck.Checker
	maintain *maintenance.Maintainer
	batches  *batch.Writer
	closed   atomic.Bool
	append   *appendCheck
	noIndex  error // why there is none, once one was looked for
	close    func() error
}

var (
	_ mlruns.Store    = (*Store)(nil)
	_ mlruns.Verifier = (*Store)(nil)
)

// URI is the file URI of the directory; with WithFs, the path in that file system.
func (s *Store) URI() string { return s.uri }

// Close releases the directory. It waits for the index that a search has begun to make.
func (s *Store) Close() error {
	if s.closed.Swap(true) {
		return nil
	}
	s.search.Close()
	return errors.Join(s.batches.Close(), s.close())
}

// Open opens the store in the directory dir, a path or a file: URI; a URI of another scheme is
// mlruns.ErrUnsupported. Where the directory is missing or empty a store is made: the folder .trash
// and the experiment 0, "Default". Any number of processes may do that at once. A directory that
// holds other things but no store is mlruns.ErrInvalid, so is the folder of an experiment or run,
// one that is missing is mlruns.ErrNotFound with WithReadOnly or WithMustExist.
func Open(dir string, opts ...Option) (*Store, error) {
	s := &Store{options: defaults()}
	for _, o := range opts {
		o(&s.options)
	}
	s.chooseIndex()
	if err := s.open(dir); err != nil {
		return nil, &mlruns.Error{Op: "open store", ID: dir, Err: asError(err)}
	}
	return s, nil
}

func (s *Store) open(path string) error {
	for _, m := range s.mappings {
		if err := m.Check(); err != nil {
			return err
		}
	}
	if err := s.mount(path); err != nil {
		return err
	}
	s.records = &records.Reader{Tree: s.tree}
	// The one place where a store learns of its drive. Whether handles are kept (dir.Tree.Local) is
	// of the same judgement.
	s.drive = s.tree.FS.Drive()
	s.append = &appendCheck{tree: s.tree, drive: s.drive}
	s.locks = dirlock.New(s.tree.FS, dirlock.Mode(s.locking), dirlock.Options{Timeout: s.lockTimeout, OnExhausted: dir.GiveBack, OnUnlocked: func(name string, err error) {
		s.logger.Warn("no file locks here: other processes are not excluded", "lock", name, "error", err)
	}})
	s.parallelism = min(s.parallelism, dir.MaxReaders())
	s.find = locate.New(locate.Options{Tree: s.tree, Records: s.records, Locks: s.locks, Logger: s.logger, OnProblem: s.onProblem,
		Parallelism: s.parallelism, Dir: s.dir, URI: s.uri, OnDisk: s.fs == nil, ReadOnly: s.readOnly, ArtifactRoot: s.artifactRoot,
		ArtifactRoots: s.artifactRoots, Mappings: s.mappings})
	s.life = lifecycle.New(s.find, s.now)
	s.search = query.New(s.find)
	s.useIndex()
	s.checker = fsck.New(s.find, s.life, s.now)
	s.maintain = maintenance.New(s.find, s.life, s.now)
	s.batches = batch.New(s.find, !s.readOnly && s.locking != LockNone, s.syncsValues)
	if err := s.settle(); err != nil {
		return errors.Join(err, s.Close())
	}
	s.warnOfDrive()
	return nil
}

// mount sets the file system up, without looking what is in it.
func (s *Store) mount(path string) error {
	if s.fs != nil {
		s.dir, s.uri = path, path
		s.tree = dir.New(vfs.Adapt(s.fs), filepath.ToSlash(filepath.Clean(path)), s.treeOptions())
		s.close = func() error { return nil }
		return s.makeRoot(s.tree, s.dir)
	}
	path, err := localDir(path)
	if err != nil {
		return err
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	s.dir, s.uri = abs, artifacts.FileURI(filepath.ToSlash(abs))
	if err := s.makeDir(abs); err != nil {
		return err
	}
	targets, err := absoluteDirs(s.linkTargets)
	if err != nil {
		return err
	}
	root, err := rootfs.Open(abs, rootfs.Options{LinkTargets: targets, LinkHint: linkHint, ReadOnly: s.readOnly, OnExhausted: dir.GiveBack})
	if err != nil {
		return err
	}
	s.tree, s.close = dir.New(root, "", s.treeOptions()), root.Close
	return nil
}

// linkHint tells who meets a link that leads out of the store what to do about it.
const linkHint = "WithLinkTargets allows links into a directory"

// absoluteDirs gives the directories of WithLinkTargets, which must be there.
func absoluteDirs(dirs []string) ([]string, error) {
	list := make([]string, len(dirs))
	for i, dir := range dirs {
		info, err := os.Stat(dir)
		if err == nil && !info.IsDir() {
			err = syscall.ENOTDIR
		}
		if err == nil {
			list[i], err = filepath.Abs(dir)
		}
		if err != nil {
			return nil, &failure.Reason{Kind: mlruns.ErrInvalid, Text: fmt.Sprintf("WithLinkTargets of '%s': %s", dir, records.ReasonOf(err)), Cause: err}
		}
	}
	return list, nil
}

var errNoStore = &failure.Reason{Kind: mlruns.ErrNotFound, Text: "there is no such directory"}

// begin is how every operation starts.
func (s *Store) begin(ctx context.Context) error {
	if s.closed.Load() {
		return mlruns.ErrClosed
	}
	return ctx.Err()
}

// beginWrite is how every operation that writes starts.
func (s *Store) beginWrite(ctx context.Context) error {
	if err := s.begin(ctx); err != nil {
		return err
	}
	if s.readOnly {
		return mlruns.ErrReadOnly
	}
	return nil
}

// beginLogging is how every operation starts that logs, or makes what is logged to.
func (s *Store) beginLogging(ctx context.Context) error {
	if err := s.beginWrite(ctx); err != nil {
		return err
	}
	return s.append.check()
}

// fail wraps the error of an operation; nil stays nil.
func fail(op, id string, err error) error {
	if err == nil {
		return nil
	}
	return &mlruns.Error{Op: op, ID: id, Err: asError(err)}
}

// wrap is fail for a deferred call: it wraps the error that an operation is about to return.
func wrap(err *error, op, id string) { *err = fail(op, id, *err) }

// made gives what an operation has made, unless the error says that it has not.
func made[T any](v *T, err error) (*T, error) {
	if err != nil && !errors.Is(err, mlruns.ErrNotDurable) {
		return nil, err
	}
	return v, err
}

// asError gives the errors of the packages below their sentinels of package mlruns. What has one
// already is left as it is.
func asError(err error) error {
	for _, known := range [...]error{mlruns.ErrInvalid, mlruns.ErrNotFound, mlruns.ErrExists, mlruns.ErrNotActive, mlruns.ErrOutside, mlruns.ErrUnsupported,
		mlruns.ErrCorrupt, mlruns.ErrBusy, mlruns.ErrReadOnly, mlruns.ErrNotDurable, mlruns.ErrClosed, context.Canceled} {
		if errors.Is(err, known) {
			return err
		}
	}
	link := (*vfs.LinkError)(nil)
	if errors.As(err, &link) {
		return &failure.Reason{Kind: mlruns.ErrOutside, Text: err.Error(), Cause: err}
	}
	if vfs.IsDangling(err) {
		return &failure.Reason{Kind: mlruns.ErrCorrupt, Text: err.Error(), Cause: err}
	}
	for _, t := range [...]struct{ from, to error }{
		{dirlock.ErrGone, mlruns.ErrNotFound},
		{vfs.ErrOutside, mlruns.ErrOutside},
		{syscall.EROFS, mlruns.ErrReadOnly},
	} {
		if errors.Is(err, t.from) {
			return fmt.Errorf("%w: %w", t.to, err)
		}
	}
	var meta *codec.Damage
	var ids *codec.Mismatch
	if errors.As(err, &meta) || errors.As(err, &ids) {
		return fmt.Errorf("%w: %w", mlruns.ErrCorrupt, err)
	}
	return err
}
