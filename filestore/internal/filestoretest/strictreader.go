package filestoretest

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"math/big"
	"os"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// ReadsStrictly fails the test unless every version of MLflow reads all of the store in dir.
func ReadsStrictly(t testing.TB, dir string) *StrictStore {
	t.Helper()
	s, err := ReadStrictly(os.DirFS(dir), true)
	if err != nil {
		t.Errorf("a reader with MLflow's rules: %v", err)
	}
	return s
}

// strictReader reads a store by MLflow's own rules, and fails where MLflow fails. It shares no code
// with the store that it judges: a reader with the same mistakes would not see them.
type strictReader struct {
	fs fs.FS
	// every asks for what all versions from 1.8 to 3.11 read; otherwise the rules are those of 3.11
	// alone.
	every bool
	errs  []error // of all experiments and runs: none hides another

}

// StrictStore is what MLflow would say of a store: experiments by id and runs by id, active and
// deleted.
type StrictStore struct {
	Experiments map[string]*StrictExperiment
	Runs        map[string]*StrictRun
}

type StrictExperiment struct {
	Name, location, stage string
	tags                  map[string]string
}

type StrictRun struct {
	experiment, Stage string
	status            int
	Metrics           map[string][]strictPoint
	Params, Tags      map[string]string
	inputs, outputs   int
}

type strictPoint struct {
	MS, Step *big.Int
	Value    float64
	dataset  string
}

// strictError is where reading failed and why.
type strictError struct{ path, reason string }

func (e *strictError) Error() string { return e.path + ": " + e.reason }

func strictly(path, format string, args ...any) error {
	return &strictError{path, fmt.Sprintf(format, args...)}
}

// ReadStrictly reads all of a store. What can be read is in the answer, whatever the error.
func ReadStrictly(fsys fs.FS, every bool) (*StrictStore, error) {
	r := &strictReader{fs: fsys, every: every}
	s := &StrictStore{map[string]*StrictExperiment{}, map[string]*StrictRun{}}
	for _, dir := range r.folders(".") {
		if dir != "models" && !strings.HasSuffix(dir, ".trash") {
			r.experiment(s, dir)
		}
	}
	if _, err := fs.Stat(fsys, ".trash"); err == nil { // MLflow makes it where it is missing
		for _, dir := range r.folders(".trash") {
			r.experiment(s, path.Join(".trash", dir))
		}
	}
	return s, errors.Join(r.errs...)
}

// fail notes an error.
func (r *strictReader) fail(err error) bool {
	if err != nil {
		r.errs = append(r.errs, err)
	}
	return err != nil
}

// folders are the names of the folders in a folder.
func (r *strictReader) folders(dir string) []string {
	entries, err := fs.ReadDir(r.fs, dir)
	r.fail(err)
	var names []string
	for _, e := range entries {
		if e.IsDir() {
			names = append(names, e.Name())
		}
	}
	return names
}

var (
	strictExperimentID = regexp.MustCompile(`^[a-zA-Z0-9][\w\-]{0,63}$`)
	strictOldKey       = regexp.MustCompile(`^[/\pL\pN_.\- ]*$`)
	strictNewKey       = regexp.MustCompile(`^[/\pL\pN_.\- :]*$`)
	strictInt          = regexp.MustCompile(`^[-+]?[0-9]+(_[0-9]+)*$`)
	strictFloat        = regexp.MustCompile(`^(?i)[-+]?(([0-9]+(_[0-9]+)*\.?([0-9]+(_[0-9]+)*)?|\.[0-9]+(_[0-9]+)*)(e[-+]?[0-9]+(_[0-9]+)*)?|inf|infinity|nan)$`)
)

func (r *strictReader) experiment(s *StrictStore, dir string) {
	id := path.Base(dir)
	if !strictExperimentID.MatchString(id) {
		r.fail(strictly(dir, "invalid experiment ID"))
		return
	}
	meta, err := r.meta(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return // MLflow warns
	}
	if r.fail(err) {
		return
	}
	if err := meta.need(dir, "artifact_location", "experiment_id", "lifecycle_stage", "name"); r.fail(err) {
		return
	}
	switch {
	case meta.text("experiment_id") != id:
		r.fail(strictly(dir, "experiment ID mismatch: %s", meta.text("experiment_id")))
		return
	case s.Experiments[id] != nil:
		r.fail(strictly(dir, "experiment found twice"))
	}
	e := &StrictExperiment{Name: meta.text("name"), location: meta.text("artifact_location"), stage: meta.text("lifecycle_stage")}
	e.tags, err = r.values(path.Join(dir, "tags"))
	if r.fail(err) {
		return
	}
	s.Experiments[id] = e
	reserved := []string{"tags", "datasets", "traces", "models", "artifacts"}
	for _, run := range r.folders(dir) {
		if !slices.Contains(reserved, run) {
			r.run(s, id, path.Join(dir, run))
		}
	}
}

