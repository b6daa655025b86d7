package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/afero"
	"github.com/spf13/cobra"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/remote"
	"github.com/mlruns/mlruns/tracking"
	"github.com/mlruns/mlruns/transfer"
)

// preferFlag is --prefer src|dst.
type preferFlag transfer.Prefer

var preferences = map[string]transfer.Prefer{"src": transfer.PreferSource, "dst": transfer.PreferDestination}

func (p *preferFlag) String() string { return "" }
func (p *preferFlag) Type() string   { return "SIDE" }

func (p *preferFlag) Set(side string) error {
	prefer, ok := preferences[side]
	if !ok {
		return fmt.Errorf("want src or dst")
	}
	*p = preferFlag(prefer)
	return nil
}

func (a *app) copyRuns() *cobra.Command {
	var (
		q           transfer.Query
		prefer      preferFlag
		experiments []string
		watch       bool
		every       time.Duration
	)
	cmd := a.verb("copy SRC DST", "Copy runs from one store to another, and unite what is on both sides", cobra.ExactArgs(2), func(ctx context.Context, args []string) error {
		switch {
		case a.storeGiven():
			return &usageError{"copy names both stores itself, so --store cannot be given"}
		case watch && q.DryRun:
			return &usageError{"--watch and --dry-run exclude each other"}
		case every <= 0:
			return &usageError{"--every: want a time above 0"}
		}
		q.Prefer = transfer.Prefer(prefer)
		return a.copy(ctx, args[0], args[1], q, experiments, watch, every)
	})
	cmd.Long = `Copy experiments and runs from the store SRC to the store DST: a folder, which is made where there is
none, or a server, such as https://mlflow.example.com, with the credentials of MLflow's environment variables.

In a folder ids, times and stages are kept. A server draws ids of its own: there the id of SRC is the
tag mlruns.sourceRunId; traces keep their ids. A run or a trace that is on both sides is united: each
side's points, params, tags, assessments and files are there afterwards. A value that is another one on both sides is a conflict: it is
told with both values, and DST keeps its own; --prefer decides for tags, names and files. A copy
that was interrupted is gone on with by calling it again; one that is done again writes nothing.
With --json there is a line for each run that was looked at.`
	flags := cmd.Flags()
	flags.StringArrayVar(&experiments, "experiment", nil, "copy only the experiment `ID|NAME` (repeatable)")
	flags.StringVar(&q.Filter, "filter", "", "copy only runs that match `FILTER`, as in \"runs search\"")
	flags.BoolVar(&q.Deleted, "deleted", false, "copy deleted runs and experiments too")
	flags.Var(&prefer, "prefer", "take the value of this `SIDE`, src or dst, where tags, names or files differ")
	flags.BoolVar(&q.NoArtifacts, "no-artifacts", false, "leave the runs' files where they are")
	flags.BoolVar(&q.DryRun, "dry-run", false, "print what would be copied and change nothing")
	flags.BoolVar(&watch, "watch", false, "copy again and again, until a signal ends it")
	flags.DurationVar(&every, "every", 10*time.Second, "with --watch: wait this `TIME` at least between two copies")
	return cmd
}

// copy opens both stores and copies.
func (a *app) copy(ctx context.Context, from, to string, q transfer.Query, experiments []string, watch bool, every time.Duration) (err error) {
	a.leftOut = &leftOut{}
	opened, err := a.openSource(ctx, from)
	if err != nil {
		return err
	}
	src := newSide("SRC", from, opened, func() (mlruns.Store, error) {
		s, err := a.openSource(ctx, from)
		if err != nil {
			return nil, err
		}
		ids, err := answers(ctx, s, experiments, q.Filter)
		if err != nil {
			return nil, errors.Join(err, s.Close())
		}
		q.Experiments = ids // one of the same name may have another id in another store
		return s, nil
	})
	defer closing(src, &err)
	if q.Experiments, err = answers(ctx, src.Store, experiments, q.Filter); err != nil {
		return err
	}
	if err := apart(from, to); err != nil {
		return err
	}
	if opened, err = a.openDestination(ctx, to, src.URI(), q.DryRun); err != nil {
		return err
	}
	dst := newSide("DST", to, opened, func() (mlruns.Store, error) {
		return a.openDestination(ctx, to, src.URI(), q.DryRun, filestore.WithMustExist())
	})
	defer closing(dst, &err)
	if src.URI() == dst.URI() {
		return sameStore
	}
	if !watch { // which waits for a server that is away
		if err := isThere(ctx, dst.Store); err != nil {
			return err
		}
	}
	q.OnProblem, q.OnWait = a.leftOut.add, a.tellOfTurn
	report := &copyReport{app: a, dryRun: q.DryRun, begun: time.Now(), told: map[mlruns.Problem]bool{}, traces: map[transfer.Action]int{}}
	if !a.json {
		a.line.begin("copy")
		defer a.line.end()
		q.Progress = report.progress
	}
	items := transfer.Copy(ctx, dst.Store, src.Store, q)
	if watch {
		items = a.watch(ctx, dst, src, &q, every)
	}
	for it, err := range items {
		if err != nil {
			if errors.Is(err, context.Canceled) {
				err = fmt.Errorf("interrupted; the same copy again goes on with it: %w", err)
			}
			return errors.Join(report.end(), err)
		}
		if err := report.item(&it); err != nil {
			return err
		}
	}
	if err := report.end(); err != nil {
		return err
	}
	if report.notWhole+report.notRead() > 0 && !watch {
		return errProblems
	}
	return nil
}

