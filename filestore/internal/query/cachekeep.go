package query

import (
	"io/fs"
	"strings"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/index"
	"github.com/mlruns/mlruns/filestore/internal/records"
	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/vfs"
)

// keeper keeps for the next index all that a run was read from. It is told what each file was when
// it was read, and looks at the others.
type keeper struct {
	session *session
	folder  vfs.Folder // that the run's, of the name of its id, is in
	ref     records.RunRef
	cells   []index.Cell
	noted   map[string]seen        // the files that were read, by their paths from the run's folder
	folders map[string]*keptFolder // of keys, likewise
	served  standing
}

// keptFolder is what lies in a folder of keys, as far as it was read.
type keptFolder struct{ files, folders int }

// usualFiles is how many files a run has, in most stores.
const usualFiles = 32

func newKeeper(c *session, ref records.RunRef, experiment vfs.Folder) *keeper {
	return &keeper{session: c, folder: experiment, ref: ref, noted: make(map[string]seen, usualFiles), folders: map[string]*keptFolder{}}
}

// note is told of a file that was read, perhaps not for the first time, and of the folder of the
// run, which has no name.
func (k *keeper) note(name string, id vfs.Identity) {
	kind := fs.FileMode(0)
	if name == "" {
		kind = fs.ModeDir
	}
	k.noted[name] = k.session.judge(id, kind)
}

// keep keeps a run that was read whole, if it has no problem and none of its files may be being
// written. Its meta.yaml is kept by who found it.
func (k *keeper) keep(run *mlruns.Run, links records.Links) {
	if k == nil || k.folder == nil || len(run.Problems) > 0 {
		return
	}
	if k.values(run) && k.rest(links) {
		k.session.draft.Put(k.ref.Experiment.Dir, k.ref.ID, false, k.cells)
	}
}

func (k *keeper) look(column string, kind fs.FileMode) (seen, error) {
	if column == "" { // else a link would be followed
		return k.session.look(k.folder, k.ref.ID, kind)
	}
	return k.session.lookIn(k.folder, k.ref.ID, column, kind)
}

func (k *keeper) add(column string, at seen, value []byte) bool {
	if !at.kept || value == nil {
		return false
	}
	k.cells = append(k.cells, index.Cell{Column: column, Stamp: at.stamp, Value: value})
	return true
}

// values keeps the values.
func (k *keeper) values(run *mlruns.Run) bool {
	k.cells = make([]index.Cell, 0, len(run.Data.Metrics)+len(run.Data.Params)+len(run.Data.Tags)+4)
	file := func(sub, key string, value []byte) bool {
		column := sub + "/" + key
		k.in(column[:strings.LastIndexByte(column, '/')]).files++
		at := k.noted[column]
		if at.stamp == 0 {
			at, _ = k.look(column, 0)
		}
		return k.add(column, at, value)
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

// in is a folder of keys, which is in the one above it.
func (k *keeper) in(name string) *keptFolder {
	f := k.folders[name]
	if f == nil {
		f = &keptFolder{}
		k.folders[name] = f
		if i := strings.LastIndexByte(name, '/'); i >= 0 {
			k.in(name[:i]).folders++
		}
	}
	return f
}

// rest keeps the folders.
func (k *keeper) rest(links records.Links) bool {
	flags := int64(runWhole)
	for sub, list := range map[string][]records.Link{layout.Inputs: links.Inputs, layout.Outputs: links.Outputs} {
		folder, err := k.look(sub, fs.ModeDir)
		if vfs.IsGone(err) {
			continue
		}
		flags |= folderFlags[sub]
		if !k.add(sub, k.session.lookAtLinks(k.folder, k.ref.ID+"/"+sub, folder, list), packLinks(list)) {
			return false
		}
	}
	if !k.keyFolders(layout.Metrics, layout.Params, layout.Tags) {
		return false
	}
	at, _ := k.look("", fs.ModeDir)
	if at != k.noted[""] { // the run was read where another is now
		return false
	}
	if k.session.index.TrustEnded && !k.session.index.Served && k.meta() != k.served.meta {
		return false
	}
	if k.session.index.Served && k.session.stands(k.folder, k.ref.ID) != k.served {
		return false
	}
	return k.add("", at, packFlags(flags))
}

// meta is the state of the meta.yaml that was read.
func (k *keeper) meta() index.Stamp {
	at := k.noted[layout.Meta]
	if at.stamp == 0 {
		at, _ = k.look(layout.Meta, 0)
	}
	return at.stamp
}

// keyFolders keeps folders of keys with all that are in them.
func (k *keeper) keyFolders(subs ...string) bool {
	for _, sub := range subs {
		if k.folders[sub] == nil {
			if _, err := k.look(sub, fs.ModeDir); vfs.IsGone(err) {
				continue
			}
			k.in(sub)
		}
	}
	for name, f := range k.folders {
		at, _ := k.look(name, fs.ModeDir)
		// Of every file in it there was a value, or else a problem. A folder without a key is known
		// by the one above, if that counts its folders.
		if at.links != uint64(f.folders)+2 && !k.hasOnly(name, *f) { //nolint:gosec // not negative
			return false
		}
		if !k.add(name, at, packFolder(f.files)) {
			return false
		}
	}
	return true
}

// hasOnly lists a folder of keys, and compares.
func (k *keeper) hasOnly(name string, had keptFolder) bool {
	f, err := k.folder.OpenFolder(layout.Join(k.ref.ID, name))
	if err != nil {
		return false
	}
	defer f.Close()
	entries, err := f.Entries()
	for _, e := range entries {
		if e.Type.IsDir() {
			had.folders--
		} else {
			had.files--
		}
	}
	return err == nil && had == (keptFolder{})
}
