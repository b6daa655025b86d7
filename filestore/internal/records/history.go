package records

import (
	"context"
	"path"

	"github.com/mlruns/mlruns/filestore/internal/codec"
	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/vfs"
)

// History goes through the points of a metric of the run whose folder is open. A metric that has
// no file has none.
func (r *Reader) History(ctx context.Context, run vfs.Folder, dir, key string, p *Problems, each func(codec.Point) bool) error {
	if IsForeignKey(key) {
		return nil
	}
	name := layout.Join(layout.Metrics, key)
	f, err := run.OpenFolder(path.Dir(name))
	if vfs.IsMissing(err) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	if info, err := f.Stat(path.Base(name)); err == nil && (info.IsDir() || !r.Tree.KeyMatches(dir, layout.Metrics, key)) {
		return nil
	}
	m := NewBuffer()
	defer m.Free()
	k := KeyFile{Key: key, Folder: f, Name: path.Base(name), Path: layout.Join(dir, name)}
	scan := Scanner{Path: k.Path, Problems: p}
	err = scan.Stream(ctx, k, m.Chunk(), scan.Points(each))
	if vfs.IsGone(err) {
		return nil
	}
	return err
}
