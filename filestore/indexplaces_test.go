package filestore_test

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/spf13/afero"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/filestore/internal/filestoretest"
	"github.com/mlruns/mlruns/internal/faultfs"
	"github.com/mlruns/mlruns/internal/memfs"
	"github.com/mlruns/mlruns/internal/proof"
)

// exchanged is a store in which a folder changes places with another in the middle of a search, and
// back after it. No file in the two looks otherwise for it.
type exchanged struct {
	t           *testing.T
	mem         *memfs.FS
	plain       *filestore.Store
	folder      string
	mode        filestore.IndexMode
	store       *filestore.Store
	at          faultfs.Op // before which the two change places, once
	armed, done atomic.Bool
	met         []faultfs.Op // in the folder, when nothing is to happen
}

const exchangedRun = "/mlruns/0/00000000000000000000000000000007"

func newExchanged(t *testing.T, folder string, mode filestore.IndexMode) *exchanged {
	x := &exchanged{t: t, mem: memfs.NewLocal(), folder: folder, mode: mode}
	run := func(dir, id, param string) {
		for name, text := range map[string]string{
			"meta.yaml": fmt.Sprintf("artifact_uri: /x\nend_time: 5\nexperiment_id: '0'\nlifecycle_stage: active\nrun_id: '%s'\nrun_name: %s\nstart_time: 1\nstatus: 3\nuser_id: ann\n", id, param),
			"metrics/m": "1 " + param[:1] + " 1\n", "params/p": param, "tags/a/b": param,
			"inputs/i/meta.yaml": "destination_id: d\ndestination_type: RUN\nsource_id: d\nsource_type: DATASET\ntags:\n  mlflow.data.context: " + param + "\n",
		} {
			x.put(path.Join(dir, name), text)
		}
	}
	experiment := func(dir, name, param string) {
		x.put(path.Join(dir, "meta.yaml"), fmt.Sprintf("artifact_location: /x/0\nexperiment_id: '0'\nlifecycle_stage: active\nname: %s\n", name))
		x.put(path.Join(dir, "tags", "k"), param)
		x.put(path.Join(dir, "datasets/d/meta.yaml"), "digest: d\nname: "+param+"\nprofile: p\nschema: s\nsource: s\nsource_type: code\n")
		for i := range 40 {
			id := fmt.Sprintf("%032x", i)
			run(path.Join(dir, id), id, param)
		}
	}
	experiment("/mlruns/0", "Default", "1one")
	experiment("/elsewhere/mlruns/0", "Another", "2two")
	for i := range 70 {
		x.put(fmt.Sprintf("/mlruns/%d/meta.yaml", 100+i), fmt.Sprintf("artifact_location: /x\nexperiment_id: '%d'\nlifecycle_stage: active\nname: e%d\n", 100+i, i))
	}
	x.plain = filestoretest.Open(t, "/mlruns", filestore.WithFs(x.mem), filestore.WithIndex(filestore.IndexNone))
	return x
}

func (x *exchanged) put(name, text string) {
	x.t.Helper()
	filestoretest.Must(x.t, x.mem.MkdirAll(path.Dir(name), 0o777), afero.WriteFile(x.mem, name, []byte(text), 0o666))
}

func (x *exchanged) exchange() {
	for _, names := range [][2]string{{x.folder, "/between"}, {"/elsewhere" + x.folder, x.folder}, {"/between", "/elsewhere" + x.folder}} {
		if err := x.mem.Rename(names[0], names[1]); err != nil {
			x.t.Error(err)
		}
	}
}

func (x *exchanged) inject(op faultfs.Op) error {
	of := faultfs.Op{Kind: op.Kind, Path: path.Join("/", op.Path)}
	switch {
	case !x.armed.Load():
	case x.at.Kind == "":
		if strings.HasPrefix(of.Path, exchangedRun) || of.Path == "/mlruns/0" || of.Path == "/mlruns/0/meta.yaml" || strings.HasPrefix(of.Path, "/mlruns/0/tags") || strings.HasPrefix(of.Path, "/mlruns/0/datasets") {
			x.met = append(x.met, of)
		}
	case of == x.at && !x.done.Swap(true):
		x.exchange()
	}
	return nil
}

// open opens the store with an index of its own; stale is one that has other states of the run's
// files.
func (x *exchanged) open(stale bool) {
	x.t.Helper()
	var err error
	x.store, err = filestore.Open("/mlruns", filestore.WithFs(faultfs.New(x.mem, x.inject)), filestore.WithIndex(x.mode), filestore.WithIndexDir(x.t.TempDir()))
	filestoretest.Must(x.t, err)
	x.t.Cleanup(func() { _ = x.store.Close() })
	if !stale {
		return
	}
	filestoretest.Must(x.t, x.store.RebuildIndex(x.t.Context(), nil))
	for _, dir := range []string{"/mlruns/0", "/elsewhere/mlruns/0"} {
		filestoretest.Must(x.t, afero.Walk(x.mem, dir, func(name string, info fs.FileInfo, err error) error {
			if err != nil || info.IsDir() {
				return err
			}
			return x.mem.Chmod(name, 0o644)
		}))
	}
	filestoretest.Settle()
}

// index is the file that the index is.
func (x *exchanged) index() fs.FileInfo {
	info, _ := os.Stat(x.store.IndexInfo().Path)
	return info
}

