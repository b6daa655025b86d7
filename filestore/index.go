package filestore

import (
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/mlruns/mlruns/filestore/internal/index"
	"github.com/mlruns/mlruns/filestore/internal/query"
	"github.com/mlruns/mlruns/internal/rootfs"
	"github.com/mlruns/mlruns/internal/vfs"
)

// IndexMode says how searches use the index: a cache of what they read of a store's files, which
// they make themselves and can do without. It lies in the user's cache directory, never in the
// store. docs/index.md tells how it works.
type IndexMode uint8

const (
	// IndexNone reads the files.
	IndexNone IndexMode = iota
	// IndexChecked gives the same answers. A file is not read if it looks as it did when it was:
	// the same file, of the same size, with the same time of change. It is IndexNone where that
	// cannot be relied on: see Store.Index.
	IndexChecked
	// IndexTrustEnded is IndexChecked, but of a run that has ended it looks at meta.yaml only. It
	// misses what was written to such a run and did not change its meta.yaml: a tag that was set, a
	// metric that was logged after the end, a value that was edited by hand. On NFS it keeps
	// nothing but runs that have ended, and believes them after the server was asked about
	// meta.yaml.
	IndexTrustEnded
)

// WithIndex sets how searches use the index. The default is what the environment variable
// MLRUNS_INDEX says: none, checked or ended; without it IndexChecked, and IndexNone with WithFs.
func WithIndex(m IndexMode) Option {
	return func(o *options) { o.index, o.indexChosen = m, true }
}

// EnvIndex is the environment variable that says how searches use the index where WithIndex does
// not.
const EnvIndex = "MLRUNS_INDEX"

var indexModes = [...]string{IndexNone: "none", IndexChecked: "checked", IndexTrustEnded: "ended"}

// chooseIndex sets the mode where the caller left it open. What the variable says wrongly is told
// to the log: an index is not worth a store that does not open.
func (o *options) chooseIndex() {
	name := os.Getenv(EnvIndex)
	switch {
	case o.indexChosen:
		return
	case name == "":
		if o.fs == nil {
			o.index = IndexChecked
		}
		return
	}
	i := slices.Index(indexModes[:], name)
	if i < 0 {
		o.indexWrong = fmt.Sprintf("%s is '%s', and must be none, checked or ended", EnvIndex, name)
		o.logger.Warn("there is no index", "why", o.indexWrong)
		i = 0
	}
	o.index, o.indexChosen = IndexMode(i), true //nolint:gosec // one of three
}

// WithIndexDir is the directory for indexes, which is made if it is missing and must be the user's
// own. The default is mlruns in the user's cache directory.
func WithIndexDir(dir string) Option { return func(o *options) { o.indexDir = dir } }

// IndexInfo describes the index of a store.
type IndexInfo struct {
	// Mode is how searches use it. It is IndexNone also where none can be kept. Why says why it is
	// not the one that was asked for.
	Mode IndexMode
	Why  string
	// Path is its file, "" without a mode. Runs and Bytes tell what is in it, and are 0 as long as
	// there is none that can be used.
	Path  string
	Runs  int
	Bytes int64
}

// IndexInfo tells of the index.
func (s *Store) IndexInfo() IndexInfo {
	if at := s.search.Index(); at != nil {
		info := IndexInfo{Mode: s.index, Path: at.Path}
		info.Runs, info.Bytes = s.search.Indexed()
		return info
	}
	info := IndexInfo{}
	switch {
	case s.index == IndexNone:
		info.Why = s.indexWrong
	case s.noIndex != nil:
		info.Why = s.noIndex.Error()
	case s.fs != nil && !s.drive.Asked:
		info.Why = "the file system is the caller's"
	case len(s.linkTargets) > 0:
		info.Why = "links to other disks are followed"
	default:
		info.Why = "what a look at a file tells cannot be relied on on " + cmp.Or(s.drive.Kind, "this drive")
		if s.drive.Asked {
			info.Why += "; --index ended can be used: it asks the server"
		}
	}
	return info
}

// RebuildIndex reads all runs and makes the index anew; where there can be none it does nothing.
// each, if it is not nil, is called for each run. Searches make the index themselves: this is for a
// time at which nobody waits.
func (s *Store) RebuildIndex(ctx context.Context, each func()) error {
	err := s.begin(ctx)
	if err == nil && s.search.Index() != nil {
		if each == nil {
			each = func() {}
		}
		err = s.search.Rebuild(ctx, each)
	}
	return fail("rebuild index", "", err)
}

// DropIndex removes the index.
func (s *Store) DropIndex() error { return fail("drop index", "", s.search.Drop()) }

