package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/internal/failure"
	"github.com/mlruns/mlruns/tracking"
)

// trackingURI is the environment variable that names the store, MLflow's.
const trackingURI = "MLFLOW_TRACKING_URI"

// usual is the name of a store's directory where nothing else is said.
const usual = "mlruns"

// here is why a store is used that nothing names.
const here = "the current folder"

// place is where the store is, a directory or the URI of a server, and why there.
type place struct{ dir, from string }

func (p place) isServer() bool { return tracking.IsServer(p.dir) }

// place finds the store without opening it. It is unset where nothing names one.
func (a *app) place() (place, error) {
	at, err := a.named()
	if err == nil && at.isServer() && len(a.artifacts)+len(a.links)+len(a.mappings) > 0 {
		err = &usageError{"--allow-artifacts, --allow-links and --map-artifacts are about a folder, and " + at.from + " names a server"}
	}
	return at, err
}

func (a *app) named() (place, error) {
	if a.storeGiven() {
		if tracking.IsServer(a.store) {
			return place{a.store, "--store"}, nil
		}
		dir, err := storeDir(a.store)
		if err != nil {
			return place{}, &usageError{"--store: " + err.Error()}
		}
		return place{dir, "--store"}, nil
	}
	if uri := os.Getenv(trackingURI); uri != "" {
		if tracking.IsServer(uri) {
			return place{uri, trackingURI}, nil
		}
		dir, err := trackingDir(uri)
		if err != nil {
			return place{}, &usageError{trackingURI + ": " + err.Error()}
		}
		return place{dir, trackingURI}, nil
	}
	return place{}, nil
}

// nearest opens the store ./mlruns, or for reading the one of the nearest folder above that has one
// and can be trusted.
func nearest(opts []filestore.Option) (*filestore.Store, place, error) {
	dir, err := os.Getwd()
	if err != nil {
		return nil, place{}, err
	}
	at := place{filepath.Join(dir, usual), here}
	nextTo := at.dir
	up := newClimb()
	var first error
	for {
		store, err := filestore.Open(at.dir, opts...)
		switch {
		case err == nil:
			return store, at, nil
		case !errors.Is(err, mlruns.ErrNotFound) && !errors.Is(err, mlruns.ErrInvalid) || linkToNowhere(at.dir):
			return nil, at, err
		case first == nil:
			first = err
		}
		parent, ok := up.above(dir)
		if !ok || !up.trusts(filepath.Join(parent, usual)) {
			break
		}
		dir = parent
		at = place{filepath.Join(dir, usual), "a folder above the current one"}
	}
	if errors.Is(first, mlruns.ErrInvalid) {
		return nil, place{nextTo, ""}, first
	}
	where := "in any folder above"
	if up.ends != "" {
		where = fmt.Sprintf("in a folder above, looking up to %s (%s)", dir, up.ends)
	}
	text := fmt.Sprintf("there is no store: no folder named %s here or %s; name one with --store or %s", usual, where, trackingURI)
	return nil, place{nextTo, ""}, &failure.Reason{Kind: mlruns.ErrNotFound, Text: text}
}

// linkToNowhere reports whether a link stands there whose target is missing, as of a drive that is
// not mounted: the store that is meant is not another one.
func linkToNowhere(name string) bool {
	info, err := os.Lstat(name)
	if err != nil || info.Mode()&fs.ModeSymlink == 0 {
		return false
	}
	_, err = os.Stat(name)
	return errors.Is(err, fs.ErrNotExist)
}

// storeAbove is the directory of the store above the current folder where nothing names a store and
// there is none here, else "".
func (a *app) storeAbove() string {
	if at, err := a.place(); err != nil || at.dir != "" {
		return ""
	}
	store, at, err := nearest([]filestore.Option{filestore.WithReadOnly(), filestore.WithMustExist()})
	if err != nil {
		return ""
	}
	if err := store.Close(); err != nil || at.from == here {
		return ""
	}
	return at.dir
}

// pointAbove says of a store that is not in the current folder that there is one above, if there
// is.
func (a *app) pointAbove(err error) error {
	store, at, failed := nearest([]filestore.Option{filestore.WithReadOnly(), filestore.WithMustExist()})
	if failed != nil {
		return err
	}
	text := fmt.Sprintf("no store in .%c%s; commands that write, and --dry-run, do not look above, where there is one: name it with --store %s", filepath.Separator, usual, at.dir)
	return &mlruns.Error{Op: "open store", ID: usual, Err: errors.Join(&failure.Reason{Kind: mlruns.ErrNotFound, Text: text, Cause: err}, store.Close())}
}

// pointBelow asks whether the store in a directory is meant that was named itself, with a flag or
// without.
func pointBelow(dir, flag string, err error) error {
	below := filepath.Join(dir, usual)
	if !errors.Is(err, mlruns.ErrInvalid) {
		return err
	}
	store, failed := filestore.Open(below, filestore.WithReadOnly(), filestore.WithMustExist())
	if failed != nil {
		return err
	}
	var opening *mlruns.Error
	if errors.As(err, &opening) {
		err = &mlruns.Error{Op: opening.Op, ID: opening.ID, Err: &failure.Reason{Kind: mlruns.ErrInvalid, Text: opening.Err.Error() + ", did you mean " + flag + below + "?", Cause: err}}
	}
	return errors.Join(err, store.Close())
}
