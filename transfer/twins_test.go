package transfer_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/remote"
	"github.com/mlruns/mlruns/transfer"
)

// onItsWay keeps the first request that makes something, whose sender is killed, and lets it go on
// later.
type onItsWay struct {
	path string
	kill func()

	mu   sync.Mutex
	kept *http.Request
	body []byte
}

func (w *onItsWay) RoundTrip(r *http.Request) (*http.Response, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.kept != nil || r.Method != http.MethodPost || !strings.HasSuffix(r.URL.Path, w.path) {
		return http.DefaultTransport.RoundTrip(r)
	}
	var err error
	if w.body, err = io.ReadAll(r.Body); err != nil {
		return nil, err
	}
	w.kept = r
	w.kill()
	return nil, errors.New("nobody waits for the answer")
}

func (w *onItsWay) arrives(t testing.TB) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	r, err := http.NewRequest(http.MethodPost, w.kept.URL.String(), bytes.NewReader(w.body))
	must(t, err)
	r.Header = w.kept.Header
	answer, err := http.DefaultTransport.RoundTrip(r)
	must(t, err, answer.Body.Close())
	if answer.StatusCode != http.StatusOK {
		t.Fatalf("the late request is answered %s", answer.Status)
	}
}

// afterCreate does something once something was made.
type afterCreate struct {
	path string
	once sync.Once
	do   func()
}

func (w *afterCreate) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := http.DefaultTransport.RoundTrip(r)
	if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, w.path) {
		w.once.Do(w.do)
	}
	return answer, err
}

// A copy is killed while its request to make a run is on its way, and that arrives when the next
// copy has looked for the run: while it goes on, or after its end. What is there in the end is what
// one undisturbed copy makes, and the empty run is deleted, which is told.
func TestPushKilledWhileARunIsMade(t *testing.T) {
	ctx := context.Background()
	src, _ := past(t)
	q := transfer.Query{Deleted: true}
	undisturbed := open(t)
	dst, _ := overHTTP(t, undisturbed)
	copyAll(t, dst, src, q)
	want := unmapped(snapshot(t, undisturbed))
	over := func(uri string, transport http.RoundTripper) *remote.Store {
		s, err := remote.Open(ctx, uri, remote.WithTransport(transport), remote.WithRetries(0, time.Millisecond))
		must(t, err)
		return s
	}
	for _, late := range []bool{false, true} {
		files := open(t)
		dst, _ := overHTTP(t, files)
		killed, kill := context.WithCancel(ctx)
		way := &onItsWay{path: "/runs/create", kill: kill}
		for it, err := range transfer.Copy(killed, over(dst.URI(), way), src, q) {
			_, _ = it, err // it is killed
		}
		removed := 0
		count := func(it transfer.Item, err error) {
			must(t, err, it.Err)
			if removed += len(it.Removed); len(it.Removed) > 0 && (it.Kind != transfer.KindExperiment || !it.Whole()) {
				t.Errorf("%+v", it)
			}
		}
		second := http.DefaultTransport
		if !late {
			second = &afterCreate{path: "/runs/create", do: func() { way.arrives(t) }}
		}
		for it, err := range transfer.Copy(ctx, over(dst.URI(), second), src, q) {
			count(it, err)
		}
		if late {
			way.arrives(t)
			plan := q
			plan.DryRun = true
			for it, err := range transfer.Copy(ctx, dst, src, plan) {
				count(it, err)
			}
			if removed != 1 {
				t.Errorf("the dry run tells of %d empty runs", removed)
			}
			removed = 0
			for it, err := range transfer.Copy(ctx, dst, src, q) {
				count(it, err)
			}
		}
		if removed != 1 {
			t.Errorf("late %v: %d empty runs are told", late, removed)
		}
		dst, w := overWire(t, files, &wire{})
		copyAll(t, dst, src, q)
		if len(w.writes) > 0 {
			t.Errorf("late %v: the last copy sends %q", late, w.writes)
		}
		all := snapshot(t, files)
		empty := 0
		for key, v := range all {
			if r, ok := v.(mlruns.Run); ok && r.Info.Stage == mlruns.StageDeleted && r.Data.Tags[transfer.TagPushed] == "" {
				empty++
				delete(all, key)
			}
		}
		if diff := cmp.Diff(want, unmapped(all), timesOfServer); diff != "" || empty != 1 {
			t.Errorf("late %v: %d empty runs in the trash (-undisturbed +killed):\n%s", late, empty, diff)
		}
		sound(t, files)
	}
}

