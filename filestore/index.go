package filestore

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime/debug"
	"slices"

	"github.com/mlruns/mlruns/filestore/internal/index"
	"github.com/mlruns/mlruns/filestore/internal/query"
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
	// metric that was logged after the end, a value that was edited by hand.
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
	case name == "" && o.fs == nil:
		name = indexModes[IndexChecked]
	case name == "":
		return
	}
	i := slices.Index(indexModes[:], name)
	if i < 0 {
		o.logger.Warn("there is no index: "+EnvIndex+" must be none, checked or ended", "value", name)
		i = 0
	}
	o.index = IndexMode(i) //nolint:gosec // one of three
}

// WithIndexDir is the directory for indexes, which is made if it is missing and must be the user's
// own. The default is mlruns in the user's cache directory.
func WithIndexDir(dir string) Option { return func(o *options) { o.indexDir = dir } }

// IndexInfo describes the index of a store.
type IndexInfo struct {
	// Mode is that of Store.IndexMode, Why says why it is not the one that was asked for.
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
	info := IndexInfo{Mode: s.IndexMode()}
	if at := s.search.Index(); at != nil {
		info.Path = at.Path
		info.Runs, info.Bytes = s.search.Indexed()
	}
	switch {
	case s.index == info.Mode:
	case s.fs != nil:
		info.Why = "the file system is the caller's"
	case len(s.linkTargets) > 0:
		info.Why = "links to other disks are followed"
	default:
		info.Why = "what a look at a file tells cannot be relied on on " + cmp.Or(s.drive.Kind, "this drive")
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

// useIndex gives the searches the index, where there can be one.
func (s *Store) useIndex() {
	if s.IndexMode() == IndexNone {
		return
	}
	root, err := s.tree.FS.Identify(s.tree.Path(""), false)
	if err != nil {
		return
	}
	// nothing is known of a file system of the caller's
	dir, start := s.dir, query.Start{ID: rand.Uint64()}
	if s.fs != nil {
		dir = fmt.Sprintf("%s of %d", dir, root.Inode)
	} else if start, err = systemStart(); err != nil {
		s.logger.Warn("it is not known when the system was started, so there is no index", "error", err)
		return
	}
	path, err := s.indexPath(dir)
	if err != nil {
		s.logger.Warn("there is no place for an index", "error", err)
		return
	}
	owner := s.indexOwner(root)
	s.search.UseIndex(&query.Index{Path: path, Owner: owner, Start: start, TrustEnded: s.index == IndexTrustEnded})
}

// IndexMode is how searches use the index: as WithIndex says, or IndexNone where it cannot be
// relied on what a look at a file tells. That is so in a file system of the caller's, with
// WithLinkTargets, and on drives which the run that is logged to keeps no files open on
// (docs/drives.md).
func (s *Store) IndexMode() IndexMode {
	if !s.tree.Local() {
		return IndexNone
	}
	return s.index
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
	return index.Path(dir, of), nil
}

// indexOwner is who an index is good for: the version of this module that read the files, the
// directory, and the user with the rights to read them.
func (s *Store) indexOwner(root vfs.Identity) []byte {
	groups, _ := os.Getgroups()
	slices.Sort(groups)
	return fmt.Appendf(nil, "%s\n%s\n%d %d\n%d %d %v", moduleVersion(), s.dir, root.Device, root.Inode, os.Geteuid(), os.Getegid(), groups)
}

// moduleVersion tells builds of this module apart, as far as they say what they are.
func moduleVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	const path = "github.com/mlruns/mlruns"
	version := info.Main.Version
	for _, m := range info.Deps {
		if m.Path == path {
			version = m.Version + m.Sum
		}
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" || s.Key == "vcs.modified" {
			version += " " + s.Value
		}
	}
	return version
}
