package artifacts

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/spf13/afero"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/internal/failure"
	"github.com/mlruns/mlruns/internal/rootfs"
	"github.com/mlruns/mlruns/internal/vfs"
)

// folderName is the folder of a run that holds its artifacts.
const folderName = "artifacts"

// Run is what Locate needs to know of a run and of its store.
type Run struct {
	// RecordedURI is the artifact location that the store recorded, "" if none.
	RecordedURI         string
	ExperimentID, RunID string

	// Fs is the file system of the store, and Dir the folder of the run in it.
	Fs  afero.Fs
	Dir string
	// RealDir is the folder of the run as a path of the operating system, "" if it has none.
	RealDir string

	// OwnRoot is the artifact root that the caller gave the store, as a path of the operating
	// system, "" if none. It is made when it is missing and written to.
	OwnRoot string
	// Mappings are the places that the caller gave to recorded locations. They are read and
	// written.
	Mappings []Mapping
	// InStore gives the folder in Fs where the recorded location is, and its URI, if it was
	// recorded below the directory of the store, there or where that was before, and nothing else
	// of the store is there. False if it was not; nil is the same. It is asked only when needed.
	InStore func() (folder, uri string, ok bool)
	// Allowed are the directories that the caller allowed to be read and written. They are looked
	// at only when needed.
	Allowed []string
	// ReadOnly says that the store is open for reading only.
	ReadOnly bool
	// ForWriting says that the place is wanted for writing.
	ForWriting bool
}

// Place is where a run's artifacts are. Close it after use.
type Place struct {
	// Fs holds the artifacts in Folder, which may be missing.
	Fs     afero.Fs
	Folder string
	// TempDir is for temporary files, on the same file system.
	TempDir string
	// URI is the place as it is now, which in a moved store is not what the store recorded.
	URI string
	// Writable says that the place may be written to.
	Writable bool
	// InStore says that Fs is that of the run.
	InStore bool
	// Settle is atomicfile.Options.Settle for what Repository writes. Set it before Repository is
	// called, where it fits TempDir, or leave it nil.
	Settle func() error
	// LeftOut is told of each artifact path that a listing or a copy leaves out, and why. Set it
	// before Repository is called; nil tells nobody.
	LeftOut func(path, reason string)
	// Alike is told by TellLeftOut of each artifact path that differs from another in the case of
	// its name only. Set it before Repository is called, or leave it nil.
	Alike func(path, other string)
	// Problem is set when the artifacts are read from where they were before the store moved. Its
	// Path is in Run.Fs.
	Problem *mlruns.Problem

	close func() error
}

// Close releases the place. Files that were opened stay open.
func (p *Place) Close() error {
	if p.close == nil {
		return nil
	}
	return p.close()
}

// Repository gives what can be done in the place; it is usable until Close. sync makes every write
// durable.
func (p *Place) Repository(sync bool) *Repository {
	leftOut := p.LeftOut
	if leftOut == nil {
		leftOut = func(string, string) {}
	}
	return &Repository{fs: vfs.Adapt(p.Fs), folder: p.Folder, tempDir: p.TempDir, sync: sync, settle: p.Settle, readOnly: !p.Writable, leftOut: leftOut, alike: p.Alike}
}

