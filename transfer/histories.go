package transfer

import (
	"context"
	"iter"
	"maps"
	"math"
	"slices"

	"github.com/mlruns/mlruns"
)

// identity is a point that can be compared: a NaN equals itself.
type identity struct {
	millis, step    int64
	value           uint64
	dataset, digest string
}

func identityOf(m mlruns.Metric) identity {
	bits := math.Float64bits(m.Value)
	if math.IsNaN(m.Value) {
		bits = math.Float64bits(math.NaN())
	}
	return identity{m.Time.UnixMilli(), m.Step, bits, m.DatasetName, m.DatasetDigest}
}

type points = iter.Seq2[mlruns.Metric, error]

// missing calls emit for the points of a history that another one lacks, in their order: what they
// begin with alike is passed over, and of the rest a point counts as often as it is there. It holds
// nothing in memory unless both go on differently: then fork tells after how many points.
//
// A destination that is a database keeps a point once that was logged twice, sorts points, and
// bends some: then a point counts once, and bent is told of each that is there in another form. A
// source that is one has bent points that the destination has as they were.
func missing(source, destination points, s sides, emit func(mlruns.Metric) error, bent func(told []string)) (fork, error) {
	database := s == toDatabase
	var at fork
	next, stop := iter.Pull2(destination)
	defer stop()
	there, err, more := next()
	if err != nil {
		return at, err
	}
	var rest map[identity]int // of the destination, once they go on differently
	var bentOf map[identity]bool
	for m, err := range source {
		if err != nil {
			return at, err
		}
		id := identityOf(m)
		if rest == nil && more {
			if identityOf(there) == id {
				at.after++
				if there, err, more = next(); err != nil {
					return at, err
				}
				continue
			}
			at.forked = true
			if rest, err = counted(there, next, destination, database); err != nil {
				return at, err
			}
			if s == fromDatabase {
				bentOf = bentForms(rest)
			}
		}
		if rest[id] > 0 {
			if !database {
				rest[id]--
			}
			continue
		}
		if bentOf[id] {
			continue
		}
		if told, is := heldIn(rest, m); database && is {
			bent(told)
			continue
		}
		if err := emit(m); err != nil {
			return at, err
		}
	}
	return at, nil
}

// sides says which side of a copy may be a database.
type sides uint8

const (
	alike sides = iota
	toDatabase
	fromDatabase
)

// sides of the copy. A folder is none.
func (c *copier) sides() sides {
	_, fromFolder := c.src.(mlruns.Importer)
	switch {
	case !c.keepsIDs():
		return toDatabase
	case !fromFolder:
		return fromDatabase
	}
	return alike
}

// fork is where two histories go on differently, if they do.
type fork struct {
	forked bool
	after  int // so many points are the same
}

// largest is an infinite point as a database holds it.
func largest(m mlruns.Metric) mlruns.Metric {
	m.Value = math.Copysign(math.MaxFloat64, m.Value)
	return m
}

// counted counts the points of what is left of a history, or of all of it.
func counted(first mlruns.Metric, next func() (mlruns.Metric, error, bool), all points, whole bool) (map[identity]int, error) {
	rest := map[identity]int{}
	if whole {
		for m, err := range all {
			if err != nil {
				return nil, err
			}
			rest[identityOf(m)]++
		}
		return rest, nil
	}
	m, more := first, true
	for more {
		rest[identityOf(m)]++
		var err error
		if m, err, more = next(); err != nil {
			return nil, err
		}
	}
	return rest, nil
}

// digest is a history in brief: two with the same are taken for the same.
type digest struct {
	points int
	sum    uint64
}

func (d *digest) add(m mlruns.Metric) {
	id := identityOf(m)
	d.mix(uint64(id.millis))
	d.mix(uint64(id.step))
	d.mix(id.value)
	for _, text := range [...]string{id.dataset, id.digest} {
		for i := range len(text) {
			d.mix(uint64(text[i]) + 1)
		}
		d.mix(0)
	}
	d.points++
}

// mix is FNV-1a over words, stirred so that the high bits come down.
func (d *digest) mix(n uint64) {
	const prime = 1099511628211
	d.sum = (d.sum ^ n) * prime
	d.sum ^= d.sum >> 32
}

// metricKeys gives the keys of a run's metrics, sorted.
func metricKeys(r *mlruns.Run) []string { return slices.Sorted(maps.Keys(r.Data.Metrics)) }

// history is one metric of a run of a store.
func history(ctx context.Context, s mlruns.Store, runID, key string, told func(mlruns.Problem)) points {
	return s.MetricHistory(ctx, runID, key, mlruns.HistoryQuery{OnProblem: told})
}

// allPoints goes through the histories of keys, one after the other, and notes the digest of each.
func allPoints(ctx context.Context, s mlruns.Store, runID string, keys []string, told func(mlruns.Problem), digests map[string]digest) points {
	return func(yield func(mlruns.Metric, error) bool) {
		for _, key := range keys {
			var d digest
			for m, err := range history(ctx, s, runID, key, told) {
				if err == nil {
					d.add(m)
				}
				if !yield(m, err) {
					return
				}
			}
			digests[key] = d
		}
	}
}
