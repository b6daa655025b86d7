package filestore

import (
	"fmt"
	"os"
	"runtime/debug"
	"slices"

	"github.com/mlruns/mlruns/filestore/internal/index"
	"github.com/mlruns/mlruns/filestore/internal/query"
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

// WithIndex sets how searches use the index. The default is IndexNone.
func WithIndex(m IndexMode) Option { return func(o *options) { o.index = m } }

// WithIndexDir is the directory for indexes, which is made if it is missing and must be the user's
// own. The default is mlruns in the user's cache directory.
func WithIndexDir(dir string) Option { return func(o *options) { o.indexDir = dir } }

// useIndex gives the searches the index, where there can be one.
func (s *Store) useIndex() {
	if s.IndexMode() == IndexNone {
		return
	}
	path, err := s.indexPath()
	if err != nil {
		s.logger.Warn("there is no place for an index", "error", err)
		return
	}
	owner, err := s.indexOwner()
	if err != nil {
		return
	}
	s.search.UseIndex(&query.Index{Path: path, Owner: owner, TrustEnded: s.index == IndexTrustEnded})
}

// IndexMode is how searches use the index: as WithIndex says, or IndexNone where it cannot be
// relied on what a look at a file tells. That is so in a file system of the caller's, with
// WithLinkTargets, and on drives which the run that is logged to keeps no files open on
// (docs/drives.md).
func (s *Store) IndexMode() IndexMode {
	if s.fs != nil || !s.tree.Local() {
		return IndexNone
	}
	return s.index
}

func (s *Store) indexPath() (string, error) {
	dir := s.indexDir
	if dir == "" {
		var err error
		if dir, err = index.DefaultDir(); err != nil {
			return "", err
		}
	}
	return index.Path(dir, s.dir), nil
}

// indexOwner is who an index is good for: the version of this module that read the files, the
// directory, and the user with the rights to read them.
func (s *Store) indexOwner() ([]byte, error) {
	root, err := s.tree.FS.Identify(s.tree.Path(""), false)
	if err != nil {
		return nil, err
	}
	groups, _ := os.Getgroups()
	slices.Sort(groups)
	return fmt.Appendf(nil, "%s\n%s\n%d %d\n%d %d %v", moduleVersion(), s.dir, root.Device, root.Inode, os.Geteuid(), os.Getegid(), groups), nil
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
