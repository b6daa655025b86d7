package main

import (
	"context"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/internal/wire"
)

func (a *app) artifactsNoun() *cobra.Command {
	noun := &cobra.Command{Use: "artifacts", Short: "List, store and copy the files of runs"}
	return a.group(noun, a.listArtifacts(), a.logArtifact(), a.downloadArtifact())
}

func (a *app) listArtifacts() *cobra.Command {
	cmd := a.verb("list RUN [PATH]", "List the artifacts in a folder of a run", cobra.RangeArgs(1, 2), a.hearing(a.reading(onRunID(func(ctx context.Context, s *session, args []string) error {
		path := ""
		if len(args) > 1 {
			path = args[1]
		}
		files, err := s.Artifacts(ctx, args[0], path)
		if err != nil {
			return err
		}
		return a.showFiles(files, path, func() (string, error) { return s.ArtifactRoot(ctx, args[0]) })
	}))))
	cmd.ValidArgsFunction = a.completed(runIDs(mlruns.ViewAll))
	return cmd
}

// showFiles prints the files in the folder of artifacts at path; root is asked for with --json.
func (a *app) showFiles(files []mlruns.FileInfo, path string, root func() (string, error)) error {
	if !a.json {
		if len(files) == 0 && path != "" {
			a.note("no folder with artifacts at %s", strconv.Quote(path))
			return nil
		}
		a.drawFiles(files)
		return nil
	}
	at, err := root()
	if err != nil {
		return err
	}
	return a.printJSON(struct {
		wire.ArtifactList
		Problems []mlruns.Problem `json:"problems,omitempty"`
	}{wire.NewArtifactList(at, files), a.leftOut.problems})
}

// doneLogging is done for a verb that stores files, of which some may have been left out.
func (a *app) doneLogging() error {
	if !a.json {
		return nil
	}
	return a.printJSON(struct {
		Problems []mlruns.Problem `json:"problems,omitempty"`
	}{a.leftOut.problems})
}

// showCopy prints where an artifact was copied to.
func (a *app) showCopy(local string) error {
	if !a.json {
		a.println(local)
		return nil
	}
	return a.printJSON(struct {
		Path     string           `json:"path"`
		Problems []mlruns.Problem `json:"problems,omitempty"`
	}{local, a.leftOut.problems})
}

func (a *app) drawFiles(files []mlruns.FileInfo) {
	if len(files) == 0 {
		a.note("no artifacts")
		return
	}
	size, path := column{title: "bytes", right: true}, column{title: "path", runsOn: true}
	for _, f := range files {
		if f.IsDir {
			size.cells = append(size.cells, "-")
			path.cells = append(path.cells, f.Path+"/")
			continue
		}
		size.cells = append(size.cells, strconv.FormatInt(f.Size, 10))
		path.cells = append(path.cells, f.Path)
	}
	a.draw([]column{size, path})
}

func (a *app) logArtifact() *cobra.Command {
	var path string
	cmd := a.verb("log RUN FILE|DIR", "Store a file, or a folder under its own name", cobra.ExactArgs(2), a.copying(a.writing(onRunID(func(ctx context.Context, s *session, args []string) error {
		if err := s.LogArtifact(ctx, args[0], args[1], path); err != nil {
			return err
		}
		return a.doneLogging()
	}))))
	cmd.Long = `Store a file, or a folder under its own name, in the artifacts of a run.

In a folder, a link to a file is stored as the content of that file. A link to a folder is left out, as
such links can form circles: each is named, and the exit code is then 3.`
	cmd.ValidArgsFunction = a.completed(runIDs(mlruns.ViewActive))
	cmd.Flags().StringVar(&path, "path", "", "the folder `DIR` of the run's artifacts to put it in")
	return cmd
}

func (a *app) downloadArtifact() *cobra.Command {
	var to string
	cmd := a.verb("download RUN PATH", "Copy an artifact, a file or a folder; prints where it is", cobra.ExactArgs(2), a.copying(a.reading(onRunID(func(ctx context.Context, s *session, args []string) error {
		local, err := s.DownloadArtifacts(ctx, args[0], args[1], to)
		if err != nil {
			return err
		}
		return a.showCopy(local)
	}))))
	cmd.Long = `Copy an artifact, a file or a folder, and print where it is.

PATH "." is all of the run's artifacts. A file that is there already is overwritten.

What cannot be copied from a folder is left out: links that lead out of the run's artifacts or nowhere,
links to folders (copy such a folder by its own name), named pipes and the like. Each is named, and the
exit code is then 3.`
	cmd.Flags().StringVar(&to, "to", ".", "the existing folder `DIR` to copy into")
	cmd.ValidArgsFunction = a.completed(runIDs(mlruns.ViewAll))
	return cmd
}
