// Package tracking opens a client by MLflow's URIs: a folder or a server, as MlflowClient chooses.
// It is the one place that does, for programs that take the URI from their user.
//
//	client, err := tracking.Open(ctx, "", "") // MLFLOW_TRACKING_URI, else ./mlruns
//	if err != nil {
//		return err
//	}
//	defer client.Close()
package tracking

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/artifacts"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/internal/failure"
	"github.com/mlruns/mlruns/internal/pyfmt"
	"github.com/mlruns/mlruns/remote"
)

// Schemes are those of the URIs that Open takes, beside plain paths.
func Schemes() []string { return []string{"file", "http", "https"} }

// Option changes how Open opens what it opens.
type Option func(*options)

type options struct {
	folder []filestore.Option
	server []remote.Option
}

// WithFolder gives options for a store in a folder.
func WithFolder(opts ...filestore.Option) Option {
	return func(o *options) { o.folder = append(o.folder, opts...) }
}

// WithServer gives options for a store, or a registry, behind a server.
func WithServer(opts ...remote.Option) Option {
	return func(o *options) { o.server = append(o.server, opts...) }
}

// Open opens the store at a tracking URI: a path or file: URI is a folder, http: and https: are
// servers; "" is what MLFLOW_TRACKING_URI says, else ./mlruns. Any other is an ErrInvalid that
// lists the schemes. A path is taken as MLflow takes it: %20 in it is a blank.
//
// The model registry is at the registry URI, "" being what MLFLOW_REGISTRY_URI says, else the
// tracking URI. It is opened when it is first asked. A folder has none, and says so.
//
// Close the client. Servers are not contacted before the first call.
func Open(ctx context.Context, trackingURI, registryURI string, opts ...Option) (*mlruns.Client, error) {
	var o options
	for _, opt := range opts {
		opt(&o)
	}
	uri := firstSet(trackingURI, os.Getenv("MLFLOW_TRACKING_URI"), "./mlruns")
	store, err := o.openStore(ctx, uri)
	if err != nil {
		return nil, err
	}
	clientOptions := []mlruns.ClientOption{}
	registry := firstSet(registryURI, os.Getenv("MLFLOW_REGISTRY_URI"))
	if registry != "" {
		clientOptions = append(clientOptions, mlruns.WithRegistryURI(registry))
	}
	open := o.registryOpener(store, registry == "" || registry == uri)
	return mlruns.NewClient(store, append(clientOptions, mlruns.WithRegistry("http", open), mlruns.WithRegistry("https", open))...), nil
}

func firstSet(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}

func (o options) openStore(ctx context.Context, uri string) (mlruns.Store, error) {
	if scheme := schemeOf(uri); scheme == "http" || scheme == "https" {
		store, err := remote.Open(ctx, uri, o.server...)
		if err != nil {
			return nil, err
		}
		return store, nil
	}
	dir, err := Folder(uri)
	if err != nil {
		return nil, &mlruns.Error{Op: "open", Err: err}
	}
	store, err := filestore.Open(dir, o.folder...)
	if err != nil {
		return nil, err
	}
	return store, nil
}

// IsServer reports whether a URI is that of a server.
func IsServer(uri string) bool {
	scheme := schemeOf(uri)
	return scheme == "http" || scheme == "https"
}

// Folder gives the path that a URI names, if it is a path or a file: URI. ErrInvalid, with the
// schemes that there are, if it is neither.
func Folder(uri string) (string, error) {
	dir, err := artifacts.LocalPath(uri)
	switch {
	case errors.Is(err, mlruns.ErrUnsupported) || uri == "databricks":
		scheme, _, _ := strings.Cut(uri, ":") // the rest may hold a password
		return "", failure.Invalid(fmt.Sprintf("the tracking URI has the scheme '%s'; supported are paths and the schemes %s, as in http://localhost:5000", scheme, pyfmt.ReprList(Schemes())))
	case err != nil:
		return "", err
	case dir == "":
		return "", failure.Invalid(fmt.Sprintf("the tracking URI '%s' names no directory", uri))
	}
	return filepath.FromSlash(dir), nil
}

// schemeOf is "" for a path. One letter is a drive of Windows.
func schemeOf(uri string) string {
	scheme, _, found := strings.Cut(uri, ":")
	if !found || len(scheme) < 2 || strings.ContainsAny(scheme, `/\`) {
		return ""
	}
	return strings.ToLower(scheme)
}

// registryOpener opens a registry, or gives the store that has it already.
func (o options) registryOpener(store mlruns.Store, same bool) mlruns.RegistryOpener {
	return func(ctx context.Context, uri string) (mlruns.ModelRegistry, error) {
		if r, ok := store.(mlruns.ModelRegistry); ok && same {
			return r, nil
		}
		return remote.OpenRegistry(o.server...)(ctx, uri)
	}
}