// closing closes a store. An error of that joins the one there is.
func closing(s mlruns.Store, err *error) {
	if failed := s.Close(); failed != nil {
		*err = errors.Join(*err, failed)
	}
}

func (a *app) openSource(ctx context.Context, name string) (mlruns.Store, error) {
	if tracking.IsServer(name) {
		return remote.Open(ctx, name)
	}
	dir, err := storeDir(name)
	if err != nil {
		return nil, &usageError{"SRC: " + err.Error()}
	}
	s, err := filestore.Open(dir, append(a.options(), filestore.WithReadOnly(), filestore.WithMustExist())...)
	return s, pointBelow(dir, "", err)
}

// openDestination opens the store that is copied to. A dry run into one that is not there looks
// into one that is empty.
func (a *app) openDestination(ctx context.Context, name, source string, dryRun bool, opts ...filestore.Option) (mlruns.Store, error) {
	if tracking.IsServer(name) {
		s, err := remote.Open(ctx, name)
		if err != nil {
			return nil, err
		}
		return pushedTo{s, source}, nil
	}
	dir, err := storeDir(name)
	if err != nil {
		return nil, &usageError{"DST: " + err.Error()}
	}
	if !dryRun {
		s, err := filestore.Open(dir, append(a.options(), opts...)...)
		if err == nil && !a.verbose {
			a.warnOfDrive(s.Drive())
		}
		return s, pointBelow(dir, "", err)
	}
	s, err := filestore.Open(dir, append(a.options(), filestore.WithReadOnly(), filestore.WithMustExist())...)
	if errors.Is(err, mlruns.ErrNotFound) {
		return filestore.Open("/", filestore.WithFs(afero.NewMemMapFs()))
	}
	return s, err
}

// copyReport tells of a copy while it is made.
type copyReport struct {
	*app
	dryRun bool
	begun  time.Time
	told   map[mlruns.Problem]bool // with their runs

	experiments, created, united, unchanged, failed, points, files int
	bytes                                                          int64
	conflicts, notWhole                                            int
	traces                                                         map[transfer.Action]int
}

// itemShape is what "copy --json" prints of each.
type itemShape struct {
	transfer.Item
	Error string      `json:"error,omitempty"`
	Code  mlruns.Code `json:"error_code,omitempty"`
}

func (r *copyReport) item(it *transfer.Item) error {
	switch {
	case it.Kind == transfer.KindExperiment && it.Action == transfer.ActionCreated:
		r.experiments++
	case it.Kind == transfer.KindTrace:
		r.traces[it.Action]++
	case it.Kind != transfer.KindRun:
	case it.Action == transfer.ActionNone && errors.Is(it.Err, context.Canceled):
	case it.Action == transfer.ActionNone && it.Err != nil:
		r.failed++
	case it.Action == transfer.ActionCreated:
		r.created++
	case it.Action == transfer.ActionUnited:
		r.united++
	default:
		r.unchanged++
	}
	r.points, r.files, r.bytes = r.points+it.Points, r.files+it.Files, r.bytes+it.Bytes
	if !it.Whole() {
		r.notWhole++
	}
	if r.json {
		shape := itemShape{Item: *it}
		if it.Err != nil {
			shape.Error, shape.Code = flagged(mlruns.MessageOf(it.Err)), mlruns.CodeOf(it.Err)
		}
		if err := r.printJSON(shape); err != nil {
			return err
		}
	} else {
		r.forPeople(it)
	}
	return r.out.Flush() // who waits for a long copy, or a watch, sees what is done
}

