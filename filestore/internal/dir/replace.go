package dir

import (
	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/atomicfile"
	"github.com/mlruns/mlruns/internal/vfs"
)

// ReplaceMeta replaces the meta.yaml of an experiment or run. The temporary file lies in the same
// folder, where no MLflow version looks.
func (t *Tree) ReplaceMeta(dir string, data []byte) error {
	return t.replaceDocument(dir, layout.Meta, data)
}

// ReplaceTraceInfo is ReplaceMeta for a trace.
func (t *Tree) ReplaceTraceInfo(dir string, data []byte) error {
	return t.replaceDocument(dir, layout.TraceInfo, data)
}

func (t *Tree) replaceDocument(dir, name string, data []byte) error {
	return atomicfile.Replace(t.FS, t.Path(layout.Join(dir, name)), data,
		atomicfile.Options{TempDir: t.Path(dir), Sync: t.Durable})
}

// CleanUpFile removes a file that is of no use any more.
func (t *Tree) CleanUpFile(name string) {
	if err := t.Remove(name); err != nil && !vfs.IsMissing(err) {
		t.Logger.Warn("cleaning up failed", "path", name, "error", err)
	}
}
