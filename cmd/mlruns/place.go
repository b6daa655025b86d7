package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
)

// trackingURI is the environment variable that names the store, MLflow's.
const trackingURI = "MLFLOW_TRACKING_URI"

// usual is the name of a store's directory where nothing else is said.
const usual = "mlruns"

// place is where the store is, and why there.
type place struct{ dir, from string }

// place finds the store without opening it. It is unset where nothing names one.
func (a *app) place() (place, error) {
	if a.storeGiven() {
		dir, err := storeDir(a.store)
		if err != nil {
			return place{}, &usageError{"--store: " + err.Error()}
		}
		return place{dir, "--store"}, nil
	}
	if uri := os.Getenv(trackingURI); uri != "" {
		dir, err := trackingDir(uri)
		if err != nil {
			return place{}, &usageError{trackingURI + ": " + err.Error()}
		}
		return place{dir, trackingURI}, nil
	}
	return place{}, nil
}

// nearest opens the store ./mlruns, or the one of the nearest folder above that has one, for reading.
func nearest(opts []filestore.Option) (*filestore.Store, place, error) {
	dir, err := os.Getwd()
	if err != nil {
		return nil, place{}, err
	}
	at := place{filepath.Join(dir, usual), "the current folder"}
	here := at.dir
	var first error
	for {
		store, err := filestore.Open(at.dir, opts...)
		switch {
		case err == nil:
			return store, at, nil
		case !errors.Is(err, mlruns.ErrNotFound) && !errors.Is(err, mlruns.ErrInvalid):
			return nil, at, err
		case first == nil:
			first = err
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			break
		}
		dir = parent
		at = place{filepath.Join(dir, usual), "a folder above the current one"}
	}
	if errors.Is(first, mlruns.ErrInvalid) {
		return nil, place{here, ""}, first
	}
	text := fmt.Sprintf("there is no store: no folder named %s here or in any folder above; name one with --store or %s", usual, trackingURI)
	return nil, place{here, ""}, &mlruns.Reason{Kind: mlruns.ErrNotFound, Text: text}
}
