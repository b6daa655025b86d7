package main

import (
	"context"
	"encoding/csv"
	"fmt"
	"iter"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/internal/wire"
)

func (a *app) metrics() *cobra.Command {
	noun := &cobra.Command{Use: "metrics", Short: "Read the histories of metrics"}
	return a.group(noun, a.metricHistory())
}

// points goes through a history.
type points = iter.Seq2[mlruns.Metric, error]

func (a *app) metricHistory() *cobra.Command {
	var asCSV bool
	cmd := a.verb("history RUN KEY", "Print all points of a metric in the order they were logged", cobra.ExactArgs(2),
		func(ctx context.Context, args []string) error {
			if asCSV && a.json {
				return &usageError{"--csv and --json exclude each other"}
			}
			return a.reading(onRunID(func(ctx context.Context, s *session, args []string) error {
				var problems []mlruns.Problem
				all := s.MetricHistory(ctx, args[0], args[1], mlruns.HistoryQuery{OnProblem: func(p mlruns.Problem) { problems = append(problems, p) }})
				if a.json {
					return a.historyJSON(all, &problems)
				}
				print := a.historyLines
				if asCSV {
					print = a.historyCSV
				}
				n, err := print(all)
				if err == nil && n == 0 && len(problems) == 0 {
					a.note("run %s has no metric %s", args[0], strconv.Quote(args[1]))
				}
				a.warn(problems)
				return err
			}))(ctx, args)
		})
	cmd.Flags().BoolVar(&asCSV, "csv", false, "print CSV: step,timestamp,value")
	cmd.ValidArgsFunction = a.completed(runIDs(mlruns.ViewAll))
	return cmd
}

// historyJSON prints {"metrics":[…]} point by point. After a failure in the middle the object stays
// open.
func (a *app) historyJSON(all points, problems *[]mlruns.Problem) error {
	_, _ = a.out.WriteString(`{"metrics":[`)
	between := ""
	for m, err := range all {
		if err != nil {
			return err
		}
		text, err := encodeJSON(wire.NewMetric(m))
		if err != nil {
			return err
		}
		_, _ = a.out.WriteString(between)
		if _, err := a.out.Write(text); err != nil {
			return err
		}
		between = ","
	}
	_, _ = a.out.WriteString("]")
	if len(*problems) > 0 {
		text, err := encodeJSON(*problems)
		if err != nil {
			return err
		}
		_, _ = fmt.Fprintf(a.out, `,"problems":%s`, text)
	}
	_, err := a.out.WriteString("}\n")
	return err
}

// historyCSV gives the number of points. The header is printed when the run is known to be there:
// before the first point, or at the end.
func (a *app) historyCSV(all points) (n int, err error) {
	w := csv.NewWriter(a.out)
	defer w.Flush()
	header := []string{"step", "timestamp", "value"}
	for m, err := range all {
		if err != nil {
			return n, err
		}
		if n == 0 {
			if err := w.Write(header); err != nil {
				return n, err
			}
		}
		n++
		row := []string{strconv.FormatInt(m.Step, 10), strconv.FormatInt(m.Time.UnixMilli(), 10), wire.Number(m.Value).String()}
		if err := w.Write(row); err != nil {
			return n, err
		}
	}
	if n == 0 {
		err = w.Write(header)
	}
	return n, err
}

// pointWidth is what the line of a point takes at most.
const pointWidth = 20 + len(gap) + 24 + len(gap) + 24

// historyLines has fixed widths: a table would have to hold all points. Where it has no room, a
// point becomes a block of lines. It gives their number.
func (a *app) historyLines(all points) (n int, err error) {
	width := a.width()
	for m, err := range all {
		if err != nil {
			return n, err
		}
		if width > 0 && width < pointWidth {
			if n++; n > 1 {
				a.println("")
			}
			a.drawFields([]field{{"step", strconv.FormatInt(m.Step, 10)}, {"time", moment(m.Time)}, {"value", wire.Number(m.Value).String()}})
			continue
		}
		if n == 0 {
			_, _ = fmt.Fprintf(a.out, "%10s  %-24s  %s\n", "step", "time", "value")
		}
		n++
		if _, err := fmt.Fprintf(a.out, "%10d  %s  %s\n", m.Step, moment(m.Time), wire.Number(m.Value).String()); err != nil {
			return n, err
		}
	}
	return n, nil
}
