package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mlruns/mlruns/filestore"
)

var indexModes = []string{filestore.IndexNone: "none", filestore.IndexChecked: "checked", filestore.IndexTrustEnded: "ended"}

// indexFlag is --index. Where it is not given the library decides.
type indexFlag struct {
	mode  filestore.IndexMode
	given bool
}

func (f *indexFlag) String() string {
	if !f.given {
		return ""
	}
	return f.mode.String()
}
func (f *indexFlag) Type() string { return "MODE" }

// options are those of a store.
func (f *indexFlag) options() []filestore.Option {
	if !f.given {
		return nil
	}
	return []filestore.Option{filestore.WithIndex(f.mode)}
}

func (f *indexFlag) Set(text string) error {
	i := slices.Index(indexModes, text)
	if i < 0 {
		return fmt.Errorf("want one of %s", strings.Join(indexModes, ", "))
	}
	f.mode, f.given = filestore.IndexMode(i), true //nolint:gosec // one of three
	return nil
}

// warnOfIndex says that the environment variable means nothing: searches go on without an index.
func (a *app) warnOfIndex(s *session) {
	if name := os.Getenv(filestore.EnvIndex); s.store != nil && !a.json && !a.verbose && !a.index.given && name != "" && !slices.Contains(indexModes, name) {
		a.note("warning: there is no index: %s", s.store.IndexInfo().Why)
	}
}

// describeIndex says what the index of a store is, and what it can miss.
func describeIndex(i filestore.IndexInfo) string {
	switch {
	case i.Why != "":
		return "none: " + i.Why
	case i.Mode == filestore.IndexNone:
		return "none"
	}
	text := i.Mode.String() + ", none is there yet"
	if i.Bytes > 0 {
		text = fmt.Sprintf("%s, %d runs, %s in %s", i.Mode, i.Runs, byteCount(i.Bytes), i.Path)
	}
	if i.Mode == filestore.IndexTrustEnded {
		text += "; what was written to a run that had ended is missed, unless it changed the meta.yaml"
	}
	return text
}

// indexShape is the index in JSON.
type indexShape struct {
	Mode  string `json:"mode"`
	Why   string `json:"why,omitempty"`
	Path  string `json:"path,omitempty"`
	Runs  int    `json:"runs"`
	Bytes int64  `json:"bytes"`
}

func shapeOfIndex(i filestore.IndexInfo) indexShape {
	return indexShape{Mode: i.Mode.String(), Why: i.Why, Path: i.Path, Runs: i.Runs, Bytes: i.Bytes}
}

func (a *app) indexStore() *cobra.Command {
	var rebuild, drop bool
	verb := a.verb("index", "Show, make or remove the index of the store", noArgs, func(ctx context.Context, args []string) error {
		if rebuild && drop {
			return &usageError{"--rebuild and --drop exclude each other"}
		}
		if a.index.mode == filestore.IndexNone && (a.index.given || os.Getenv(filestore.EnvIndex) == "none") {
			a.index = indexFlag{filestore.IndexChecked, true} // who asks for it means it
		}
		return a.reading(onFolder(func(ctx context.Context, s *session, _ []string) error {
			var err error
			switch {
			case rebuild:
				err = s.store.RebuildIndex(ctx, nil)
			case drop:
				err = s.store.DropIndex()
			}
			if err != nil {
				return err
			}
			info := s.store.IndexInfo()
			if a.json {
				return a.printJSON(map[string]indexShape{"index": shapeOfIndex(info)})
			}
			a.fields("Index", []field{{"index", describeIndex(info)}})
			return nil
		}))(ctx, args)
	})
	verb.Long = `Show the index of the store: what searches with --index checked or --index ended have kept of
the files that they read. It lies in the user's cache directory, and can be removed at any time.`
	verb.Flags().BoolVar(&rebuild, "rebuild", false, "read all runs and make it anew")
	verb.Flags().BoolVar(&drop, "drop", false, "remove it")
	return verb
}