// Locate decides where the artifacts of a run are, by the first of these rules that fits:
//
//   - below OwnRoot, if the recorded location is there;
//   - in the directory of a mapping, if the recorded location is mapped;
//   - in the run's own folder, if the recorded location ends in "/<experiment>/<run>/artifacts" or
//     there is none. So a copied or moved store never touches its original. Only to read, only if
//     the run's own folder is empty or missing, and only if the recorded one lies below an allowed
//     directory and holds something, that is the place, with a Problem. A location of another
//     scheme than file has this rule only to read, and only if the run's own folder holds
//     something;
//   - where InStore says. If that holds nothing it is the allowed directory that the recorded
//     location is below;
//   - below an allowed directory, if the recorded location is there.
//
// Where the second and the fourth rule find nothing and the run's own folder holds something, that
// is the place.
//
// A store without a place on a disk, RealDir "", has the third and fourth rule only, and never
// reads what was recorded. Anything else is mlruns.ErrOutside, a location that is no local file
// mlruns.ErrUnsupported. "Below" is decided by the cleaned paths, and the operating system then
// holds every access to that directory: no link leads out of it. A recorded path that means nothing
// on this system, a relative one too, is mlruns.ErrOutside where no rule places it, for what it
// meant depended on where a process was started.
func Locate(r Run) (*Place, error) {
	recorded, notLocal := LocalPath(r.RecordedURI)
	if notLocal == nil {
		if recorded == "" {
			return r.own(r.ownURI())
		}
		recorded = path.Clean(recorded)
	}
	if r.RealDir != "" && notLocal == nil {
		if recorded == filepath.ToSlash(filepath.Join(r.RealDir, folderName)) {
			return r.own(r.RecordedURI)
		}
		if rel, ok := below(r.OwnRoot, recorded); ok {
			return r.openOwnRoot(rel)
		}
	}
	if r.RealDir != "" {
		if dir, rel, ok := Mapped(r.Mappings, r.RecordedURI); ok {
			return r.openMapped(dir, rel)
		}
	}
	if endsIn(r.RecordedURI, path.Join(r.ExperimentID, r.RunID, folderName)) {
		return r.beside(recorded, notLocal)
	}
	if r.InStore != nil {
		if folder, uri, ok := r.InStore(); ok {
			return r.inStore(folder, uri, recorded, notLocal)
		}
	}
	return r.openAllowed(recorded, notLocal)
}

// beside is the place of a run whose recorded location ends as that of its own folder does.
func (r Run) beside(recorded string, notLocal error) (*Place, error) {
	if _, file := RecordedPath(r.RecordedURI); !file {
		empty, err := r.vacant()
		if err != nil {
			return nil, err
		}
		if r.ForWriting || empty {
			return nil, notLocal
		}
	}
	if notLocal == nil && r.RealDir != "" {
		if p, err := r.moved(recorded); p != nil || err != nil {
			return p, err
		}
	}
	return r.own(r.ownURI())
}

// inStore is the place of a run whose artifacts are in another folder of the store.
func (r Run) inStore(folder, uri, recorded string, notLocal error) (*Place, error) {
	p := &Place{Fs: r.Fs, InStore: true, Folder: folder, TempDir: folder, URI: uri, Writable: !r.ReadOnly}
	empty, err := vacant(p.Fs, p.Folder)
	if err != nil {
		return nil, err
	}
	if empty {
		if there, err := r.openAllowed(recorded, notLocal); err == nil || vfs.IsShortage(err) {
			return there, err
		}
	}
	return r.orOwn(p)
}

// orOwn gives the run's own folder in place of one that holds nothing, if that holds something.
func (r Run) orOwn(p *Place) (*Place, error) {
	none, err := r.vacant()
	empty := false
	if err == nil && !none {
		empty, err = vacant(p.Fs, p.Folder)
	}
	if err == nil && !empty {
		return p, nil
	}
	if err = errors.Join(err, p.Close()); err != nil {
		return nil, err
	}
	return r.own(r.ownURI())
}

// vacant reports whether the run's own folder is missing or empty.
func (r Run) vacant() (bool, error) { return vacant(r.Fs, path.Join(r.Dir, folderName)) }

func (r Run) own(uri string) (*Place, error) {
	folder := path.Join(r.Dir, folderName)
	if err := checkBase(vfs.Adapt(r.Fs), folder); err != nil {
		return nil, refuse(err, "")
	}
	return &Place{Fs: r.Fs, InStore: true, Folder: folder, TempDir: r.Dir, URI: uri, Writable: !r.ReadOnly}, nil
}

func (r Run) ownURI() string {
	if r.RealDir == "" {
		return path.Join(r.Dir, folderName)
	}
	return FileURI(filepath.ToSlash(filepath.Join(r.RealDir, folderName)))
}

func (r Run) openOwnRoot(rel string) (*Place, error) {
	if r.ForWriting && !r.ReadOnly {
		if err := os.MkdirAll(r.OwnRoot, 0o777); err != nil {
			return nil, err
		}
	}
	p, err := r.open(r.OwnRoot, rel)
	if errors.Is(err, fs.ErrNotExist) {
		// Nothing was logged there yet.
		return &Place{Fs: afero.NewReadOnlyFs(afero.NewMemMapFs()), Folder: rel, TempDir: rel, URI: r.RecordedURI}, nil
	}
	return p, err
}

