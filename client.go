package mlruns

import (
	"context"
	"errors"
	"io"
	"iter"
	"os"
	"os/user"
)

// Client is MlflowClient under Go names: a Store, the model registry, and what is composed of store calls. Every method of the Store is one of the Client's:
// CreateRun, Runs, SearchRuns, LogMetric, MetricHistory … It is safe for concurrent use.
type Client struct {
	Store
	ModelRegistry
}

// ClientOption changes how NewClient makes a Client.
type ClientOption func(*lazyRegistry)

// WithRegistryURI names the model registry. The default is the store's URI.
func WithRegistryURI(uri string) ClientOption {
	return func(r *lazyRegistry) { r.uri = uri }
}

// WithRegistry says how to open a registry whose URI has this scheme; "" is a plain path. The default is none.
func WithRegistry(scheme string, open RegistryOpener) ClientOption {
	return func(r *lazyRegistry) { r.openers[scheme] = open }
}

// NewClient makes a client of a store. The store stays the caller's to close, which Client.Close does too.
func NewClient(s Store, opts ...ClientOption) *Client {
	r := &lazyRegistry{uri: s.URI(), openers: map[string]RegistryOpener{}}
	for _, o := range opts {
		o(r)
	}
	return &Client{Store: s, ModelRegistry: r}
}

