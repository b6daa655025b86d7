package fsck

import (
	"cmp"
	"context"
	"fmt"
	"hash/maphash"
	"slices"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/codec"
	"github.com/mlruns/mlruns/filestore/internal/records"
	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/validate"
)

// pointsAtOnce is how many points of a file are compared with each other in one pass, at 8 bytes
// each.
const pointsAtOnce = 1 << 20

// metricState is what a metric file holds.
type metricState struct {
	points   int
	bad      int   // lines that are no points
	marked   bool  // there is a byte order mark before the first line
	repeated []int // lines of points that stand before, in ascending order
	tail     records.TailState
	ofModel  bool
}

func (m metricState) sound() bool {
	return m.points > 0 && m.bad == 0 && !m.marked && len(m.repeated) == 0 && m.tail == records.TailNone
}

// inspectMetric goes through a metric file and reports all that is wrong with it. Points in the
// order of their steps and times, as nearly all are, cannot be there twice; others cost further
// passes. The memory is bounded but for 8 bytes a repeated line.
func (c *Checker) inspectMetric(ctx context.Context, k records.KeyFile, buf []byte, p *records.Problems) (metricState, error) {
	s := c.scanner(k.Path)
	s.Problems, s.Strict = p, true
	m := metricState{ofModel: s.OfModel}
	var last codec.Point
	ordered := true
	err := s.Stream(ctx, k, buf, s.Points(func(pt codec.Point) bool {
		if m.points > 0 && (pt.Step < last.Step || pt.Step == last.Step && pt.Millis <= last.Millis) {
			ordered = false
		}
		last = pt
		m.points++
		return true
	}))
	m.bad, m.marked, m.tail = s.Bad, s.Marked, s.Tail
	err = cmp.Or(err, s.Err)
	if err != nil || ordered {
		return m, err
	}
	seed := maphash.MakeSeed()
	hash := func(id codec.Identity) uint64 { return maphash.Comparable(seed, id) }
	m.repeated, err = c.repeated(ctx, k, buf, m.points/pointsAtOnce+1, hash)
	if n := len(m.repeated); n > 0 {
		reason := "the same point stands in a line before"
		if n > 1 {
			reason += fmt.Sprintf(", and %d lines more repeat one", n-1)
		}
		p.Add(mlruns.Problem{Kind: mlruns.ProblemDuplicateLine, Path: k.Path, Line: m.repeated[0], Repairable: true, Reason: reason + "; mlflow migrate-filestore stops at it"})
	}
	return m, err
}

// scanner reads the lines of a metric file, whose path tells whether it is of a run or a model.
func (c *Checker) scanner(name string) *records.Scanner {
	s := &records.Scanner{Path: name}
	if place := layout.Parse(name); place.Kind == layout.ModelMetric {
		s.OfModel = true
		s.IsRun = func(id string) (bool, error) {
			if validate.RunID(id) != nil {
				return false, nil
			}
			return c.tree.Exists(layout.Run(layout.Experiment(place.Experiment, place.Trashed), id))
		}
	}
	return s
}

// repeated gives the lines whose point stands in an earlier line. It compares hashes, one part of
// all at a time, and then the points whose hashes are equal: a hash that two points share can hide
// a line, but name none that is not repeated.
func (c *Checker) repeated(ctx context.Context, k records.KeyFile, buf []byte, parts int, hashOf func(codec.Identity) uint64) (lines []int, err error) {
	var hashes []uint64
	for part := range uint64(parts) {
		hashes = hashes[:0]
		scan := func(each func(line int, id codec.Identity, hash uint64)) error {
			s := c.scanner(k.Path)
			return s.Stream(ctx, k, buf, s.Points(func(pt codec.Point) bool {
				id := s.Identity(pt)
				if hash := hashOf(id); hash%uint64(parts) == part {
					each(s.Line, id, hash)
				}
				return true
			}))
		}
		if err := scan(func(_ int, _ codec.Identity, hash uint64) { hashes = append(hashes, hash) }); err != nil {
			return nil, err
		}
		twice := equalNeighbours(hashes)
		if len(twice) == 0 {
			continue
		}
		err := scan(func(line int, id codec.Identity, hash uint64) {
			first, candidate := twice[hash]
			switch {
			case candidate && first == nil:
				twice[hash] = &id
			case candidate && *first == id:
				lines = append(lines, line)
			}
		})
		if err != nil {
			return nil, err
		}
	}
	slices.Sort(lines)
	return lines, nil
}

// equalNeighbours sorts hashes and gives those that occur more than once.
func equalNeighbours(hashes []uint64) map[uint64]*codec.Identity {
	slices.Sort(hashes)
	twice := map[uint64]*codec.Identity{}
	for i := 1; i < len(hashes); i++ {
		if hashes[i] == hashes[i-1] {
			twice[hashes[i]] = nil
		}
	}
	return twice
}
