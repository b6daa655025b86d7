package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/failure"
	"github.com/mlruns/mlruns/remote"
)

// session is an open store.
type session struct {
	*mlruns.Client
	// store is nil where the store is behind a server.
	store *filestore.Store
	place place
}

// work is what a verb does with a store.
type work func(ctx context.Context, s *session, args []string) error

// reading opens the store read-only.
func (a *app) reading(do work) action {
	return a.with(func(ctx context.Context, s *session, args []string) error {
		a.warnOfIndex(s)
		return do(ctx, s, args)
	}, func() (*session, error) {
		opts := append(a.options(), filestore.WithReadOnly(), filestore.WithMustExist())
		at, err := a.place()
		if err != nil {
			return nil, err
		}
		if at.dir != "" {
			return a.open(at, opts)
		}
		store, at, err := nearest(opts)
		if err != nil {
			return nil, err
		}
		return newSession(store, at), nil
	})
}

// writing opens a store that exists, and looks for it in one place only.
func (a *app) writing(do work) action {
	return a.with(do, func() (*session, error) { return a.openToWrite(filestore.WithMustExist()) })
}

// planning opens the store that writing would, read-only.
func (a *app) planning(do work) action {
	return a.with(do, func() (*session, error) { return a.openHere(filestore.WithMustExist(), filestore.WithReadOnly()) })
}

// making opens the store, and makes it where there is none. Whoever has a store above, which all
// that only read would have found, is told.
func (a *app) making(do work, opts ...filestore.Option) action {
	return a.with(do, func() (*session, error) {
		above := a.storeAbove()
		s, err := a.openToWrite(opts...)
		if err == nil && above != "" && !a.json {
			a.note("made a new store in .%c%s; the one above is used with --store %s", filepath.Separator, usual, above)
		}
		return s, err
	})
}

// openToWrite is openHere that says once where locks may not exclude all who write. With --verbose
// the library's log says it.
func (a *app) openToWrite(opts ...filestore.Option) (*session, error) {
	s, err := a.openHere(opts...)
	if err == nil && !a.verbose && s.store != nil {
		a.warnOfDrive(s.store.Drive())
	}
	return s, err
}

// warnOfDrive is for people: with --json there is nothing but an error on standard error, and
// "store info" has the warning.
func (a *app) warnOfDrive(d filestore.Drive) {
	if d.LocksMayBeLocal && !a.json {
		a.note("warning: locks may not exclude all who write here: %s", d.LockWarning)
	}
}

func (a *app) openHere(opts ...filestore.Option) (*session, error) {
	at, err := a.place()
	if err != nil {
		return nil, err
	}
	if at.dir == "" {
		at = place{usual, here}
	}
	s, err := a.open(at, append(a.options(), opts...))
	if err != nil && at.from == here && errors.Is(err, mlruns.ErrNotFound) {
		return nil, a.pointAbove(err)
	}
	return s, err
}

func (a *app) open(at place, opts []filestore.Option) (*session, error) {
	if at.isServer() {
		return a.openServer(at)
	}
	store, err := filestore.Open(at.dir, opts...)
	if err != nil && at.from == "--store" {
		err = pointBelow(at.dir, "--store ", err)
	}
	if err != nil {
		return nil, err
	}
	return newSession(store, at), nil
}

func newSession(store *filestore.Store, at place) *session {
	return &session{Client: mlruns.NewClient(store), store: store, place: at}
}

// openServer opens the store behind a server, which is not asked before a verb does.
func (a *app) openServer(at place) (*session, error) {
	logger := slog.New(slog.DiscardHandler)
	if a.verbose {
		logger = slog.New(slog.NewTextHandler(a.err, nil))
	}
	store, err := remote.Open(context.Background(), at.dir, remote.WithLogger(logger))
	if err != nil {
		return nil, err
	}
	return &session{Client: mlruns.NewClient(store), place: at}, nil
}

// onFolder is for what can only be done where the files are.
func onFolder(do work) work {
	return func(ctx context.Context, s *session, args []string) error {
		if s.store == nil {
			return &usageError{fmt.Sprintf("this is done in the folder of a store, and %s is a server: name the folder with --store, on the machine that has it", s.URI())}
		}
		return do(ctx, s, args)
	}
}

func (a *app) options() []filestore.Option {
	opts := []filestore.Option{filestore.WithArtifactRoots(a.artifacts...), filestore.WithLinkTargets(a.links...)}
	opts = append(opts, a.index.options()...)
	for _, m := range a.mappings {
		opts = append(opts, filestore.WithArtifactMapping(m.From, m.Dir))
	}
	if a.leftOut != nil {
		opts = append(opts, filestore.WithOnProblem(telling(a.leftOut.add)))
	}
	if a.verbose {
		opts = append(opts, filestore.WithLogger(slog.New(slog.NewTextHandler(a.err, nil))))
	}
	return opts
}

