package query

import (
	"io/fs"
	"path"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/index"
	"github.com/mlruns/mlruns/filestore/internal/records"
	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/vfs"
)

// keeper looks at all that a run was read from, and keeps it for the next index.
type keeper struct {
	session *session
	folder  vfs.Folder
	cells   []index.Cell
	keys    map[string]bool // the columns of the values that were read
}

// keep keeps a run that was read whole, if it has no problem and none of its files may be being
// written. Its meta.yaml is kept by who found it.
func (s *Searcher) keep(c *session, ref records.RunRef, run *mlruns.Run) {
	if c == nil || len(run.Problems) > 0 {
		return
	}
	f, err := s.tree.Folder(ref.Dir)
	if err != nil {
		return
	}
	defer f.Close()
	k := &keeper{session: c, folder: f, keys: map[string]bool{}}
	if k.values(run) && k.run() && len(k.keys) == 0 {
		c.draft.Put(ref.Experiment.Dir, ref.ID, false, k.cells)
	}
}

func (k *keeper) add(column, name string, kind fs.FileMode, value []byte) bool {
	at, _ := k.session.look(k.folder, name, kind)
	if !at.kept || value == nil {
		return false
	}
	k.cells = append(k.cells, index.Cell{Column: column, Stamp: at.stamp, Value: value})
	return true
}

// values keeps the values.
func (k *keeper) values(run *mlruns.Run) bool {
	file := func(sub, key string, value []byte) bool {
		column := layout.Join(sub, key)
		k.keys[column] = true
		return k.add(column, column, 0, value)
	}
	for key, m := range run.Data.Metrics {
		if !file(layout.Metrics, key, packMetric(measured{latest: m})) {
			return false
		}
	}
	for key, value := range run.Data.Params {
		if !file(layout.Params, key, packText(value)) {
			return false
		}
	}
	for key, value := range run.Data.Tags {
		if !file(layout.Tags, key, packText(value)) {
			return false
		}
	}
	return true
}

// run keeps the folders. After it no key is left that is in none.
func (k *keeper) run() bool {
	flags := int64(runWhole)
	for sub, flag := range map[string]int64{layout.Inputs: runInputs, layout.Outputs: runOutputs} {
		switch at, err := k.session.look(k.folder, sub, fs.ModeDir); {
		case at.stamp != 0:
			flags |= flag
		case !vfs.IsGone(err):
			return false
		}
	}
	for _, sub := range [...]string{layout.Metrics, layout.Params, layout.Tags} {
		f, err := k.folder.OpenFolder(sub)
		if vfs.IsGone(err) {
			continue
		}
		if err != nil || !k.keyFolder(f, sub) {
			return false
		}
	}
	return k.add("", ".", fs.ModeDir, packFlags(flags))
}

// keyFolder keeps a folder of keys and those in it, and closes it.
func (k *keeper) keyFolder(f vfs.Folder, name string) bool {
	defer f.Close()
	entries, err := f.Entries()
	if err != nil {
		return false
	}
	files := 0
	for _, e := range entries {
		below := path.Join(name, e.Name)
		switch {
		case e.Type.IsDir():
			inner, err := f.OpenFolder(e.Name)
			if err != nil || !k.keyFolder(inner, below) {
				return false
			}
		case k.keys[below]:
			files++
			delete(k.keys, below)
		default:
			return false
		}
	}
	return k.add(name, name, fs.ModeDir, packFolder(files))
}
