package mlruns_test

import (
	"context"
	"errors"
	"iter"
	"os/user"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/internal/failure"
	"github.com/mlruns/mlruns/internal/validate"
)

// TestUnimplementedStore calls every method of Store with zero arguments, those too that are added
// later.
func TestUnimplementedStore(t *testing.T) {
	type outer struct{ mlruns.UnimplementedStore }
	store := reflect.ValueOf(mlruns.Store(outer{}))
	methods := reflect.TypeFor[mlruns.Store]()
	for i := range methods.NumMethod() {
		name := methods.Method(i).Name
		method := store.MethodByName(name)
		args := make([]reflect.Value, method.Type().NumIn())
		for j := range args {
			args[j] = reflect.Zero(method.Type().In(j))
		}
		results := method.Call(args)
		switch last := results[len(results)-1]; {
		case name == "URI":
			if uri := last.String(); uri != "" {
				t.Errorf("URI() = %q", uri)
			}
		case name == "Close":
			if !last.IsNil() {
				t.Errorf("Close() = %v", last)
			}
		case last.Kind() == reflect.Func:
			n := 0
			for _, err := range last.Seq2() {
				n++
				isUnsupported(t, name, err.Interface())
			}
			if n != 1 {
				t.Errorf("%s yields %d elements, want the error alone", name, n)
			}
		default:
			isUnsupported(t, name, last.Interface())
		}
	}
}

func isUnsupported(t *testing.T, what string, err any) {
	t.Helper()
	e, _ := err.(error)
	var typed *mlruns.Error
	if !errors.Is(e, mlruns.ErrUnsupported) || !errors.As(e, &typed) || typed.Op == "" || mlruns.CodeOf(e) != mlruns.CodeFeatureDisabled {
		t.Errorf("%s: got %v, want an *Error that is %v", what, err, mlruns.ErrUnsupported)
	}
}

// TestCapabilities is about what a store may have beyond Store, and here has not.
func TestCapabilities(t *testing.T) {
	ctx := t.Context()
	c := mlruns.NewClient(uriStore{})
	second := func(_ any, err error) error { return err }
	for name, err := range map[string]error{
		"LogArtifact": c.LogArtifact(ctx, "r", "f", ""), "LogArtifacts": c.LogArtifacts(ctx, "r", "f", ""), "WriteArtifact": c.WriteArtifact(ctx, "r", "p", nil),
		"Artifacts": second(c.Artifacts(ctx, "r", "")), "OpenArtifact": second(c.OpenArtifact(ctx, "r", "p")), "DownloadArtifacts": second(c.DownloadArtifacts(ctx, "r", "p", "")),
		"DeleteArtifacts": c.DeleteArtifacts(ctx, "r", "p"), "ArtifactRoot": second(c.ArtifactRoot(ctx, "r")),
	} {
		isUnsupported(t, name, err)
	}
	for name, err := range map[string]error{
		"Verify": firstError(c.Verify(ctx, mlruns.VerifyQuery{})), "Repair": firstError(c.Repair(ctx, mlruns.RepairQuery{})),
		"GC": firstError(c.GC(ctx, mlruns.GCQuery{})), "Relocate": firstError(c.Relocate(ctx, mlruns.RelocateQuery{})),
	} {
		isUnsupported(t, name, err)
	}
}

// TestModelsAndTracesAreCapabilities is every call of a ModelStore, a TraceStore and a
// TraceRecorder on a store that is none of them.
func TestModelsAndTracesAreCapabilities(t *testing.T) {
	client := reflect.ValueOf(mlruns.NewClient(uriStore{}))
	for _, capability := range []reflect.Type{reflect.TypeFor[mlruns.ModelStore](), reflect.TypeFor[mlruns.TraceStore](), reflect.TypeFor[mlruns.TraceRecorder]()} {
		for i := range capability.NumMethod() {
			name := capability.Method(i).Name
			method := client.MethodByName(name)
			args := []reflect.Value{reflect.ValueOf(t.Context())}
			for j := 1; j < method.Type().NumIn(); j++ {
				args = append(args, reflect.Zero(method.Type().In(j)))
			}
			results := method.Call(args)
			last := results[len(results)-1]
			if last.Kind() != reflect.Func {
				isUnsupported(t, name, last.Interface())
				continue
			}
			for _, err := range last.Seq2() {
				isUnsupported(t, name, err.Interface())
			}
		}
	}
}