func (r *strictReader) run(s *StrictStore, experiment, dir string) {
	run, err := r.readRun(experiment, dir)
	switch {
	case errors.Is(err, errNoRun):
	case r.fail(err):
	case s.Runs[path.Base(dir)] != nil:
		r.fail(strictly(dir, "run found twice"))
	default:
		s.Runs[path.Base(dir)] = run
	}
}

// errNoRun is a folder without a meta.yaml, which MLflow passes over.
var errNoRun = errors.New("no run")

func (r *strictReader) readRun(experiment, dir string) (*StrictRun, error) {
	meta, err := r.meta(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errNoRun
	}
	if err != nil {
		return nil, err
	}
	keys := []string{"run_id", "experiment_id", "user_id", "start_time", "end_time"}
	if r.every {
		keys = append(keys, "run_uuid", "artifact_uri", "lifecycle_stage", "status", "source_type", "tags")
	}
	if err := meta.need(dir, keys...); err != nil {
		return nil, err
	}
	run := &StrictRun{experiment: experiment, status: 1, Stage: "active"}
	if _, ok := meta["status"]; ok {
		run.status, err = strconv.Atoi(meta.text("status"))
	}
	if _, ok := meta["lifecycle_stage"]; ok {
		run.Stage = meta.text("lifecycle_stage")
	}
	switch {
	case err != nil || run.status < 1 || run.status > 5:
		return nil, strictly(dir, "could not get string corresponding to run status %q", meta.text("status"))
	case run.Stage != "active" && run.Stage != "deleted":
		return nil, strictly(dir, "invalid lifecycle stage %q", run.Stage)
	case meta["user_id"].Tag == "!!null", meta["start_time"].Tag == "!!null":
		return nil, strictly(dir, "user_id and start_time cannot be None")
	case meta.text("run_id") != path.Base(dir), r.every && meta.text("run_uuid") != path.Base(dir):
		return nil, strictly(dir, "run ID mismatch: %s", meta.text("run_id"))
	case meta.text("experiment_id") != experiment:
		return nil, strictly(dir, "metadata is in invalid state: experiment %s", meta.text("experiment_id"))
	}
	for _, folder := range []string{"metrics", "params", "artifacts"} {
		if info, err := fs.Stat(r.fs, path.Join(dir, folder)); err != nil || !info.IsDir() {
			return nil, strictly(dir, "run not found: no folder %s", folder)
		}
	}
	return run, r.content(run, dir)
}

func (r *strictReader) content(run *StrictRun, dir string) (err error) {
	if run.Params, err = r.values(path.Join(dir, "params")); err != nil {
		return err
	}
	if run.Tags, err = r.values(path.Join(dir, "tags")); err != nil {
		return err
	}
	run.Metrics = map[string][]strictPoint{}
	err = r.keys(path.Join(dir, "metrics"), func(key string, data []byte) error {
		run.Metrics[key], err = r.points(data)
		return err
	})
	if err != nil {
		return err
	}
	if run.inputs, err = r.records(path.Join(dir, "inputs"), "destination_id", "destination_type", "source_id", "source_type", "tags"); err != nil {
		return err
	}
	run.outputs, err = r.records(path.Join(dir, "outputs"), "destination_id", "destination_type", "source_id", "source_type", "step")
	return err
}

// records counts the folders in inputs/ or outputs/, in which nothing else may be.
func (r *strictReader) records(dir string, keys ...string) (int, error) {
	entries, err := fs.ReadDir(r.fs, dir)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	for _, e := range entries {
		meta, err := r.meta(path.Join(dir, e.Name()))
		if err != nil {
			return 0, err
		}
		if err := meta.need(path.Join(dir, e.Name()), keys...); err != nil {
			return 0, err
		}
	}
	return len(entries), err
}