// forPeople prints a line of what was done, and says what was not.
func (r *copyReport) forPeople(it *transfer.Item) {
	if it.Action != transfer.ActionNone {
		line := fmt.Sprintf("%-8s %-10s %s  %s%s", it.Action, it.Kind, safe(it.SourceID), safe(orDash(it.Name)), amounts(it))
		if width := r.width(); width > 0 {
			line = text.Snip(line, width, "…")
		}
		_, _ = fmt.Fprintln(r.out, line)
	}
	about := string(it.Kind)
	if it.SourceID != "" {
		about += " " + it.SourceID
	}
	for _, c := range it.Conflicts {
		if !c.Decided {
			r.conflicts++
			r.note("conflict: %s: %s", about, c.String())
		}
	}
	for _, id := range it.Removed {
		r.note("deleted: %s of the destination, which an interrupted copy left empty beside another", id)
	}
	for _, refused := range it.Refused {
		r.note("not copied: %s: %s", about, flagged(refused.String()))
	}
	for _, p := range it.Problems {
		r.note("warning: %s", p.String())
		r.told[p] = true
	}
	if it.Err != nil && !errors.Is(it.Err, context.Canceled) { // that is told at the end
		r.note("failed: %s: %s", about, errorText(it.Err))
	}
}

// amounts says how much was copied of something.
func amounts(it *transfer.Item) string {
	var parts []string
	for _, part := range []struct {
		n    int
		noun string
	}{{it.Params, "param"}, {it.Tags, "tag"}, {it.Points, "point"}, {it.Inputs, "input"}, {it.Metadata, "metadata value"}, {it.Assessments, "assessment"}, {it.Files, "file"}} {
		if part.n > 0 {
			parts = append(parts, counted(part.n, part.noun))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return "  (" + strings.Join(parts, ", ") + ")"
}

// notRead is how much of the source was left out since it cannot be read, or leads out of the
// store.
func (r *copyReport) notRead() (n int) {
	for _, p := range r.leftOut.problems {
		switch p.Kind {
		case mlruns.ProblemLeftOut, mlruns.ProblemMissingMeta, mlruns.ProblemUnreadableMeta, mlruns.ProblemIDMismatch, mlruns.ProblemUnreadable, mlruns.ProblemGitConflict, mlruns.ProblemGitPointer:
			n++
		}
	}
	return n
}

func (r *copyReport) end() error {
	if r.json {
		if len(r.leftOut.problems) > 0 {
			return r.printJSON(map[string]any{"problems": r.leftOut.problems})
		}
		return nil
	}
	r.warn(slices.DeleteFunc(slices.Clone(r.leftOut.problems), func(p mlruns.Problem) bool { return r.told[p] }))
	verb := "copied"
	if r.dryRun {
		verb = "would be copied"
	}
	summary := fmt.Sprintf("%s created, %d united, %d unchanged, %s, %s, %s", counted(r.created, "run"), r.united, r.unchanged, counted(r.points, "point"), counted(r.files, "file"), byteCount(r.bytes))
	if r.experiments > 0 {
		summary = counted(r.experiments, "experiment") + ", " + summary
	}
	if n := r.traces; len(n) > 0 {
		summary += fmt.Sprintf("; %s created, %d united, %d unchanged", counted(n[transfer.ActionCreated], "trace"), n[transfer.ActionUnited], n[transfer.ActionNone])
	}
	if r.failed > 0 {
		summary += "; " + counted(r.failed, "run") + " failed"
	}
	if r.conflicts > 0 {
		summary += "; " + counted(r.conflicts, "conflict")
	}
	r.note("%s: %s", verb, summary)
	return nil
}

// progress draws how far the copy has come, how fast it is, and how long it will take.
func (r *copyReport) progress(p transfer.Progress) {
	r.line.show(func() string {
		took := time.Since(r.begun)
		rate := float64(p.Done) / max(took.Seconds(), 0.001)
		line := fmt.Sprintf("copy %d", p.Done)
		if p.Total > 0 {
			line += fmt.Sprintf("/%d", p.Total)
		}
		line += fmt.Sprintf(" runs, %.1f/s, %s points, %s", rate, thousands(p.Points), byteCount(p.Bytes))
		if left := p.Total - p.Done; left > 0 && rate > 0 {
			line += fmt.Sprintf(", %s left", (time.Duration(float64(left) / rate * float64(time.Second))).Round(time.Second))
		}
		return line
	})
}