func TestModelStatus(t *testing.T) {
	for number, name := range []string{"UNSPECIFIED", "PENDING", "READY", "FAILED"} {
		parsed, err := mlruns.ParseModelStatus(name)
		if s := mlruns.ModelStatus(number); err != nil || parsed != s || s.String() != name || !s.Valid() {
			t.Errorf("status %d: name %s, parsed %v, %v", number, s, parsed, err)
		}
	}
	if s := mlruns.ModelStatus(4); s.Valid() || s.String() != "ModelStatus(4)" {
		t.Errorf("status 4 is %s", s)
	}
	if _, err := mlruns.ParseModelStatus("ready"); !errors.Is(err, mlruns.ErrInvalid) {
		t.Errorf("ready: %v", err)
	}
	if s := mlruns.TraceState("ok"); s.Valid() || !mlruns.TraceUnspecified.Valid() || mlruns.TraceUnspecified.String() != "STATE_UNSPECIFIED" {
		t.Errorf("state %s", s)
	}
}

func firstError[T any](seq iter.Seq2[T, error]) error {
	for _, err := range seq {
		return err
	}
	return nil
}

// batchStore has one run and keeps the batches logged to it.
type batchStore struct {
	mlruns.UnimplementedStore
	batches []mlruns.Batch
	fail    error
	end     []mlruns.Status
	endErr  error
	limit   time.Duration
	created mlruns.RunSpec
	names   map[string]mlruns.LifecycleStage
	cancel  func()
	lose    int // how often another process is faster in making an experiment
}

func (s *batchStore) Run(_ context.Context, id string) (*mlruns.Run, error) {
	return &mlruns.Run{Info: mlruns.RunInfo{ID: id, Stage: mlruns.StageActive}}, nil
}

func (s *batchStore) LogBatch(_ context.Context, _ string, b mlruns.Batch) error {
	s.batches = append(s.batches, b)
	if len(s.batches) == 2 {
		return s.fail
	}
	return nil
}

func (s *batchStore) EndRun(ctx context.Context, _ string, status mlruns.Status, end time.Time) error {
	s.end = append(s.end, status)
	if deadline, ok := ctx.Deadline(); ok {
		s.limit = time.Until(deadline)
	}
	if ctx.Err() != nil || !end.IsZero() {
		return errors.New("the context has ended, or there is an end time")
	}
	return s.endErr
}

func (s *batchStore) ExperimentByName(_ context.Context, name string) (*mlruns.Experiment, error) {
	stage, ok := s.names[name]
	if !ok {
		return nil, mlruns.ErrNotFound
	}
	return &mlruns.Experiment{ID: "of " + name, Name: name, Stage: stage}, nil
}

func (s *batchStore) CreateExperiment(_ context.Context, spec mlruns.ExperimentSpec) (*mlruns.Experiment, error) {
	if s.lose > 0 {
		s.lose--
		// and renamed away at once
		return nil, failure.ExperimentTaken(spec.Name, false)
	}
	s.names[spec.Name] = mlruns.StageActive
	return &mlruns.Experiment{ID: "of " + spec.Name, Name: spec.Name, Stage: mlruns.StageActive}, nil
}

func (s *batchStore) CreateRun(_ context.Context, spec mlruns.RunSpec) (*mlruns.Run, error) {
	s.created = spec
	return &mlruns.Run{Info: mlruns.RunInfo{ID: "new", Stage: mlruns.StageActive}}, nil
}

func resume(t *testing.T, s *batchStore) *mlruns.ActiveRun {
	t.Helper()
	run, err := mlruns.NewClient(s).ResumeRun(t.Context(), "r")
	if err != nil {
		t.Fatal(err)
	}
	return run
}

