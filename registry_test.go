package mlruns_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mlruns/mlruns"
)

// memoryRegistry answers every call with what it was asked, so that a test sees what went through.
type memoryRegistry struct {
	mu    sync.Mutex
	calls int
	asked string
	err   error
}

func (r *memoryRegistry) ask(call string, args ...any) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls++
	r.asked = fmt.Sprint(append([]any{call}, args...)...)
	return r.err
}

var (
	someTime    = time.Date(2020, 5, 6, 7, 8, 9, 0, time.UTC)
	someVersion = mlruns.ModelVersion{Name: "m", Version: "3", Created: someTime, Updated: someTime, Description: "d", User: "u", Stage: "Staging", Source: "s3://x", RunID: "r",
		Status: "READY", StatusMessage: "ok"}
	someModel = mlruns.RegisteredModel{Name: "m", Description: "d", Created: someTime, Updated: someTime, LatestVersions: []mlruns.ModelVersion{someVersion}}
	text      = "text"
)

func (r *memoryRegistry) CreateRegisteredModel(_ context.Context, name string) (*mlruns.RegisteredModel, error) {
	return &someModel, r.ask("create model ", name)
}

func (r *memoryRegistry) UpdateRegisteredModel(_ context.Context, name string, u mlruns.RegisteredModelUpdate) (*mlruns.RegisteredModel, error) {
	return &someModel, r.ask("update model ", name, " ", *u.Name, " ", u.Description == nil)
}

func (r *memoryRegistry) DeleteRegisteredModel(_ context.Context, name string) error {
	return r.ask("delete model ", name)
}

func (r *memoryRegistry) RegisteredModels(context.Context) iter.Seq2[mlruns.RegisteredModel, error] {
	return func(yield func(mlruns.RegisteredModel, error) bool) {
		err := r.ask("models")
		_ = yield(someModel, err) && err == nil && yield(mlruns.RegisteredModel{Name: "second"}, nil)
	}
}

func (r *memoryRegistry) RegisteredModel(_ context.Context, name string) (*mlruns.RegisteredModel, error) {
	return &someModel, r.ask("model ", name)
}

func (r *memoryRegistry) LatestVersions(_ context.Context, name string, stages ...string) ([]mlruns.ModelVersion, error) {
	return []mlruns.ModelVersion{someVersion}, r.ask("latest ", name, stages)
}

func (r *memoryRegistry) CreateModelVersion(_ context.Context, name, source, runID string) (*mlruns.ModelVersion, error) {
	return &someVersion, r.ask("create version ", name, " ", source, " ", runID)
}

func (r *memoryRegistry) UpdateModelVersion(_ context.Context, name, version string, u mlruns.ModelVersionUpdate) (*mlruns.ModelVersion, error) {
	return &someVersion, r.ask("update version ", name, " ", version, " ", *u.Stage, " ", u.Description == nil)
}

func (r *memoryRegistry) DeleteModelVersion(_ context.Context, name, version string) error {
	return r.ask("delete version ", name, " ", version)
}

func (r *memoryRegistry) ModelVersion(_ context.Context, name, version string) (*mlruns.ModelVersion, error) {
	return &someVersion, r.ask("version ", name, " ", version)
}

func (r *memoryRegistry) ModelVersionDownloadURI(_ context.Context, name, version string) (string, error) {
	return "uri", r.ask("uri ", name, " ", version)
}

func (r *memoryRegistry) SearchModelVersions(_ context.Context, filter string) iter.Seq2[mlruns.ModelVersion, error] {
	return func(yield func(mlruns.ModelVersion, error) bool) {
		err := r.ask("search ", filter)
		_ = yield(someVersion, err) && err == nil && yield(mlruns.ModelVersion{Name: "second"}, nil)
	}
}

func (r *memoryRegistry) ModelVersionStages(_ context.Context, name, version string) ([]string, error) {
	return []string{"None", "Staging"}, r.ask("stages ", name, " ", version)
}

