package dir

import (
	"cmp"
	"errors"
	"io/fs"
	"maps"
	"path"
	"slices"

	"github.com/spf13/afero"

	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/filename"
	"github.com/mlruns/mlruns/internal/vfs"
)

// Builder fills a folder that nobody looks into yet. After an error it does nothing more.
type Builder struct {
	tree *Tree
	dir  string
	made []string     // folders, parents first
	open []afero.File // files that are not durable yet
	err  error

	member *Member      // or nil
	last   func() error // or nil
}

// Folder makes a folder and those above it, where that was not done before; "" is the builder's
// own.
func (b *Builder) Folder(rel string) {
	dir := b.dir
	if rel != "" {
		dir = layout.Join(b.dir, rel)
	}
	if b.err != nil || slices.Contains(b.made, dir) {
		return
	}
	if rel != "" && path.Dir(rel) != "." {
		b.Folder(path.Dir(rel))
	}
	if b.err == nil {
		b.err = b.tree.mkdir(dir)
		b.made = append(b.made, dir)
	}
}

// maxOpen bounds the files that wait to be made durable.
const maxOpen = 64

func (b *Builder) file(rel string, data []byte) {
	if b.err != nil {
		return
	}
	name := layout.Join(b.dir, rel)
	if !b.tree.Durable || b.member != nil {
		b.err = b.tree.Create(name, data, false)
		return
	}
	f, err := b.tree.createOpen(name, data)
	// of handles, which the files that wait have
	if f == nil && len(b.open) > 0 && vfs.IsShortage(err) {
		if b.settleFiles(nil); b.err != nil {
			return
		}
		f, err = b.tree.createOpen(name, data)
	}
	if f != nil {
		b.open = append(b.open, f)
	}
	if b.err = err; len(b.open) == maxOpen {
		b.settleFiles(nil)
	}
}

// Meta takes what a document is encoded as.
func (b *Builder) Meta(data []byte, err error) { b.document(layout.Meta, data, err) }

// TraceInfo is Meta for a trace.
func (b *Builder) TraceInfo(data []byte, err error) { b.document(layout.TraceInfo, data, err) }

func (b *Builder) document(name string, data []byte, err error) {
	if b.err == nil {
		b.err = err
	}
	b.file(name, data)
}

// Values makes a folder with a file for each key.
func (b *Builder) Values(folder string, values map[string]string) {
	b.Folder(folder)
	keys := slices.Sorted(maps.Keys(values))
	for _, key := range keys {
		if b.err != nil {
			return
		}
		name := layout.Join(folder, key)
		b.Folder(path.Dir(name))
		b.file(name, []byte(values[key]))
		b.named(folder, key, keys)
	}
}

// Series makes the file of a metric of what next gives, a chunk of lines after the other until it
// gives none, in bounded memory. keys are all of them, for messages.
func (b *Builder) Series(key string, keys []string, next func() ([]byte, error)) {
	name := layout.Join(layout.Metrics, key)
	b.Folder(path.Dir(name))
	if b.err != nil {
		return
	}
	lines, err := next()
	if err != nil || len(lines) == 0 {
		b.err = err
		return
	}
	f, err := b.tree.createOpen(layout.Join(b.dir, name), lines)
	for err == nil {
		if lines, err = next(); err != nil || len(lines) == 0 {
			break
		}
		_, err = f.Write(lines)
	}
	if err == nil && b.tree.Durable && b.member == nil {
		err = f.Sync()
	}
	if f != nil {
		if closeErr := f.Close(); err == nil {
			err = closeErr
		}
	}
	b.err = err
	b.named(layout.Metrics, key, keys)
}

// Part makes a folder with a meta.yaml, of what a document is encoded as.
func (b *Builder) Part(folder string, data []byte, err error) {
	b.Folder(folder)
	b.document(layout.Join(folder, layout.Meta), data, err)
}

// Failed reports whether an error has ended the building.
func (b *Builder) Failed() bool { return b.err != nil }

// Then does something once all that came before is made, and ends the building if that fails.
func (b *Builder) Then(do func() error) {
	if b.err == nil {
		b.err = do()
	}
}

// Last has something done when all is made and durable, just before it is placed. An error ends the
// building.
func (b *Builder) Last(do func() error) { b.last = do }

// named says in words what the file system has against the name of a key's file, or makes of it.
func (b *Builder) named(folder, key string, keys []string) {
	switch {
	case errors.Is(b.err, fs.ErrExist): // all are new, and differ
		b.err = cmp.Or(distinct(folder, keys), merged(folder, key, ""))
	case b.err != nil:
		b.err = b.tree.unholdable(layout.Join(b.dir, folder), folder, key, b.err)
	case !filename.Plain(key):
		b.err = b.tree.refuseOtherName(b.dir, folder, key)
	}
}

// settle makes all that was made durable.
func (b *Builder) settle() {
	if b.member != nil {
		b.Then(b.member.Sync)
		return
	}
	if b.tree.Durable {
		dirs := make([]string, 0, len(b.made))
		for _, dir := range slices.Backward(b.made) {
			dirs = append(dirs, b.tree.Path(dir))
		}
		b.settleFiles(dirs)
	}
}

// settleFiles makes the open files durable, and folders, and closes the files whatever the error.
func (b *Builder) settleFiles(dirs []string) {
	if b.err == nil {
		b.err = b.tree.FS.SyncAll(b.open, dirs)
	}
	for _, f := range b.open {
		if err := f.Close(); b.err == nil {
			b.err = err
		}
	}
	b.open = nil
}