// Of twins the same one is kept up to date each time: what is marked as whole before what is not,
// what has something before what is empty, what others lead to before what nobody knows, and then
// by the ids.
func TestTwins(t *testing.T) {
	ctx := context.Background()
	source := map[string]string{transfer.TagSourceRun: "run"}
	with := func(key, value string) map[string]string {
		return map[string]string{transfer.TagSourceRun: "run", key: value}
	}
	for name, c := range map[string]struct {
		a, b    map[string]string // tags
		do      func(s *filestore.Store)
		kept    string
		removed bool
	}{
		"both empty":      {source, source, nil, "a", true},
		"marked":          {source, with(transfer.TagPushed, "x"), nil, "b", true},
		"both marked":     {with(transfer.TagPushed, "x"), with(transfer.TagPushed, "y"), nil, "a", false},
		"marked and full": {with("t", "1"), with(transfer.TagPushed, "x"), nil, "b", false},
		"full":            {source, with("t", "1"), nil, "b", true},
		"a point":         {source, source, func(s *filestore.Store) { must(t, s.LogMetric(ctx, "b", point("m", 1, 1))) }, "b", true},
		"a file":          {with(transfer.TagPushed, "x"), source, func(s *filestore.Store) { must(t, s.WriteArtifact(ctx, "b", "f", strings.NewReader("x"))) }, "a", false},
		"a parent": {source, source, func(s *filestore.Store) {
			must(t, errOf(s.CreateRun(ctx, mlruns.RunSpec{ID: "child", Start: at(1), Tags: map[string]string{mlruns.TagParentRunID: "b"}})))
		}, "b", true},
		"ended":              {source, source, func(s *filestore.Store) { must(t, s.EndRun(ctx, "b", 0, at(3))) }, "b", true},
		"deleted":            {with(transfer.TagPushed, "x"), source, func(s *filestore.Store) { must(t, s.DeleteRun(ctx, "a")) }, "a", true},
		"deleted, both full": {with(transfer.TagPushed, "x"), with("t", "1"), func(s *filestore.Store) { must(t, s.DeleteRun(ctx, "a")) }, "b", false},
	} {
		src, files := open(t), open(t)
		must(t, errOf(src.CreateRun(ctx, mlruns.RunSpec{ID: "run", Name: "n", Start: at(1)})),
			errOf(files.CreateRun(ctx, mlruns.RunSpec{ID: "b", Name: "n", Start: at(1), Tags: c.b})), errOf(files.CreateRun(ctx, mlruns.RunSpec{ID: "a", Name: "n", Start: at(1), Tags: c.a})))
		if c.do != nil {
			c.do(files)
		}
		for range 2 {
			it := copyAll(t, serve(files, false), src, transfer.Query{})["run run"]
			if it.ID != c.kept {
				t.Errorf("%s: %+v", name, it)
			}
		}
		other := map[string]string{"a": "b", "b": "a"}[c.kept]
		r, err := files.Run(ctx, other)
		must(t, err)
		if removed := r.Info.Stage == mlruns.StageDeleted; removed != (c.removed || name == "deleted, both full") {
			t.Errorf("%s: deleted %v", name, removed)
		}
	}
}

// So it is with a logged model.
func TestPushKilledWhileAModelIsMade(t *testing.T) {
	ctx := context.Background()
	src := open(t)
	must(t, errOf(src.CreateRun(ctx, mlruns.RunSpec{ID: "run", Name: "n", Start: at(1)})))
	m, err := src.CreateLoggedModel(ctx, mlruns.ModelSpec{ExperimentID: "0", Name: "model", SourceRunID: "run", Params: map[string]string{"a": "1"}})
	must(t, err, src.WriteModelArtifact(ctx, m.ID, "MLmodel", strings.NewReader("x")), errOf(src.FinalizeLoggedModel(ctx, m.ID, mlruns.ModelReady)),
		src.LogOutputs(ctx, "run", mlruns.Outputs{Models: []mlruns.ModelOutput{{ModelID: m.ID}}}), src.EndRun(ctx, "run", 0, at(9)))
	for _, late := range []bool{false, true} {
		files := open(t)
		dst, _ := overHTTP(t, files)
		// another source's model that is being made is not touched
		other, err := files.CreateLoggedModel(ctx, mlruns.ModelSpec{ExperimentID: "0", Name: "other", Tags: map[string]string{transfer.TagSourceModel: "m-other"}})
		must(t, err)
		over := func(transport http.RoundTripper) *remote.Store {
			s, err := remote.Open(ctx, dst.URI(), remote.WithTransport(transport), remote.WithRetries(0, time.Millisecond))
			must(t, err)
			return s
		}
		killed, kill := context.WithCancel(ctx)
		way := &onItsWay{path: "/logged-models", kill: kill}
		for it, err := range transfer.Copy(killed, over(way), src, transfer.Query{}) {
			_, _ = it, err // it is killed
		}
		second := http.DefaultTransport
		if !late {
			second = &afterCreate{path: "/logged-models", do: func() { way.arrives(t) }}
		}
		removed := 0
		for _, transport := range []http.RoundTripper{second, http.DefaultTransport} {
			for it, err := range transfer.Copy(ctx, over(transport), src, transfer.Query{}) {
				must(t, err, it.Err)
				removed += len(it.Removed)
			}
			switch {
			case late && removed == 0:
				way.arrives(t)
			case removed != 1:
				t.Errorf("late %v: %d empty models are told by the copy after which they are there", late, removed)
			}
		}
		if removed != 1 {
			t.Errorf("late %v: %d empty models are told", late, removed)
		}
		dst, w := overWire(t, files, &wire{})
		copyAll(t, dst, src, transfer.Query{})
		if len(w.writes) > 0 {
			t.Errorf("late %v: the last copy sends %q", late, w.writes)
		}
		var names []string
		for m, err := range files.LoggedModels(ctx, mlruns.ModelQuery{}) {
			must(t, err)
			names = append(names, m.Name+" "+m.Status.String())
		}
		slices.Sort(names)
		if diff := cmp.Diff([]string{"model READY", "other PENDING"}, names); diff != "" {
			t.Errorf("late %v, with %s:\n%s", late, other.ID, diff)
		}
		sound(t, files)
	}
}