// wait waits until the index is another file. None is made if little was kept.
func (x *exchanged) wait(before fs.FileInfo) {
	for end := time.Now().Add(500 * time.Millisecond); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if now := x.index(); now != nil && (before == nil || !os.SameFile(before, now)) {
			return
		}
	}
}

// TestIndexWhileFoldersChangePlaces has a folder change places with another, and back, around each
// step of a search: what was read of the one is never kept as what the other has, although the
// files of both look after it as they did before.
func TestIndexWhileFoldersChangePlaces(t *testing.T) {
	t.Parallel()
	ask := map[string]func(s *filestore.Store) any{
		"filter": func(s *filestore.Store) any {
			a, _ := answerOf(s, mlruns.RunQuery{Experiments: []string{"0"}, Filter: "params.p = '1one' AND metrics.m = 1 AND tags.`a/b` = '1one'", MaxResults: 1})
			return a.Problems
		},
		"history": func(s *filestore.Store) any {
			a, _ := answerOf(s, mlruns.RunQuery{Experiments: []string{"0"}, Filter: "max(metrics.m) = 1", MaxResults: 1})
			return a.Problems
		},
		"whole": func(s *filestore.Store) any {
			a, _ := answerOf(s, mlruns.RunQuery{Experiments: []string{"0"}})
			return a.Problems
		},
		"datasets": func(s *filestore.Store) any {
			a, _ := answerOf(s, mlruns.RunQuery{Experiments: []string{"0"}, Filter: "dataset.name = '1one' AND dataset.context = '1one'", MaxResults: 1})
			return a.Problems
		},
		"experiments": func(s *filestore.Store) any {
			page, _ := s.SearchExperiments(t.Context(), mlruns.ExperimentQuery{Filter: "tags.k = '1one'"})
			return page
		},
		"name": func(s *filestore.Store) any {
			_, err := s.ExperimentByName(t.Context(), "nobody's")
			return err
		},
	}
	answers := func(s *filestore.Store) (all []any) {
		for _, q := range []mlruns.RunQuery{{Filter: "params.p = '1one'"}, {Filter: "tags.`a/b` = '1one'"}, {Filter: "max(metrics.m) = 1"}, {Filter: "name = '1one'"}, {Filter: "dataset.name = '1one'"}, {Filter: "dataset.context = '1one'"}, {}} {
			q.Experiments = []string{"0"}
			a, _ := answerOf(s, q)
			all = append(all, a)
		}
		page, err := s.SearchExperiments(t.Context(), mlruns.ExperimentQuery{Filter: "tags.k = '1one'"})
		filestoretest.Must(t, err)
		all = append(all, page.Experiments)
		e, err := s.ExperimentByName(t.Context(), "Default")
		return append(all, e, err)
	}
	type test struct {
		folder, search string
		stale          bool
		mode           filestore.IndexMode
	}
	var tests []test
	for folder, searches := range map[string][]string{
		exchangedRun:             {"filter", "history", "whole", "datasets"},
		exchangedRun + "/params": {"filter", "whole"},
		exchangedRun + "/tags/a": {"filter", "whole"},
		exchangedRun + "/inputs": {"datasets", "whole"},
		"/mlruns/0/datasets":     {"datasets", "whole"},
		"/mlruns/0/tags":         {"experiments", "name"},
		"/mlruns/0":              {"filter", "whole", "datasets", "experiments", "name"},
	} {
		for _, name := range searches {
			for _, mode := range []filestore.IndexMode{filestore.IndexChecked, filestore.IndexTrustEnded} {
				if mode == filestore.IndexTrustEnded && strings.HasPrefix(folder, exchangedRun+"/") {
					continue // a change of a run that has ended, and not of its meta.yaml, is to be missed
				}
				tests = append(tests, test{folder, name, false, mode})
				if name != "name" && name != "experiments" { // which have no fresh files, but for one
					tests = append(tests, test{folder, name, true, mode})
				}
			}
		}
	}
	slices.SortFunc(tests, func(a, b test) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	for _, tc := range proof.Sample(t, tests) {
		folder, name, stale, search := tc.folder, tc.search, tc.stale, ask[tc.search]
		t.Run(fmt.Sprintf("%s/%s/%v/%v", path.Base(folder), name, stale, tc.mode), func(t *testing.T) {
			t.Parallel()
			x := newExchanged(t, folder, tc.mode)
			filestoretest.Settle()
			x.open(stale)
			x.armed.Store(true)
			search(x.store)
			x.armed.Store(false)
			slices.SortFunc(x.met, func(a, b faultfs.Op) int { return strings.Compare(string(a.Kind)+a.Path, string(b.Kind)+b.Path) })
			steps := slices.Compact(x.met)
			proof.Rand(t).Shuffle(len(steps), func(i, j int) { steps[i], steps[j] = steps[j], steps[i] })
			for _, at := range steps[:min(len(steps), proof.Choose(1, 3, 20))] {
				filestoretest.Must(t, x.store.Close())
				x.open(stale)
				x.at = at
				before := x.index()
				x.done.Store(false)
				x.armed.Store(true)
				search(x.store)
				x.armed.Store(false)
				if x.done.Load() {
					x.exchange()
				}
				x.wait(before)
				if diff := differ(answers(x.plain), answers(x.store)); diff != "" {
					t.Errorf("after they changed places before %s of %s, without the index and with:\n%s", at.Kind, at.Path, diff)
				}
			}
		})
	}
}

func differ(a, b any) string {
	return cmp.Diff(a, b, cmpopts.EquateNaNs(), cmpopts.EquateEmpty(), cmpopts.EquateErrors())
}