// moved is the place a moved store recorded, if that is to be read, else nil. The only error is a
// shortage, see vfs.IsShortage.
func (r Run) moved(recorded string) (*Place, error) {
	if r.ForWriting {
		return nil, nil //nolint:nilnil // documented
	}
	if here, err := r.vacant(); err != nil || !here {
		return nil, err
	}
	p, err := r.openAllowed(recorded, nil)
	if vfs.IsShortage(err) {
		return nil, err
	}
	if err != nil {
		return nil, nil //nolint:nilerr,nilnil // documented
	}
	info, err := p.Fs.Stat(p.Folder)
	empty := err != nil || !info.IsDir()
	if !empty {
		empty, err = vacant(p.Fs, p.Folder)
	}
	if empty || err != nil {
		_ = p.Close()
		if !vfs.IsShortage(err) {
			err = nil
		}
		return nil, err
	}
	p.Problem = &mlruns.Problem{Kind: mlruns.ProblemArtifacts, Path: path.Join(r.Dir, folderName),
		Reason: fmt.Sprintf("the folder is empty, so the artifacts are read from '%s'", recorded)}
	return p, nil
}

// openMapped opens the place of a mapped location.
func (r Run) openMapped(dir, rel string) (*Place, error) {
	p, err := r.open(dir, rel)
	if err != nil {
		return nil, fmt.Errorf("the directory that '%s' is mapped to cannot be opened: %w", r.RecordedURI, err)
	}
	p.URI = r.RecordedURI
	if abs, err := filepath.Abs(filepath.Join(dir, filepath.FromSlash(rel))); err == nil {
		p.URI = FileURI(filepath.ToSlash(abs))
	}
	return r.orOwn(p)
}

// openAllowed opens a recorded place below a directory that is allowed. notLocal is why it is none
// of this system.
func (r Run) openAllowed(recorded string, notLocal error) (*Place, error) {
	if notLocal != nil {
		return nil, notLocal
	}
	var missing error
	for _, dir := range r.Allowed {
		rel, ok := below(dir, recorded)
		if !ok || r.RealDir == "" {
			continue
		}
		p, err := r.open(dir, rel)
		if err == nil || !errors.Is(err, fs.ErrNotExist) {
			return p, err
		}
		missing = err
	}
	if missing != nil {
		return nil, fmt.Errorf("the directory that is allowed for artifacts is missing: %w", missing)
	}
	return nil, outside(recorded)
}

func outside(recorded string) error {
	text := fmt.Sprintf("The artifact location '%s' is outside of the store. ", recorded)
	switch {
	case filepath.IsAbs(filepath.FromSlash(recorded)):
		text += "Allow a directory above it with WithArtifactRoots if it is to be opened"
	case IsAbs(recorded) || strings.Contains(recorded, `\`):
		text += "It is a path of another system. If it is in a directory here, say so with WithArtifactMapping(location, dir)"
	default:
		text += "It is a relative path, and what it is relative to is not recorded. Say so with WithArtifactMapping(\".\", dir)"
	}
	return &failure.Reason{Kind: mlruns.ErrOutside, Text: text}
}

func (r Run) open(dir, rel string) (*Place, error) {
	fsys, err := rootfs.Open(dir, rootfs.Options{ReadOnly: r.ReadOnly || !r.ForWriting})
	if err != nil {
		return nil, err
	}
	return &Place{Fs: fsys, Folder: rel, TempDir: rel, URI: r.RecordedURI, Writable: !r.ReadOnly && r.ForWriting, close: fsys.Close}, nil
}

// below gives the path of p relative to dir, with slashes, if p is dir or below it. It looks at the
// texts only.
func below(dir, p string) (string, bool) {
	p = filepath.FromSlash(p)
	if dir == "" || !filepath.IsAbs(p) {
		return "", false
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", false
	}
	rel, err := filepath.Rel(dir, p)
	if err != nil || !filepath.IsLocal(rel) {
		return "", false
	}
	return filepath.ToSlash(rel), true
}

// vacant reports whether a folder is missing or empty. One that cannot be read is neither. The only
// error is a shortage.
func vacant(fsys afero.Fs, folder string) (bool, error) {
	f, err := fsys.Open(folder)
	if err == nil {
		defer f.Close()
		_, err = f.Readdirnames(1)
	}
	if vfs.IsShortage(err) {
		return false, err
	}
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, io.EOF), nil
}
