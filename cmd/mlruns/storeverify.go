package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/mlruns/mlruns"
)

func (a *app) verifyStore() *cobra.Command {
	cmd := a.verb("verify", "Read everything and name what is wrong; exits with 3 if anything is", noArgs, a.withProgress("verify", a.reading(onFolder(func(ctx context.Context, s *session, _ []string) error {
		problems := []mlruns.Problem{}
		found, repairable := 0, 0
		for p, err := range s.Verify(ctx, mlruns.VerifyQuery{Progress: a.line.tell}) {
			if err != nil {
				return err
			}
			found++
			if p.Repairable {
				repairable++
			}
			if a.json {
				problems = append(problems, p)
			} else {
				a.show(p.String())
			}
		}
		switch {
		case a.json:
			if err := a.printJSON(map[string][]mlruns.Problem{"problems": problems}); err != nil {
				return err
			}
		case found == 0:
			a.println("no problems")
		default:
			a.note("problems: %d, repairable: %d", found, repairable)
		}
		if found > 0 {
			return errProblems
		}
		return nil
	}))))
	cmd.Long = `Read every meta.yaml, metric, param and tag, and name what is wrong, a line each: path:line: kind: reason.
It changes nothing and may run beside writers; what one is writing at the moment can appear as a leftover.

Exits with 3 if anything is wrong. "store repair --dry-run" says what can be done about it.`
	return cmd
}

// show prints a line that need not wait for the next.
func (a *app) show(line string) {
	a.println(line)
	_ = a.out.Flush()
}

func (a *app) repairStore() *cobra.Command {
	dry := false
	cmd := a.verb("repair", "Mend what can be mended without guessing and keep the originals; exits with 3 if problems are left", noArgs,
		a.withProgress("repair", a.changing(&dry, onFolder(func(ctx context.Context, s *session, _ []string) error { return a.repair(ctx, s, dry) }))))
	cmd.Long = `Mend what "store verify" finds and what can be mended without guessing, and say of each what was done.

Nothing is deleted: originals go to .mlruns.trash/repaired-<time>/ in the store, each at its own path.
It may run beside writers, and be interrupted: start it again. Leftovers of interrupted writes are moved
once nothing in them has changed for an hour. Exits with 3 if problems are left.`
	cmd.Flags().BoolVar(&dry, "dry-run", false, "say what would be done, and change nothing")
	return cmd
}

func (a *app) repair(ctx context.Context, s *session, dry bool) error {
	repairs := []mlruns.Repair{}
	mended, left := 0, 0
	for r, err := range s.Repair(ctx, mlruns.RepairQuery{DryRun: dry, Progress: a.line.tell}) {
		if err != nil {
			return err
		}
		if r.Action == "" {
			left++
		} else {
			mended++
		}
		if a.json {
			repairs = append(repairs, r)
		} else {
			a.show(repairLine(r, dry))
		}
	}
	word := "repaired"
	if dry {
		word = "to be repaired"
	}
	switch {
	case a.json:
		if err := a.printJSON(map[string][]mlruns.Repair{"repairs": repairs}); err != nil {
			return err
		}
	case mended+left == 0:
		a.println("nothing to repair")
	default:
		a.note("%s: %d, left as they are: %d", word, mended, left)
	}
	if left > 0 {
		return errProblems
	}
	return nil
}

// repairLine is what was wrong, what was or would be done about it, and where the original is.
func repairLine(r mlruns.Repair, dry bool) string {
	line := r.String()
	if r.Action == "" {
		return line + "; left as it is"
	}
	word := "done: "
	if dry {
		word = "would "
	}
	line += " -> " + word + safe(r.Action)
	if r.SavedTo != "" {
		line += "; original: " + safe(r.SavedTo)
	}
	return line
}