func TestBatchesAreSplit(t *testing.T) {
	for _, c := range []struct{ metrics, params, tags, calls int }{
		{0, 0, 0, 0}, {1, 0, 0, 1}, {0, 1, 0, 1}, {0, 0, 1, 1}, {1000, 0, 0, 1}, {1001, 0, 0, 2}, {800, 100, 100, 1}, {900, 100, 100, 2}, {0, 101, 0, 2}, {0, 0, 101, 2},
		{0, 250, 250, 5}, {2500, 150, 1, 4}, {950, 50, 0, 1}, {1900, 100, 0, 2},
	} {
		s := &batchStore{}
		want := mlruns.Batch{Metrics: make([]mlruns.Metric, c.metrics), Params: make([]mlruns.Param, c.params), Tags: tags(c.tags)}
		for i := range want.Metrics {
			want.Metrics[i] = mlruns.Metric{Key: "m", Step: int64(i)}
		}
		for i := range want.Params {
			want.Params[i].Key = "p" + time.Duration(i).String()
		}
		for i := range want.Tags {
			want.Tags[i].Value = time.Duration(i).String()
		}
		if err := resume(t, s).LogBatch(t.Context(), want); err != nil {
			t.Fatal(err)
		}
		var got mlruns.Batch
		for i, b := range s.batches {
			if err := validate.Batch(b); err != nil || b.Empty() {
				t.Errorf("%+v: call %d: %d metrics, %d params, %d tags: %v", c, i, len(b.Metrics), len(b.Params), len(b.Tags), err)
			}
			if len(got.Tags) > 0 && len(b.Metrics)+len(b.Params) > 0 || len(got.Metrics) > 0 && len(b.Params) > 0 {
				t.Errorf("%+v: call %d is out of order: params, metrics, tags", c, i)
			}
			got.Metrics, got.Params, got.Tags = append(got.Metrics, b.Metrics...), append(got.Params, b.Params...), append(got.Tags, b.Tags...)
		}
		if !slices.Equal(got.Metrics, want.Metrics) || !slices.Equal(got.Params, want.Params) || !slices.Equal(got.Tags, want.Tags) {
			t.Errorf("%+v: what arrived is not what was sent", c)
		}
		if len(s.batches) != c.calls {
			t.Errorf("%+v: %d calls, want %d", c, len(s.batches), c.calls)
		}
	}
	s := &batchStore{fail: errors.New("full")}
	err := resume(t, s).LogBatch(t.Context(), mlruns.Batch{Metrics: make([]mlruns.Metric, 5000)})
	if !errors.Is(err, s.fail) || len(s.batches) != 2 {
		t.Errorf("after a failure: %v and %d calls, want no call after it", err, len(s.batches))
	}
}

func TestFinish(t *testing.T) {
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	s := &batchStore{endErr: errors.New("busy")}
	run := resume(t, s)
	err := context.Canceled
	run.Finish(ended, &err)
	if !errors.Is(err, context.Canceled) || !errors.Is(err, s.endErr) {
		t.Errorf("got %v, want both errors", err)
	}
	if s.limit <= 9*time.Second || s.limit > 10*time.Second {
		t.Errorf("the limit was %v, want 10 s", s.limit)
	}
	s.endErr = nil
	run.Finish(ended, nil)
	run.Finish(ended, &err)
	if want := []mlruns.Status{mlruns.StatusKilled, mlruns.StatusFinished}; !slices.Equal(s.end, want) {
		t.Errorf("statuses %v, want %v: the failed one again, and no more after a success", s.end, want)
	}
}

// TestFinishPanicNil is about the panic that recover could not tell from none before Go 1.21.
func TestFinishPanicNil(t *testing.T) {
	s := &batchStore{}
	func() {
		defer func() { _ = recover() }()
		defer resume(t, s).Finish(t.Context(), nil)
		panic(nil)
	}()
	if !slices.Equal(s.end, []mlruns.Status{mlruns.StatusFailed}) {
		t.Errorf("statuses %v", s.end)
	}
}