// keys calls visit for every file below a folder. A folder that is missing has none.
func (r *strictReader) keys(dir string, visit func(key string, data []byte) error) error {
	return fs.WalkDir(r.fs, dir, func(name string, e fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) && name == dir {
			return nil
		}
		if err != nil || e.IsDir() {
			return err
		}
		key := strings.TrimPrefix(name, dir+"/")
		legal := strictNewKey
		if r.every {
			legal = strictOldKey
		}
		if !legal.MatchString(key) || path.Clean(key) != key || strings.HasPrefix(key, "..") {
			return strictly(name, "invalid value for the name of a metric, param or tag")
		}
		data, err := fs.ReadFile(r.fs, name)
		if err != nil {
			return err
		}
		if !utf8.Valid(data) {
			return strictly(name, "the utf-8 codec can't decode")
		}
		if err = visit(key, data); err != nil {
			return strictly(name, "%v", err)
		}
		return nil
	})
}

func (r *strictReader) values(dir string) (map[string]string, error) {
	values := map[string]string{}
	return values, r.keys(dir, func(key string, data []byte) error {
		values[key] = string(data)
		return nil
	})
}

// points reads a metric file. A last line without its newline is a line, as it is to MLflow.
func (r *strictReader) points(data []byte) ([]strictPoint, error) {
	text := strings.TrimSuffix(strings.NewReplacer("\r\n", "\n", "\r", "\n", "\v", "\n", "\f", "\n", "\x1c", "\n", "\x1d", "\n", "\x1e", "\n", "\u0085", "\n",
		"\u2028", "\n", "\u2029", "\n").Replace(string(data)), "\n")
	if len(data) == 0 {
		return nil, errors.New("no data found")
	}
	var points []strictPoint
	for line := range strings.SplitSeq(text, "\n") {
		fields := strings.Split(strings.TrimSpace(line), " ")
		if n := len(fields); n != 2 && n != 3 && (n != 5 || r.every) {
			return nil, fmt.Errorf("malformed; %q has %d fields", line, n)
		}
		p := strictPoint{Step: new(big.Int)}
		var err error
		if p.MS, err = pythonInt(fields[0]); err != nil {
			return nil, err
		}
		if p.Value, err = strictPythonFloat(fields[1]); err != nil {
			return nil, err
		}
		switch len(fields) {
		case 3:
			if p.Step, err = pythonInt(fields[2]); err != nil {
				return nil, err
			}
		case 5:
			p.dataset = fields[3] // and the step is 0, whatever stands there
		}
		points = append(points, p)
	}
	return points, nil
}

func pythonInt(s string) (*big.Int, error) {
	n, ok := new(big.Int).SetString(strings.ReplaceAll(strings.TrimPrefix(s, "+"), "_", ""), 10)
	if !strictInt.MatchString(s) || !ok {
		return nil, fmt.Errorf("invalid literal for int() with base 10: %q", s)
	}
	return n, nil
}

func strictPythonFloat(s string) (float64, error) {
	if !strictFloat.MatchString(s) {
		return 0, fmt.Errorf("could not convert string to float: %q", s)
	}
	v, err := strconv.ParseFloat(strings.ReplaceAll(s, "_", ""), 64)
	if math.IsInf(v, 0) {
		err = nil // Python's float overflows without a word
	}
	return v, err
}

// strictMeta is a meta.yaml.
type strictMeta map[string]yaml.Node

func (m strictMeta) text(key string) string {
	if n, ok := m[key]; ok {
		return n.Value
	}
	return ""
}

func (m strictMeta) need(dir string, keys ...string) error {
	for _, key := range keys {
		if _, ok := m[key]; !ok {
			return strictly(dir, "missing 1 required positional argument: %q", key)
		}
	}
	return nil
}

func (r *strictReader) meta(dir string) (meta strictMeta, err error) {
	name := path.Join(dir, "meta.yaml")
	data, err := fs.ReadFile(r.fs, name)
	if err != nil {
		return nil, err
	}
	if !utf8.Valid(data) {
		return nil, strictly(name, "the utf-8 codec can't decode")
	}
	if err := yaml.Unmarshal(data, &meta); err != nil {
		return nil, strictly(name, "%v", err)
	}
	if len(meta) == 0 {
		return nil, strictly(name, "empty")
	}
	return meta, nil
}