// all13 makes every call of a registry. Each gives what was answered.
var all13 = []struct {
	name, asked, answer string
	call                func(ctx context.Context, r mlruns.ModelRegistry) (any, error)
}{
	{"CreateRegisteredModel", "create model m", "m", func(ctx context.Context, r mlruns.ModelRegistry) (any, error) {
		return modelName(r.CreateRegisteredModel(ctx, "m"))
	}},
	{"UpdateRegisteredModel", "update model m text true", "m", func(ctx context.Context, r mlruns.ModelRegistry) (any, error) {
		return modelName(r.UpdateRegisteredModel(ctx, "m", mlruns.RegisteredModelUpdate{Name: &text}))
	}},
	{"DeleteRegisteredModel", "delete model m", "", func(ctx context.Context, r mlruns.ModelRegistry) (any, error) {
		return "", r.DeleteRegisteredModel(ctx, "m")
	}},
	{"RegisteredModels", "models", "m second", func(ctx context.Context, r mlruns.ModelRegistry) (any, error) {
		return names(r.RegisteredModels(ctx), func(m mlruns.RegisteredModel) string { return m.Name })
	}},
	{"RegisteredModel", "model m", "m", func(ctx context.Context, r mlruns.ModelRegistry) (any, error) {
		return modelName(r.RegisteredModel(ctx, "m"))
	}},
	{"LatestVersions", "latest m[Staging Production]", "[3]", func(ctx context.Context, r mlruns.ModelRegistry) (any, error) {
		list, err := r.LatestVersions(ctx, "m", "Staging", "Production")
		versions := []string{}
		for _, v := range list {
			versions = append(versions, v.Version)
		}
		return versions, err
	}},
	{"CreateModelVersion", "create version m source r", "3", func(ctx context.Context, r mlruns.ModelRegistry) (any, error) {
		return versionNumber(r.CreateModelVersion(ctx, "m", "source", "r"))
	}},
	{"UpdateModelVersion", "update version m 3 text true", "3", func(ctx context.Context, r mlruns.ModelRegistry) (any, error) {
		return versionNumber(r.UpdateModelVersion(ctx, "m", "3", mlruns.ModelVersionUpdate{Stage: &text}))
	}},
	{"DeleteModelVersion", "delete version m 3", "", func(ctx context.Context, r mlruns.ModelRegistry) (any, error) {
		return "", r.DeleteModelVersion(ctx, "m", "3")
	}},
	{"ModelVersion", "version m 3", "3", func(ctx context.Context, r mlruns.ModelRegistry) (any, error) {
		return versionNumber(r.ModelVersion(ctx, "m", "3"))
	}},
	{"ModelVersionDownloadURI", "uri m 3", "uri", func(ctx context.Context, r mlruns.ModelRegistry) (any, error) {
		return r.ModelVersionDownloadURI(ctx, "m", "3")
	}},
	{"SearchModelVersions", "search name='m'", "m second", func(ctx context.Context, r mlruns.ModelRegistry) (any, error) {
		return names(r.SearchModelVersions(ctx, "name='m'"), func(v mlruns.ModelVersion) string { return v.Name })
	}},
	{"ModelVersionStages", "stages m 3", "[None Staging]", func(ctx context.Context, r mlruns.ModelRegistry) (any, error) {
		return r.ModelVersionStages(ctx, "m", "3")
	}},
}

func modelName(m *mlruns.RegisteredModel, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	if m != &someModel {
		return nil, errors.New("the model is another one")
	}
	return m.Name, nil
}

func versionNumber(v *mlruns.ModelVersion, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	if v != &someVersion {
		return nil, errors.New("the version is another one")
	}
	return v.Version, nil
}

// names also checks that an error is the last element.
func names[T any](seq iter.Seq2[T, error], name func(T) string) (any, error) {
	var all string
	var last error
	for v, err := range seq {
		if last != nil {
			return nil, errors.New("an element follows an error")
		}
		if last = err; err == nil {
			if all != "" {
				all += " "
			}
			all += name(v)
		}
	}
	return all, last
}

// uriStore has nothing but a URI.
type uriStore struct {
	mlruns.UnimplementedStore
	uri string
}

func (s uriStore) URI() string { return s.uri }