func TestGetOrCreateExperiment(t *testing.T) {
	s := &batchStore{names: map[string]mlruns.LifecycleStage{"gone": mlruns.StageDeleted, "here": mlruns.StageActive}, lose: 3}
	c := mlruns.NewClient(s)
	for _, name := range []string{"here", "new", "new"} {
		if e, err := c.GetOrCreateExperiment(t.Context(), name); err != nil || e.ID != "of "+name {
			t.Errorf("%s: got %v, %v", name, e, err)
		}
	}
	if _, err := c.GetOrCreateExperiment(t.Context(), "gone"); !errors.Is(err, mlruns.ErrExists) {
		t.Errorf("deleted: got %v", err)
	}
	s.lose = 1 << 30
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.GetOrCreateExperiment(ended, "never"); !errors.Is(err, context.Canceled) {
		t.Errorf("with an ended context: got %v", err)
	}
}

// undurableStore makes runs that it cannot make durable.
type undurableStore struct{ batchStore }

func (s *undurableStore) CreateRun(context.Context, mlruns.RunSpec) (*mlruns.Run, error) {
	s.cancel()
	return &mlruns.Run{Info: mlruns.RunInfo{ID: "made"}}, mlruns.ErrNotDurable
}

// TestStartRunNotDurable makes a run that cannot be made durable: who goes by the error alone must
// not leave it RUNNING.
func TestStartRunNotDurable(t *testing.T) {
	full := errors.New("full")
	for _, endErr := range []error{nil, full} {
		s := &undurableStore{batchStore{names: map[string]mlruns.LifecycleStage{}, endErr: endErr}}
		ctx, cancel := context.WithCancel(t.Context())
		s.cancel = cancel // ending it is not up to the caller's context
		run, err := mlruns.NewClient(s).StartRun(ctx, "e", mlruns.RunSpec{})
		if run != nil || !errors.Is(err, mlruns.ErrNotDurable) || !errors.Is(err, endErr) && endErr != nil {
			t.Errorf("StartRun: %+v, %v, want no run, ErrNotDurable and %v", run, err, endErr)
		}
		if want := []mlruns.Status{mlruns.StatusFailed}; !slices.Equal(s.end, want) {
			t.Errorf("the run was ended with %v, want %v", s.end, want)
		}
	}
}

func TestStartRunUser(t *testing.T) {
	system, err := user.Current()
	if err != nil {
		t.Skip("the system does not know its user:", err)
	}
	for _, c := range []struct {
		env  map[string]string
		spec mlruns.RunSpec
		want string
	}{
		{map[string]string{"LOGNAME": "log", "USER": "usr"}, mlruns.RunSpec{}, "log"},
		{map[string]string{"USER": "usr"}, mlruns.RunSpec{}, "usr"},
		{map[string]string{"USERNAME": "win"}, mlruns.RunSpec{}, "win"},
		{map[string]string{"USER": "usr"}, mlruns.RunSpec{User: "own"}, "own"},
		{map[string]string{"USER": "usr"}, mlruns.RunSpec{Tags: map[string]string{mlruns.TagUser: "tag"}}, ""},
		{nil, mlruns.RunSpec{}, system.Username},
	} {
		for _, name := range []string{"LOGNAME", "USER", "LNAME", "USERNAME"} {
			t.Setenv(name, c.env[name])
		}
		s := &batchStore{names: map[string]mlruns.LifecycleStage{}}
		if _, err := mlruns.NewClient(s).StartRun(t.Context(), "e", c.spec); err != nil {
			t.Fatal(err)
		}
		if s.created.User != c.want || s.created.ExperimentID != "of e" {
			t.Errorf("%+v: user %q in experiment %q, want %q in %q", c, s.created.User, s.created.ExperimentID, c.want, "of e")
		}
	}
}

func tags(n int) []mlruns.Tag {
	list := make([]mlruns.Tag, n)
	for i := range list {
		list[i].Key = "t"
	}
	return list
}