func (a *app) with(do work, open func() (*session, error)) action {
	return func(ctx context.Context, args []string) (err error) {
		s, err := open()
		if err != nil {
			return err
		}
		defer func() {
			if closing := s.Close(); closing != nil {
				err = errors.Join(err, closing)
			}
		}()
		defer func() {
			if errors.Is(err, mlruns.ErrNotFound) {
				err = a.perhapsBehindLink(ctx, s, err)
			}
		}()
		if a.verbose {
			_, _ = fmt.Fprintf(a.err, "mlruns: store %s, from %s\n", safe(s.URI()), s.place.from)
		}
		return do(ctx, s, args)
	}
}

// perhapsBehindLink says of what was not found that there are experiments that were not looked
// into.
func (a *app) perhapsBehindLink(ctx context.Context, s *session, err error) error {
	links := slices.DeleteFunc(s.hidden(ctx, mlruns.ViewAll), func(p mlruns.Problem) bool { return !notFollowed(p) })
	switch {
	case len(links) == 0:
		return err
	case a.json:
		return &failure.Reason{Kind: mlruns.ErrNotFound, Code: string(mlruns.CodeOf(err)), Text: fmt.Sprintf("%s (not looked into: %v)", mlruns.MessageOf(err), links[0]), Cause: err}
	}
	a.warn(links)
	return err
}

// experiment gets the experiment that a person names by its id, or else by its name.
func (s *session) experiment(ctx context.Context, idOrName string) (*mlruns.Experiment, error) {
	e, err := s.Experiment(ctx, idOrName)
	if !errors.Is(err, mlruns.ErrNotFound) && !errors.Is(err, mlruns.ErrInvalid) {
		return e, err
	}
	e, err = s.ExperimentByName(ctx, idOrName)
	if errors.Is(err, mlruns.ErrNotFound) {
		return nil, s.noExperiment(ctx, idOrName)
	}
	return e, err
}

func (s *session) noExperiment(ctx context.Context, idOrName string) error {
	text := fmt.Sprintf("Could not find experiment with ID or name '%s'", idOrName)
	if hidden := s.hidden(ctx, mlruns.ViewAll); len(hidden) > 0 {
		text += fmt.Sprintf(" (an experiment could not be read: %s; see \"mlruns store verify\")", hidden[0].Path)
	}
	return &failure.Reason{Kind: mlruns.ErrNotFound, Text: text}
}

// experimentID gives the id of the experiment that is to be changed, and that a person names by its
// id, or else by its name. Of two with that name the one in the view is meant; where that does not
// tell them apart, which a damaged store can hold, none is.
func (s *session) experimentID(ctx context.Context, idOrName string, view mlruns.View) (string, error) {
	if _, err := s.Experiment(ctx, idOrName); !errors.Is(err, mlruns.ErrNotFound) && !errors.Is(err, mlruns.ErrInvalid) {
		return idOrName, nil // if it cannot be read, the call that follows says so
	}
	var inView, others []string
	for e, err := range s.Experiments(ctx, mlruns.ExperimentQuery{View: mlruns.ViewAll, OnProblem: func(mlruns.Problem) {}}) {
		switch {
		case err != nil:
			return "", err
		case e.Name != idOrName:
		case view.Shows(e.Stage):
			inView = append(inView, e.ID)
		default:
			others = append(others, e.ID)
		}
	}
	switch found := append(inView, others...); {
	case len(found) == 0:
		return "", s.noExperiment(ctx, idOrName)
	case len(inView) > 1 || len(inView) == 0 && len(others) > 1:
		return "", failure.Invalid(fmt.Sprintf("the experiments %s have the name '%s': name one by its id", strings.Join(found, ", "), idOrName))
	default:
		return found[0], nil
	}
}

// hidden are the problems that hide experiments: whoever asks for one by name, or for all, should
// know that there are more.
func (s *session) hidden(ctx context.Context, view mlruns.View) []mlruns.Problem {
	if s.store == nil {
		return nil
	}
	page, err := s.SearchExperiments(ctx, mlruns.ExperimentQuery{View: view, MaxResults: 1})
	if err != nil {
		return nil // the call that this one accompanies says it
	}
	return slices.DeleteFunc(page.Problems, func(p mlruns.Problem) bool {
		return p.Kind != mlruns.ProblemUnreadableMeta && p.Kind != mlruns.ProblemIDMismatch && !notFollowed(p)
	})
}

// notFollowed reports whether a problem is that of a folder in the place of an experiment, such as
// a link that leads out, so that nothing in it is found.
func notFollowed(p mlruns.Problem) bool {
	return p.Kind == mlruns.ProblemUnreadable && layout.Parse(layout.Join(p.Path, layout.Meta)).Kind == layout.ExperimentMeta
}
