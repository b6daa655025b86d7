package records

import (
	"context"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/codec"
	"github.com/mlruns/mlruns/internal/pyfmt"
	"github.com/mlruns/mlruns/internal/vfs"
)

// latest is the greatest point of a file, which MLflow shows as the metric's value. Reading numbers
// is most of the work, so the value of a usual line is read only where it decides, and at the end.
type latest struct {
	Scanner
	best    codec.Point
	found   bool
	numeral [32]byte // what best.value is, while it has not been read
	unread  int      // bytes of numeral
}

// take looks at a whole line.
func (l *latest) take(line []byte) bool {
	ms, numeral, step, ok := codec.CutPlain(line)
	if !ok || len(numeral) > len(l.numeral) || !pyfmt.IsDecimal(numeral) {
		var pt codec.Point
		if l.one(line, &pt) {
			l.offer(pt)
		}
		return true
	}
	l.Line++
	l.any = true
	switch {
	case l.found && (step < l.best.Step || step == l.best.Step && ms < l.best.Millis):
	case l.found && step == l.best.Step && ms == l.best.Millis:
		l.offer(codec.Point{Millis: ms, Step: step, Value: decimal(numeral)})
	default:
		l.best, l.found, l.unread = codec.Point{Millis: ms, Step: step}, true, copy(l.numeral[:], numeral)
	}
	return true
}

func (l *latest) offer(pt codec.Point) {
	if !l.found || pt.After(l.greatest()) {
		l.best, l.found, l.unread = pt, true, 0
	}
}

// greatest is the point that no other met so far is after.
func (l *latest) greatest() codec.Point {
	if l.unread > 0 {
		l.best.Value = decimal(l.numeral[:l.unread])
		l.unread = 0
	}
	return l.best
}

// decimal reads what is known to be decimal.
func decimal(numeral []byte) float64 {
	value, _ := pyfmt.ParseFloat(numeral)
	return value
}

// ReadLatest reads the latest point of a metric, if it has one.
func ReadLatest(ctx context.Context, k KeyFile, p *Problems) (pt codec.Point, found bool, err error) {
	l := latest{Scanner: Scanner{Path: k.Path, Problems: p}}
	err = l.Read(ctx, k, l.take)
	return l.greatest(), l.found, err
}

// readMetrics reads the latest point of every metric of a run. What cannot be read is missing, and
// reported.
func readMetrics(ctx context.Context, run vfs.Folder, dir, sub string, p *Problems) (map[string]mlruns.Metric, error) {
	metrics := map[string]mlruns.Metric{}
	err := WalkKeys(ctx, run, dir, sub, p, func(k KeyFile) error {
		pt, found, err := ReadLatest(ctx, k, p)
		switch {
		case err != nil && !vfs.IsGone(err):
			return p.Unreadable(ctx, mlruns.ProblemUnreadable, k.Path, err)
		case err == nil && found:
			metrics[k.Key] = pt.Metric(k.Key)
		}
		return nil
	})
	return metrics, err
}
