package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"
)

// app is one invocation of the command.
type app struct {
	in       io.Reader
	terminal *os.File // where out leads, asked for its width
	out      *bufio.Writer
	err      io.Writer
	line     *progressLine
	now      func() time.Time

	store      string
	storeGiven func() bool
	artifacts  []string
	mappings   mappingsFlag
	links      []string
	index      indexFlag
	json       bool
	verbose    bool

	leftOut  *leftOut // what is heard about artifacts, nil where nobody listens
	entered  bool     // a verb has begun, so the command line was right
	sections int      // printed so far
	serving  atomic.Bool
}

func newApp(in io.Reader, out *os.File, errs io.Writer) *app {
	line := newProgressLine(errs)
	return &app{in: in, terminal: out, out: bufio.NewWriter(line.above(out)), err: line.above(errs), line: line, now: time.Now}
}

// run carries the command line out and gives the exit code.
func (a *app) run(ctx context.Context, args []string) int {
	root := a.root()
	root.SetIn(a.in)
	root.SetOut(a.out)
	root.SetErr(a.err)
	root.SetArgs(allowNegative(root, args))
	err := root.ExecuteContext(ctx)
	if flushed := a.out.Flush(); flushed != nil {
		err = errors.Join(err, flushed)
	}
	if err == nil {
		return exitDone
	}
	return a.fail(args, err)
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "mlruns",
		Short: "Read and write MLflow's mlruns directory",
		Long: `Read and write the directory of experiments and runs that MLflow calls its FileStore.

The store is --store DIR, else MLFLOW_TRACKING_URI, else ./mlruns. Commands that only read also
look for mlruns in the folders above, up to the home folder, another file system or a folder of
another user, and open the store read-only; one with --dry-run looks where it would write. Only
"experiments create" and "serve" make a store where there is none.

DIR may be the URI of an MLflow server, http://… or https://…, with the credentials of MLflow's
environment variables. "store" and "serve" work on folders only.

RUN is the id of a run, or a beginning of it of eight characters or more that no other run has.

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 "store verify" found problems,
"store repair" left some, or a copy is not whole: something was left out, or values differ.`,
		Version:       version(),
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	flags := root.PersistentFlags()
	flags.StringVar(&a.store, "store", "", "the store: its directory `DIR`, its file: URI, or the http: or https: URI of an MLflow server")
	a.storeGiven = func() bool { return flags.Changed("store") }
	flags.BoolVar(&a.json, "json", false, "print MLflow's REST shapes, and errors as JSON")
	flags.StringArrayVar(&a.artifacts, "allow-artifacts", nil, "allow artifacts of runs to be below `DIR` too (repeatable)")
	flags.Var(&a.mappings, "map-artifacts", "`LOCATION=DIR` such as \"mlflow-artifacts:=mlartifacts\": look in DIR for artifacts that were recorded at LOCATION (repeatable)")
	flags.StringArrayVar(&a.links, "allow-links", nil, "follow symbolic links of the store that lead into `DIR`, the cache of git-annex or DVC for instance (repeatable)")
	flags.Var(&a.index, "index", "how searches of runs use an index in the user's cache directory: none; checked, after a look at each file; ended, which misses what is written to runs that have ended, and is the one for NFS; else MLRUNS_INDEX says it, else checked")
	flags.BoolVarP(&a.verbose, "verbose", "v", false, "say which store is used, and what the library logs")
	complete(root, "index", indexModes)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		if cmd.HasSubCommands() && cmd.Flags().NArg() > 0 {
			return unknownCommand(cmd, cmd.Flags().Arg(0))
		}
		return &usageError{err.Error()}
	})
	a.group(root, a.experiments(), a.runs(), a.metrics(), a.artifactsNoun(), a.models(), a.traces(), a.storeNoun(), a.copyRuns(), a.serve())
	return root
}

// group makes a command that does nothing but hold others.
func (a *app) group(parent *cobra.Command, verbs ...*cobra.Command) *cobra.Command {
	parent.AddCommand(verbs...)
	parent.SuggestionsMinimumDistance = 2
	parent.Args = cobra.ArbitraryArgs
	parent.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			return unknownCommand(cmd, args[0])
		}
		if !a.json {
			cmd.PrintErrln(cmd.UsageString())
		}
		return &usageError{"no command given"}
	}
	return parent
}

// action is what a verb does.
type action func(ctx context.Context, args []string) error

// verb makes a command that does something. An error before do begins is one of usage.
func (a *app) verb(use, short string, args cobra.PositionalArgs, do action) *cobra.Command {
	return &cobra.Command{
		Use:   use,
		Short: short,
		Args:  explained(args),
		RunE: func(cmd *cobra.Command, args []string) error {
			a.entered = true
			return do(cmd.Context(), args)
		},
	}
}

// explained adds to what is wrong with the arguments what they should be.
func explained(args cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, given []string) error {
		if err := args(cmd, given); err != nil {
			return &usageError{fmt.Sprintf("%v; usage: %s", err, strings.TrimSuffix(cmd.UseLine(), " [flags]"))}
		}
		return nil
	}
}

// noArgs is for a verb that takes flags only. That of cobra speaks of an unknown command.
func noArgs(_ *cobra.Command, given []string) error {
	if len(given) > 0 {
		return fmt.Errorf("accepts no arguments, received %q", given[0])
	}
	return nil
}

// version is that of the module the command was built from.
// release is the version of a build that was made without version control, such as that in the
// Python package. The linker sets it.
var release string

func version() string {
	if release != "" {
		return release
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		return info.Main.Version
	}
	return "unknown"
}
