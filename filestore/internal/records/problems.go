package records

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/codec"
	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/atomicfile"
	"github.com/mlruns/mlruns/internal/vfs"
)

// Problems collects what could not be read, from any number of goroutines. A nil *Problems drops
// them.
type Problems struct {
	Report func(mlruns.Problem)
	// Reports whether a problem is none after all, a folder of artifacts that was taken for a
	// record; nil where none can be met.
	Explained func(mlruns.Problem) bool

	mu   sync.Mutex
	List []mlruns.Problem
}

func (p *Problems) Add(problem mlruns.Problem) {
	if p == nil || p.Explained != nil && p.Explained(problem) {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.Report != nil {
		p.Report(problem)
		return
	}
	p.List = append(p.List, problem)
}

func missingMeta(dir string) mlruns.Problem {
	return mlruns.Problem{Kind: mlruns.ProblemMissingMeta, Path: dir, Reason: "a folder without a " + layout.MetaOf(dir)}
}

// Sorted gives what was collected, by path and line, each once: a search that filters by a file and
// then returns its run reads it twice.
func (p *Problems) Sorted() []mlruns.Problem {
	slices.SortFunc(p.List, func(a, b mlruns.Problem) int {
		return cmp.Or(strings.Compare(a.Path, b.Path), cmp.Compare(a.Line, b.Line), strings.Compare(string(a.Kind), string(b.Kind)), strings.Compare(a.Reason, b.Reason))
	})
	p.List = slices.Compact(p.List)
	return p.List
}

// ProblemOf describes why a file or folder could not be read; kind is what it is if nothing more is
// known.
func ProblemOf(kind mlruns.ProblemKind, path string, err error) mlruns.Problem {
	p := mlruns.Problem{Kind: kind, Path: path, Reason: ReasonOf(err)}
	var d *codec.Damage
	var m *codec.Mismatch
	switch {
	case errors.As(err, &d):
		p.Kind = cmp.Or(d.Kind, kind)
		p.Line = d.Line
		p.Reason = d.Reason
	case errors.As(err, &m):
		p.Kind = mlruns.ProblemIDMismatch
	}
	return p
}

// IsDamage reports whether an error is about what a file says, which reading it again does not
// mend.
func IsDamage(err error) bool {
	var d *codec.Damage
	var m *codec.Mismatch
	return errors.As(err, &d) || errors.As(err, &m)
}

// ReasonOf leaves out the path that errors of the file system repeat.
func ReasonOf(err error) string {
	var pathError *fs.PathError
	if errors.As(err, &pathError) {
		return pathError.Err.Error()
	}
	return err.Error()
}

// IDsIn lists the names of the folders in dir that are not reserved and pass valid, sorted.
// Links to folders count. What does not pass is reported as foreign.
func (r *Reader) IDsIn(dir string, p *Problems, reserved, valid func(string) bool) ([]string, error) {
	entries, err := r.Tree.Entries(dir)
	if err != nil {
		return nil, err
	}
	names, err := r.IDs(entries, dir, p, reserved, valid)
	slices.Sort(names)
	return names, err
}

// IDs is IDsIn of what was listed already, unsorted.
func (r *Reader) IDs(entries []vfs.Entry, dir string, p *Problems, reserved, valid func(string) bool) ([]string, error) {
	names := make([]string, 0, len(entries))
	foreign := 0
	reject := func(name, reason string) {
		if foreign++; foreign <= MaxForeign {
			p.Add(mlruns.Problem{Kind: mlruns.ProblemForeign, Path: layout.Join(dir, name), Reason: reason})
		}
	}
	for _, e := range entries {
		switch {
		case e.Type&fs.ModeSymlink != 0:
			info, err := r.Tree.Stat(layout.Join(dir, e.Name))
			switch {
			case vfs.IsShortage(err):
				return nil, err
			case err != nil && e.Name == layout.Meta: // who reads it says so
				continue
			case err != nil && !reserved(e.Name) && !IsForeign(e.Name) && valid(e.Name):
				p.Add(ProblemOf(mlruns.ProblemUnreadable, layout.Join(dir, e.Name), err))
				continue
			case err != nil:
				reject(e.Name, ReasonOf(err))
				continue
			case !info.IsDir():
				continue
			}
		case e.Type&fs.ModeIrregular != 0:
			reject(e.Name, "neither a file nor a folder, and not followed, as a junction of Windows")
			continue
		case !e.Type.IsDir():
			// Every MLflow version ignores files here, and so do we; our own lock file is one.
			continue
		}
		switch {
		// the latter is where a run is built (see placeNear)
		case reserved(e.Name) || dir != "" && dir != layout.Trash && atomicfile.IsTemp(e.Name):
		case IsConflict(e.Name):
			p.Add(Conflict(layout.Join(dir, e.Name)))
		case IsForeign(e.Name) || !valid(e.Name):
			reject(e.Name, "a folder that is neither an experiment nor a run")
		default:
			names = append(names, e.Name)
		}
	}
	if more := foreign - MaxForeign; more > 0 {
		p.Add(mlruns.Problem{Kind: mlruns.ProblemForeign, Path: dir, Reason: fmt.Sprintf("%d more folders are neither experiments nor runs", more)})
	}
	return names, nil
}

// CallError gives the error that ends a call, if err is one of the call and says nothing of the
// store: its context is over, or the process lacks something (vfs.IsShortage). It is nil for all
// others.
func CallError(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case vfs.IsShortage(err):
		return err
	}
	return nil
}

// EndsCall reports whether an error ends the call.
func EndsCall(ctx context.Context, err error) bool { return CallError(ctx, err) != nil }

// Unreadable reports what could not be read, unless the error ends the call: then it is given back.
func (p *Problems) Unreadable(ctx context.Context, kind mlruns.ProblemKind, path string, err error) error {
	if end := CallError(ctx, err); end != nil {
		return end
	}
	p.Add(ProblemOf(kind, path, err))
	return nil
}