// GetOrCreateExperiment gives the active experiment of this name and makes it if there is none: one experiment, however many processes call at once.
// ErrExists if a deleted experiment has the name.
func (c *Client) GetOrCreateExperiment(ctx context.Context, name string) (*Experiment, error) {
	for {
		e, err := c.ExperimentByName(ctx, name)
		switch {
		case err == nil && e.Stage == StageActive:
			return e, nil
		case err == nil:
			return nil, &Error{Op: "get or create experiment", ID: name, Err: ExperimentTaken(name, e.Stage)}
		case !errors.Is(err, ErrNotFound):
			return nil, err
		}
		e, err = c.CreateExperiment(ctx, ExperimentSpec{Name: name})
		if !errors.Is(err, ErrExists) {
			return e, err
		}
		// Another process made it between the two calls. A rename away from it may come in between too, so look again.
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
}

// StartRun makes a run in the experiment of this name, which is made if there is none, and gives its handle.
// spec.ExperimentID is ignored; spec.User is the user of the process when it and the tag mlflow.user are empty.
//
// It gives a handle or an error, never both. With ErrNotDurable the run was made and is not handed out: it is ended as FAILED, so that it is not left RUNNING.
func (c *Client) StartRun(ctx context.Context, experiment string, spec RunSpec) (*ActiveRun, error) {
	e, err := c.GetOrCreateExperiment(ctx, experiment)
	if err != nil {
		return nil, err
	}
	spec.ExperimentID = e.ID
	if spec.User == "" && spec.Tags[TagUser] == "" {
		spec.User = CurrentUser()
	}
	run, err := c.CreateRun(ctx, spec)
	switch {
	case err == nil:
		return &ActiveRun{RunInfo: run.Info, client: c}, nil
	case run == nil:
		return nil, err
	}
	unused := ActiveRun{RunInfo: run.Info, client: c}
	return nil, errors.Join(err, unused.End(ctx, StatusFailed))
}

// ResumeRun gives the handle of an active run that an earlier process began, whatever its status. It changes nothing.
func (c *Client) ResumeRun(ctx context.Context, runID string) (*ActiveRun, error) {
	run, err := c.Run(ctx, runID)
	if err != nil {
		return nil, err
	}
	if run.Info.Stage != StageActive {
		return nil, &Error{Op: "resume run", ID: runID, Err: RunNotActive(runID)}
	}
	return &ActiveRun{RunInfo: run.Info, client: c}, nil
}

// CurrentUser is the name of the user that runs this process, as MLflow tells it: the environment variables LOGNAME, USER, LNAME and USERNAME in this
// order, then the operating system; "" if none knows.
func CurrentUser() string {
	for _, name := range []string{"LOGNAME", "USER", "LNAME", "USERNAME"} {
		if user := os.Getenv(name); user != "" {
			return user
		}
	}
	u, err := user.Current()
	if err != nil {
		return ""
	}
	return u.Username
}

func capability[T any](c *Client, op string) (T, error) {
	t, ok := c.Store.(T)
	if !ok {
		return t, unsupported(op)
	}
	return t, nil
}

// LogArtifact is ArtifactStore.LogArtifact; ErrUnsupported if the store has no artifacts. So with the seven that follow.
func (c *Client) LogArtifact(ctx context.Context, runID, localPath, artifactPath string) error {
	a, err := capability[ArtifactStore](c, "log artifact")
	if err != nil {
		return err
	}
	return a.LogArtifact(ctx, runID, localPath, artifactPath)
}

// LogArtifacts is ArtifactStore.LogArtifacts.
func (c *Client) LogArtifacts(ctx context.Context, runID, localDir, artifactPath string) error {
	a, err := capability[ArtifactStore](c, "log artifacts")
	if err != nil {
		return err
	}
	return a.LogArtifacts(ctx, runID, localDir, artifactPath)
}

// WriteArtifact is ArtifactStore.WriteArtifact.
func (c *Client) WriteArtifact(ctx context.Context, runID, artifactPath string, r io.Reader) error {
	a, err := capability[ArtifactStore](c, "write artifact")
	if err != nil {
		return err
	}
	return a.WriteArtifact(ctx, runID, artifactPath, r)
}

// Artifacts is ArtifactStore.Artifacts.
func (c *Client) Artifacts(ctx context.Context, runID, artifactPath string) ([]FileInfo, error) {
	a, err := capability[ArtifactStore](c, "list artifacts")
	if err != nil {
		return nil, err
	}
	return a.Artifacts(ctx, runID, artifactPath)
}

// OpenArtifact is ArtifactStore.OpenArtifact.
func (c *Client) OpenArtifact(ctx context.Context, runID, artifactPath string) (io.ReadCloser, error) {
	a, err := capability[ArtifactStore](c, "open artifact")
	if err != nil {
		return nil, err
	}
	return a.OpenArtifact(ctx, runID, artifactPath)
}

// DownloadArtifacts is ArtifactStore.DownloadArtifacts: localDir must exist.
func (c *Client) DownloadArtifacts(ctx context.Context, runID, artifactPath, localDir string) (string, error) {
	a, err := capability[ArtifactStore](c, "download artifacts")
	if err != nil {
		return "", err
	}
	return a.DownloadArtifacts(ctx, runID, artifactPath, localDir)
}

// DeleteArtifacts is ArtifactStore.DeleteArtifacts.
func (c *Client) DeleteArtifacts(ctx context.Context, runID, artifactPath string) error {
	a, err := capability[ArtifactStore](c, "delete artifacts")
	if err != nil {
		return err
	}
	return a.DeleteArtifacts(ctx, runID, artifactPath)
}

// ArtifactRoot is ArtifactStore.ArtifactRoot.
func (c *Client) ArtifactRoot(ctx context.Context, runID string) (string, error) {
	a, err := capability[ArtifactStore](c, "artifact root")
	if err != nil {
		return "", err
	}
	return a.ArtifactRoot(ctx, runID)
}

// Verify is Verifier.Verify; it yields ErrUnsupported if the store cannot check itself.
func (c *Client) Verify(ctx context.Context) iter.Seq2[Problem, error] {
	v, err := capability[Verifier](c, "verify")
	if err != nil {
		return unsupportedSeq[Problem]("verify")
	}
	return v.Verify(ctx)
}

// Repair is Repairer.Repair; it yields ErrUnsupported if the store cannot mend itself.
func (c *Client) Repair(ctx context.Context, q RepairQuery) iter.Seq2[Repair, error] {
	r, err := capability[Repairer](c, "repair")
	if err != nil {
		return unsupportedSeq[Repair]("repair")
	}
	return r.Repair(ctx, q)
}

// GC is Collector.GC; it yields ErrUnsupported if the store cannot remove what is deleted.
func (c *Client) GC(ctx context.Context, q GCQuery) iter.Seq2[Removal, error] {
	r, err := capability[Collector](c, "gc")
	if err != nil {
		return unsupportedSeq[Removal]("gc")
	}
	return r.GC(ctx, q)
}

// Relocate is Relocator.Relocate; it yields ErrUnsupported if the store's locations cannot be rewritten.
func (c *Client) Relocate(ctx context.Context, q RelocateQuery) iter.Seq2[Relocation, error] {
	r, err := capability[Relocator](c, "relocate")
	if err != nil {
		return unsupportedSeq[Relocation]("relocate")
	}
	return r.Relocate(ctx, q)
}
