package locate

import (
	"log/slog"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/artifacts"
	"github.com/mlruns/mlruns/filestore/internal/dir"
	"github.com/mlruns/mlruns/filestore/internal/records"
	"github.com/mlruns/mlruns/internal/dirlock"
)

// Locator finds experiments, runs and the places of their artifacts, and locks them where they are.
// What moves while it is looked for is followed, see follow.go. It is safe for concurrent use.
type Locator struct {
	Options
	hints runHints
}

// Options are what a Locator has to know of its store.
type Options struct {
	Tree    *dir.Tree
	Records *records.Reader
	Locks   *dirlock.Locker
	Logger  *slog.Logger
	// OnProblem is told of problems by calls that name nobody else; nil: they are logged.
	OnProblem func(mlruns.Problem)
	// Parallelism is how many places are looked into at once.
	Parallelism int
	Dir         string // the store's directory, as recorded paths are compared with it
	URI         string // the store's URI
	// OnDisk says that Dir is a path of the operating system.
	OnDisk        bool
	ReadOnly      bool
	ArtifactRoot  string // where new experiments have their artifacts, "" below the store
	ArtifactRoots []string
	Mappings      []artifacts.Mapping
}

// New is the Locator of a store.
func New(o Options) *Locator { return &Locator{Options: o} }
