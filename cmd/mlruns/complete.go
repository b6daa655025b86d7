package main

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mlruns/mlruns"
)

// mostCompletions bounds what the shell is offered.
const mostCompletions = 200

// complete offers fixed words for a flag.
func complete(cmd *cobra.Command, flag string, words []string) {
	// It fails for a flag that the command has not, or twice: a mistake in this package, which its
	// tests meet.
	if err := cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp)); err != nil {
		panic(err)
	}
}

// offer yields completions of a store until it returns false.
type offer func(ctx context.Context, s *session, yield func(word, about string) bool)

// completed makes the completion of the first argument from what the store has. Failures offer
// nothing: a shell has no place for them.
func (a *app) completed(o offer) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, prefix string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveDefault
		}
		return a.offered(cmd.Context(), o, prefix), cobra.ShellCompDirectiveNoFileComp
	}
}

// completedFlag is completed for a flag.
func (a *app) completedFlag(cmd *cobra.Command, flag string, o offer) {
	err := cmd.RegisterFlagCompletionFunc(flag, func(cmd *cobra.Command, _ []string, prefix string) ([]cobra.Completion, cobra.ShellCompDirective) {
		return a.offered(cmd.Context(), o, prefix), cobra.ShellCompDirectiveNoFileComp
	})
	if err != nil {
		panic(err)
	}
}

func (a *app) offered(ctx context.Context, o offer, prefix string) (list []cobra.Completion) {
	_ = a.reading(func(ctx context.Context, s *session, _ []string) error {
		o(ctx, s, func(word, about string) bool {
			// A word that would have to be escaped cannot be typed either.
			if strings.HasPrefix(word, prefix) && safe(word) == word {
				list = append(list, cobra.CompletionWithDesc(word, safe(about)))
			}
			return len(list) < mostCompletions
		})
		return nil
	})(ctx, nil)
	return list
}

// experimentNames offers names, described by the ids.
func experimentNames(ctx context.Context, s *session, yield func(word, about string) bool) {
	for e, err := range s.Experiments(ctx, mlruns.ExperimentQuery{}) {
		if err != nil || !yield(e.Name, e.ID) {
			return
		}
	}
}

// experimentWords offers names and ids, each described by the other.
func experimentWords(view mlruns.View) offer {
	return func(ctx context.Context, s *session, yield func(word, about string) bool) {
		for e, err := range s.Experiments(ctx, mlruns.ExperimentQuery{View: view}) {
			if err != nil || !yield(e.Name, e.ID) || !yield(e.ID, e.Name) {
				return
			}
		}
	}
}

// runIDs offers ids, described by status and name.
func runIDs(view mlruns.View) offer {
	return func(ctx context.Context, s *session, yield func(word, about string) bool) {
		for e, err := range s.Experiments(ctx, mlruns.ExperimentQuery{View: mlruns.ViewAll}) {
			if err != nil {
				return
			}
			for info, err := range s.RunInfos(ctx, e.ID, view) {
				if err != nil || !yield(info.ID, info.Status.String()+" "+info.Name) {
					return
				}
			}
		}
	}
}
