package mlruns

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/mlruns/mlruns/internal/pyfmt"
)

// RegistryOpener opens the model registry at a URI. Client calls it on the first registry call, and
// again on the next one if it failed.
type RegistryOpener func(ctx context.Context, uri string) (ModelRegistry, error)

// UnsupportedRegistryError is what every registry call gives when no opener is known for the scheme
// of the registry's URI, whatever its arguments. It is an ErrUnsupported with the code
// FEATURE_DISABLED.
type UnsupportedRegistryError struct {
	// URI is the registry's, which is the store's unless WithRegistryURI said otherwise.
	URI string
	// Schemes are those with an opener, sorted.
	Schemes []string
}

// Error gives MLflow's text.
func (e *UnsupportedRegistryError) Error() string {
	return fmt.Sprintf("Model Registry features are not supported by the store with URI: '%s'. Stores with the following URI schemes are supported: %s.",
		e.URI, pyfmt.ReprList(e.Schemes))
}

// Unwrap gives ErrUnsupported.
func (e *UnsupportedRegistryError) Unwrap() error { return ErrUnsupported }

// registry finds and opens a Client's model registry on first use.
type registry struct {
	uri     string
	openers map[string]RegistryOpener

	mu     sync.Mutex
	opened ModelRegistry
}

func (l *registry) open(ctx context.Context) (ModelRegistry, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.opened != nil {
		return l.opened, nil
	}
	open, ok := l.openers[schemeOf(l.uri)]
	if !ok {
		return nil, &UnsupportedRegistryError{URI: l.uri, Schemes: slices.Sorted(maps.Keys(l.openers))}
	}
	r, err := open(ctx, l.uri)
	if err != nil {
		return nil, err
	}
	l.opened = r
	return r, nil
}

// schemeOf gives the part before the first colon, "" for a plain path; a single letter is a Windows
// drive.
func schemeOf(uri string) string {
	scheme, _, found := strings.Cut(uri, ":")
	if !found || len(scheme) < 2 || strings.ContainsAny(scheme, `/\`) {
		return ""
	}
	return strings.ToLower(scheme)
}

func registryCall[T any](ctx context.Context, l *registry, call func(ModelRegistry) (T, error)) (T, error) {
	r, err := l.open(ctx)
	if err != nil {
		var zero T
		return zero, err
	}
	return call(r)
}

func registrySeq[T any](ctx context.Context, l *registry, call func(ModelRegistry) iter.Seq2[T, error]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		r, err := l.open(ctx)
		if err != nil {
			var zero T
			yield(zero, err)
			return
		}
		call(r)(yield)
	}
}
