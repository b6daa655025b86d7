package mlruns

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"
)

// RegistryOpener opens the model registry at a URI. Client calls it on the first registry call, and again on the next one if it failed.
type RegistryOpener func(ctx context.Context, uri string) (ModelRegistry, error)

// UnsupportedRegistryError is what every registry call gives when no opener is known for the scheme of the registry's URI, whatever its arguments.
// It is an ErrUnsupported with the code FEATURE_DISABLED.
type UnsupportedRegistryError struct {
	// URI is the registry's, which is the store's unless WithRegistryURI said otherwise.
	URI string
	// Schemes are those with an opener, sorted.
	Schemes []string
}

// Error gives MLflow's text.
func (e *UnsupportedRegistryError) Error() string {
	quoted := make([]string, len(e.Schemes))
	for i, s := range e.Schemes {
		quoted[i] = "'" + s + "'"
	}
	return fmt.Sprintf("Model Registry features are not supported by the store with URI: '%s'. Stores with the following URI schemes are supported: [%s].",
		e.URI, strings.Join(quoted, ", "))
}

// Unwrap gives ErrUnsupported.
func (e *UnsupportedRegistryError) Unwrap() error { return ErrUnsupported }

// lazyRegistry is the ModelRegistry of a Client: it finds and opens the real one on first use.
type lazyRegistry struct {
	uri     string
	openers map[string]RegistryOpener

	mu     sync.Mutex
	opened ModelRegistry
}

var _ ModelRegistry = (*lazyRegistry)(nil)

func (l *lazyRegistry) open(ctx context.Context) (ModelRegistry, error) {
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

// schemeOf gives the part before the first colon, "" for a plain path; a single letter is a Windows drive.
func schemeOf(uri string) string {
	scheme, _, found := strings.Cut(uri, ":")
	if !found || len(scheme) < 2 || strings.ContainsAny(scheme, `/\`) {
		return ""
	}
	return strings.ToLower(scheme)
}

func registryCall[T any](ctx context.Context, l *lazyRegistry, call func(ModelRegistry) (T, error)) (T, error) {
	r, err := l.open(ctx)
	if err != nil {
		var zero T
		return zero, err
	}
	return call(r)
}

func registrySeq[T any](ctx context.Context, l *lazyRegistry, call func(ModelRegistry) iter.Seq2[T, error]) iter.Seq2[T, error] {
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

// CreateRegisteredModel implements ModelRegistry.
func (l *lazyRegistry) CreateRegisteredModel(ctx context.Context, name string) (*RegisteredModel, error) {
	return registryCall(ctx, l, func(r ModelRegistry) (*RegisteredModel, error) { return r.CreateRegisteredModel(ctx, name) })
}

// UpdateRegisteredModel implements ModelRegistry.
func (l *lazyRegistry) UpdateRegisteredModel(ctx context.Context, name string, u RegisteredModelUpdate) (*RegisteredModel, error) {
	return registryCall(ctx, l, func(r ModelRegistry) (*RegisteredModel, error) { return r.UpdateRegisteredModel(ctx, name, u) })
}

// DeleteRegisteredModel implements ModelRegistry.
func (l *lazyRegistry) DeleteRegisteredModel(ctx context.Context, name string) error {
	r, err := l.open(ctx)
	if err != nil {
		return err
	}
	return r.DeleteRegisteredModel(ctx, name)
}

// RegisteredModels implements ModelRegistry.
func (l *lazyRegistry) RegisteredModels(ctx context.Context) iter.Seq2[RegisteredModel, error] {
	return registrySeq(ctx, l, func(r ModelRegistry) iter.Seq2[RegisteredModel, error] { return r.RegisteredModels(ctx) })
}

// RegisteredModel implements ModelRegistry.
func (l *lazyRegistry) RegisteredModel(ctx context.Context, name string) (*RegisteredModel, error) {
	return registryCall(ctx, l, func(r ModelRegistry) (*RegisteredModel, error) { return r.RegisteredModel(ctx, name) })
}

// LatestVersions implements ModelRegistry.
func (l *lazyRegistry) LatestVersions(ctx context.Context, name string, stages ...string) ([]ModelVersion, error) {
	return registryCall(ctx, l, func(r ModelRegistry) ([]ModelVersion, error) { return r.LatestVersions(ctx, name, stages...) })
}

// CreateModelVersion implements ModelRegistry.
func (l *lazyRegistry) CreateModelVersion(ctx context.Context, name, source, runID string) (*ModelVersion, error) {
	return registryCall(ctx, l, func(r ModelRegistry) (*ModelVersion, error) { return r.CreateModelVersion(ctx, name, source, runID) })
}

// UpdateModelVersion implements ModelRegistry.
func (l *lazyRegistry) UpdateModelVersion(ctx context.Context, name, version string, u ModelVersionUpdate) (*ModelVersion, error) {
	return registryCall(ctx, l, func(r ModelRegistry) (*ModelVersion, error) { return r.UpdateModelVersion(ctx, name, version, u) })
}

// DeleteModelVersion implements ModelRegistry.
func (l *lazyRegistry) DeleteModelVersion(ctx context.Context, name, version string) error {
	r, err := l.open(ctx)
	if err != nil {
		return err
	}
	return r.DeleteModelVersion(ctx, name, version)
}

// ModelVersion implements ModelRegistry.
func (l *lazyRegistry) ModelVersion(ctx context.Context, name, version string) (*ModelVersion, error) {
	return registryCall(ctx, l, func(r ModelRegistry) (*ModelVersion, error) { return r.ModelVersion(ctx, name, version) })
}

// ModelVersionDownloadURI implements ModelRegistry.
func (l *lazyRegistry) ModelVersionDownloadURI(ctx context.Context, name, version string) (string, error) {
	return registryCall(ctx, l, func(r ModelRegistry) (string, error) { return r.ModelVersionDownloadURI(ctx, name, version) })
}

// SearchModelVersions implements ModelRegistry.
func (l *lazyRegistry) SearchModelVersions(ctx context.Context, filter string) iter.Seq2[ModelVersion, error] {
	return registrySeq(ctx, l, func(r ModelRegistry) iter.Seq2[ModelVersion, error] { return r.SearchModelVersions(ctx, filter) })
}

// ModelVersionStages implements ModelRegistry.
func (l *lazyRegistry) ModelVersionStages(ctx context.Context, name, version string) ([]string, error) {
	return registryCall(ctx, l, func(r ModelRegistry) ([]string, error) { return r.ModelVersionStages(ctx, name, version) })
}