func TestRegistryUnsupported(t *testing.T) {
	never := func(context.Context, string) (mlruns.ModelRegistry, error) {
		t.Error("a registry of another scheme was opened")
		return nil, nil
	}
	for _, c := range []struct {
		name, uri, schemes string
		options            []mlruns.ClientOption
	}{
		{"no opener", "file:///a/mlruns", "[]", nil},
		{"plain path", "/a/mlruns", "[]", nil},
		{"other schemes", "file:///a/mlruns", "['http', 'https']", []mlruns.ClientOption{mlruns.WithRegistry("https", never), mlruns.WithRegistry("http", never)}},
		{"URI of its own", "sqlite:///x", "['http', 'https']", []mlruns.ClientOption{mlruns.WithRegistry("https", never), mlruns.WithRegistryURI("sqlite:///x"), mlruns.WithRegistry("http", never)}},
		{"Windows drive", `C:\mlruns`, "['c']", []mlruns.ClientOption{mlruns.WithRegistryURI(`C:\mlruns`), mlruns.WithRegistry("c", never)}},
	} {
		client := mlruns.NewClient(uriStore{uri: c.uri}, c.options...)
		want := "Model Registry features are not supported by the store with URI: '" + c.uri + "'. Stores with the following URI schemes are supported: " + c.schemes + "."
		for range 2 { // the first call and each that follows
			for _, call := range all13 {
				_, err := call.call(t.Context(), client)
				var typed *mlruns.UnsupportedRegistryError
				if !errors.Is(err, mlruns.ErrUnsupported) || !errors.As(err, &typed) || mlruns.CodeOf(err) != mlruns.CodeFeatureDisabled || err.Error() != want || mlruns.MessageOf(err) != want || typed.URI != c.uri {
					t.Errorf("%s: %s: got %v\n\twant %s", c.name, call.name, err, want)
				}
			}
		}
	}
	// Whatever the arguments and the context.
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := mlruns.NewClient(uriStore{}).RegisteredModel(canceled, ""); !errors.Is(err, mlruns.ErrUnsupported) {
		t.Errorf("with an ended context and no name: got %v", err)
	}
}

func TestRegistryCallsGoThrough(t *testing.T) {
	registry := &memoryRegistry{}
	opened := 0
	client := mlruns.NewClient(uriStore{uri: "/a/mlruns"}, mlruns.WithRegistryURI("HTTP://host/x"), mlruns.WithRegistry("http", func(_ context.Context, uri string) (mlruns.ModelRegistry, error) {
		if opened++; uri != "HTTP://host/x" {
			t.Errorf("opened with URI %q", uri)
		}
		return registry, nil
	}))
	if opened != 0 {
		t.Error("opened before the first call")
	}
	for _, call := range all13 {
		registry.err = nil
		answer, err := call.call(t.Context(), client)
		if err != nil || fmt.Sprint(answer) != call.answer || registry.asked != call.asked {
			t.Errorf("%s: asked %q, answer %v, %v; want %q, %s", call.name, registry.asked, answer, err, call.asked, call.answer)
		}
		registry.err = errors.New("from the registry")
		if _, err := call.call(t.Context(), client); err != registry.err {
			t.Errorf("%s: got error %v, want the registry's own", call.name, err)
		}
	}
	if opened != 1 {
		t.Errorf("opened %d times", opened)
	}
	m, err := client.RegisteredModel(t.Context(), "m")
	if m != &someModel {
		t.Errorf("model %v, %v", m, err)
	}
	for range client.RegisteredModels(t.Context()) {
		break
	}
}

func TestRegistryOpensOnce(t *testing.T) {
	registry := &memoryRegistry{}
	var opened atomic.Int64
	client := mlruns.NewClient(uriStore{uri: "http://host"}, mlruns.WithRegistry("http", func(context.Context, string) (mlruns.ModelRegistry, error) {
		if opened.Add(1) <= 2 {
			return nil, errors.New("not yet")
		}
		time.Sleep(10 * time.Millisecond) // so that others come while it opens
		return registry, nil
	}))
	for i := range 2 {
		if _, err := client.ModelVersionDownloadURI(t.Context(), "m", "1"); err == nil || err.Error() != "not yet" {
			t.Errorf("call %d: got error %v, want the opener's", i, err)
		}
	}
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			if _, err := client.ModelVersionDownloadURI(t.Context(), "m", "1"); err != nil {
				t.Errorf("after the failures: %v", err)
			}
		})
	}
	wg.Wait()
	if opened.Load() != 3 || registry.calls != 16 {
		t.Errorf("opened %d times for %d calls, want 3 and 16", opened.Load(), registry.calls)
	}
}
