package filestore

import (
	"log/slog"
	"runtime"
	"time"

	"github.com/spf13/afero"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/artifacts"
	"github.com/mlruns/mlruns/filestore/internal/dir"
	"github.com/mlruns/mlruns/internal/validate"
)

// Option changes how Open opens a store.
type Option func(*options)

type options struct {
	fs            afero.Fs
	readOnly      bool
	mustExist     bool
	sync          Sync
	locking       Locking
	lockTimeout   time.Duration
	clock         func() time.Time
	logger        *slog.Logger
	artifactRoot  string
	artifactRoots []string
	mappings      []artifacts.Mapping
	linkTargets   []string
	onProblem     func(mlruns.Problem)
	truncation    bool
	parallelism   int
	index         IndexMode
	indexChosen   bool   // by the caller
	indexWrong    string // what is wrong with the environment's choice
	indexDir      string
}

// minParallelism is how many files are read at once at least. From a disk or a network that is two
// to three times as fast as with two, and from the page cache it costs nothing: see
// docs/lab/performance.md.
const minParallelism = 16

// DefaultLockTimeout is how long a call waits for a lock at most, unless its context ends before.
const DefaultLockTimeout = 30 * time.Second

func defaults() options {
	return options{sync: SyncMeta, locking: LockRequired, lockTimeout: DefaultLockTimeout, clock: time.Now,
		logger:      slog.New(slog.DiscardHandler),
		parallelism: max(runtime.GOMAXPROCS(0), minParallelism)}
}

// treeOptions are those of the directory.
func (o *options) treeOptions() dir.Options {
	return dir.Options{Durable: o.syncs(SyncMeta), FollowsLinks: len(o.linkTargets) > 0, Logger: o.logger}
}

// mayMake says that a store may be made where there is none.
func (o *options) mayMake() bool { return !o.readOnly && !o.mustExist }

// now is the clock in the precision of the format.
func (o *options) now() time.Time { return o.clock().UTC().Truncate(time.Millisecond) }

// syncs reports whether writes of this level are made durable at once.
func (o *options) syncs(level Sync) bool {
	return o.sync == SyncAlways || o.sync == level
}

// syncsValues reports whether a value of this run is made durable at once: with SyncMeta it is once
// the run has ended, when no EndRun follows to do it.
func (o *options) syncsValues(info mlruns.RunInfo) bool {
	return o.sync == SyncAlways || info.Status.Ended() && o.syncs(SyncMeta)
}

// truncated is what WithTruncation makes of a batch.
func (o *options) truncated(b mlruns.Batch) mlruns.Batch {
	if o.truncation {
		return validate.Truncate(b)
	}
	return b
}

// Sync says what is durable when a call returns.
type Sync uint8

const (
	// SyncMeta makes experiments and their tags durable, new runs with their meta.yaml and first
	// tags, every change of a meta.yaml, artifacts, and all files of a run once it has ended, those
	// too that are written after that. Points, params and tags of a run still going may be lost or
	// torn by a power cut.
	SyncMeta Sync = iota
	// SyncAlways makes every call durable.
	SyncAlways
	// SyncNever leaves it all to the file system.
	SyncNever
)

// Locking says what to do where the file system has no locks.
type Locking uint8

const (
	// LockRequired refuses to write: the error is mlruns.ErrUnsupported and names WithLocking.
	LockRequired Locking = iota
	// LockBestEffort logs it and goes on with locks inside this process only.
	LockBestEffort
	// LockNone takes no file locks at all, only locks inside this process.
	LockNone
)

// WithFs keeps the store in another file system than the operating system's, at the path given to
// Open. The default is a file system confined to the directory by the operating system. afero's
// MemMapFs does for tests, but it is no proof: it loses concurrent appends.
func WithFs(fs afero.Fs) Option { return func(o *options) { o.fs = fs } }

// WithReadOnly opens without ever writing a byte; writes give mlruns.ErrReadOnly. The default
// writes.
func WithReadOnly() Option { return func(o *options) { o.readOnly = true } }

// WithMustExist makes Open fail with mlruns.ErrNotFound where there is no store, instead of making
// one.
func WithMustExist() Option { return func(o *options) { o.mustExist = true } }

// WithSync sets the durability. The default is SyncMeta.
func WithSync(s Sync) Option { return func(o *options) { o.sync = s } }

// WithLocking says what to do where the file system has no locks. The default is LockRequired.
func WithLocking(l Locking) Option { return func(o *options) { o.locking = l } }

// WithLockTimeout bounds the wait for a lock; the error then is mlruns.ErrBusy. The default is
// DefaultLockTimeout.
func WithLockTimeout(d time.Duration) Option { return func(o *options) { o.lockTimeout = d } }

// WithClock replaces time.Now, for tests.
func WithClock(now func() time.Time) Option { return func(o *options) { o.clock = now } }

// WithLogger is told of problems met where no query asks for them, of failed clean-ups, and of
// weaker locks. The default logs nothing.
func WithLogger(l *slog.Logger) Option { return func(o *options) { o.logger = l } }

// WithOnProblem is told of problems met where no query asks for them: what a listing or a copy of
// artifacts leaves out, a tag of an experiment that cannot be read. It may be called by several
// goroutines at once. The default is the logger.
func WithOnProblem(tell func(mlruns.Problem)) Option { return func(o *options) { o.onProblem = tell } }

// WithArtifactRoot is the URI or path below which new experiments get their artifact location,
// <root>/<experiment id>. The default is the store's own directory. Artifacts under a local root
// are read and written there.
func WithArtifactRoot(uri string) Option { return func(o *options) { o.artifactRoot = uri } }

// WithArtifactRoots allows artifacts to be read and written below these directories when a run's
// recorded location lies there. The default is none.
func WithArtifactRoots(dirs ...string) Option {
	return func(o *options) { o.artifactRoots = append(o.artifactRoots, dirs...) }
}

// WithArtifactMapping says that artifacts which were recorded at a location, or below it, are in
// the directory dir, and allows them to be read and written there. The location is a scheme, with
// or without a host and the beginning of a path ("mlflow-artifacts:", "s3://bucket/prefix"), or a
// path of any system (`C:\old`, "file://server/share", "." for all relative ones). `mlflow server`
// 2 and 3 keep what they record as "mlflow-artifacts:" in ./mlartifacts. Of several mappings the
// first that fits counts. The default is none.
func WithArtifactMapping(location, dir string) Option {
	return func(o *options) { o.mappings = append(o.mappings, artifacts.Mapping{From: location, Dir: dir}) }
}

// WithLinkTargets allows symbolic links in the store that lead into these directories, scratch
// disks or the cache of git-annex or DVC for instance. They must exist. A link with an absolute
// path is known by its text to lead into one: the path must begin with that of the directory, as it
// is given here or without links. The default is none: what a link leads to that leads out of the
// store is not read, which is an error or a Problem that names the link and this option.
func WithLinkTargets(dirs ...string) Option {
	return func(o *options) { o.linkTargets = append(o.linkTargets, dirs...) }
}

// WithTruncation cuts over-long values of params and tags, as MLflow ≥ 2.11 does, instead of
// refusing them.
func WithTruncation() Option { return func(o *options) { o.truncation = true } }

// WithParallelism sets how many runs or experiments are read at once. The default is 16, or the
// number of processors in use where that is more. Numbers below 1 mean 1.
func WithParallelism(n int) Option { return func(o *options) { o.parallelism = max(n, 1) } }