// useIndex gives the searches the index, where there can be one. What it takes is found out when
// the first search begins: many programs only write.
func (s *Store) useIndex() {
	if s.IndexMode() == IndexNone {
		return
	}
	s.search.UseIndex(func() *query.Index {
		at, err := s.findIndex()
		if err != nil {
			s.noIndex = err
			level := slog.LevelDebug
			if s.indexChosen {
				level = slog.LevelWarn
			}
			s.logger.Log(context.Background(), level, "searches use no index", "error", err)
		}
		return at
	})
}

// findIndex gives the index, or why there is none.
func (s *Store) findIndex() (*query.Index, error) {
	root, err := s.tree.FS.Identify(s.tree.Path(""), false)
	if err != nil {
		return nil, err
	}
	// nothing is known of a file system of the caller's
	dir, opened := s.dir, time.Now()
	start := query.Start{ID: rand.Uint64(), Running: func() time.Duration { return time.Since(opened) }}
	if s.fs != nil {
		dir = fmt.Sprintf("%s of %d", dir, root.Inode)
	} else if start, err = systemStart(); err != nil {
		return nil, fmt.Errorf("it is not known when the system was started: %w", err)
	}
	path, err := s.indexPath(dir)
	if err != nil {
		return nil, fmt.Errorf("there is no place for it: %w", err)
	}
	at := &query.Index{Path: path, Owner: s.indexOwner(root), Start: start, TrustEnded: s.index == IndexTrustEnded, Served: !s.tree.Local()}
	if err := index.CanKeep(path); err != nil {
		at.Unwritable = fmt.Errorf("there is no place for it: %w", err)
		if _, missing := os.Lstat(path); missing != nil {
			return nil, at.Unwritable
		}
	}
	return at, nil
}

// IndexMode is how searches use the index: as WithIndex says, or IndexNone where it cannot be
// relied on what a look at a file tells. That is so in a file system of the caller's, with
// WithLinkTargets, and on drives which the run that is logged to keeps no files open on
// (docs/drives.md). On NFS it is IndexTrustEnded where that was asked for, and else IndexNone: what
// this machine remembers of the server's files is no look at them.
func (s *Store) IndexMode() IndexMode {
	if s.tree.Local() || s.index == IndexTrustEnded && len(s.linkTargets) == 0 && s.tree.FS.Drive().Asked {
		return s.index
	}
	return IndexNone
}

// String is the mode as the command names it.
func (m IndexMode) String() string {
	if int(m) < len(indexModes) {
		return indexModes[m]
	}
	return indexModes[IndexNone]
}

func (s *Store) indexPath(of string) (string, error) {
	dir := s.indexDir
	if dir == "" {
		var err error
		if dir, err = index.DefaultDir(); err != nil {
			return "", err
		}
	}
	if _, below := rootfs.Below(dir, s.dir); below && s.fs == nil {
		return "", fmt.Errorf("%s lies in the store", dir)
	}
	return index.Path(dir, of), nil
}

// indexOwner is who an index is good for: the version of this module that read the files, the
// directory, and the user with the rights to read them.
func (s *Store) indexOwner(root vfs.Identity) []byte {
	if !s.tree.Local() {
		root.Device = 0 // another one each time that the drive is mounted
	}
	groups, _ := os.Getgroups()
	slices.Sort(groups)
	return fmt.Appendf(nil, "%s\n%s\n%d %d\n%d %d %v %x", moduleVersion(), s.dir, root.Device, root.Inode, os.Geteuid(), os.Getegid(), groups, passesRights())
}

// moduleVersion tells builds of this module apart.
func moduleVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return program("")
	}
	const path = "github.com/mlruns/mlruns"
	module := info.Main
	for _, m := range info.Deps {
		if m.Path == path {
			module = *m
		}
	}
	// what nobody has published has the same version from one build to the next
	if module.Path != path || module.Version == "" || module.Version == "(devel)" || module.Replace != nil || strings.HasSuffix(module.Version, "+dirty") {
		return program(info.String())
	}
	return module.Version + module.Sum
}

// program tells the program that runs from others that were built of other sources. The linker
// writes what it has made it of near its beginning.
func program(info string) string {
	f, err := os.Open("/proc/self/exe")
	if err != nil {
		return info
	}
	defer func() { _ = f.Close() }()
	head := make([]byte, 8<<10)
	n, _ := io.ReadFull(f, head)
	size, _ := f.Seek(0, io.SeekEnd)
	return fmt.Sprintf("%x %d", sha256.Sum256(append(head[:n], info...)), size)
}
