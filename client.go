package mlruns

import (
	"context"
	"errors"
	"os"
	"os/user"

	"github.com/mlruns/mlruns/internal/failure"
)

// Client is MlflowClient under Go names: the calls of a Store, of its artifacts, logged models and
// traces and of a model registry, and what is composed of them. Each call that MlflowClient has
// names it: "MLflow: get_run". A Client is safe for concurrent use. It keeps nothing but the
// registry that it opened, so any number of them can share a store. Make one with NewClient; the
// zero Client is not usable.
type Client struct {
	store    Store
	registry *registry
}

// A Client has every call of what it is made of.
var (
	_ Store         = (*Client)(nil)
	_ ArtifactStore = (*Client)(nil)
	_ ModelStore    = (*Client)(nil)
	_ TraceStore    = (*Client)(nil)
	_ TraceRecorder = (*Client)(nil)
	_ ModelRegistry = (*Client)(nil)
)

// ClientOption changes how NewClient makes a Client.
type ClientOption func(*registry)

// WithRegistryURI names the model registry. The default is the store's URI.
func WithRegistryURI(uri string) ClientOption {
	return func(r *registry) { r.uri = uri }
}

// WithRegistry says how to open a registry whose URI has this scheme; "" is a plain path. The
// default is none.
func WithRegistry(scheme string, open RegistryOpener) ClientOption {
	return func(r *registry) { r.openers[scheme] = open }
}

// NewClient makes a client of a store. Close one of the two: Client.Close closes the store.
func NewClient(s Store, opts ...ClientOption) *Client {
	r := &registry{uri: s.URI(), openers: map[string]RegistryOpener{}}
	for _, o := range opts {
		o(r)
	}
	return &Client{store: s, registry: r}
}

// Store is the store that the client was made of. What a store can do beside the calls of a Client
// is found by assertion.
func (c *Client) Store() Store { return c.store }

// URI names the place of the store, as MLflow's tracking URI would.
func (c *Client) URI() string { return c.store.URI() }

// Close closes the store. Calls under way may fail; later ones give ErrClosed. Closing twice is
// harmless.
func (c *Client) Close() error { return c.store.Close() }

// GetOrCreateExperiment gives the active experiment of this name and makes it if there is none: one
// experiment, however many processes call at once. ErrExists if a deleted experiment has the name.
func (c *Client) GetOrCreateExperiment(ctx context.Context, name string) (*Experiment, error) {
	for {
		e, err := c.ExperimentByName(ctx, name)
		switch {
		case err == nil && e.Stage == StageActive:
			return e, nil
		case err == nil:
			return nil, &Error{Op: "get or create experiment", ID: name, Err: failure.ExperimentTaken(name, e.Stage == StageDeleted)}
		case !errors.Is(err, ErrNotFound):
			return nil, err
		}
		e, err = c.CreateExperiment(ctx, ExperimentSpec{Name: name})
		if !errors.Is(err, ErrExists) {
			return e, err
		}
		// Another process made it between the two calls. A rename away from it may come in between
		// too, so look again.
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
}

// CurrentUser is the name of the user that runs this process, as MLflow tells it: the environment
// variables LOGNAME, USER, LNAME and USERNAME in this order, then the operating system; "" if none
// knows.
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
	t, ok := c.store.(T)
	if !ok {
		return t, unsupported(op)
	}
	return t, nil
}
