//go:build interop

package interop

import (
	"cmp"
	"slices"
)

// none is the value of what was deleted or never written.
const none = "<none>"

// cell is one value on disk that operations set: a tag, or a field of a meta.yaml.
type cell struct {
	writes []write
	// carriers are the operations that read and rewrite the file without setting this value: they
	// may bring an old one back.
	carriers []op
}

type write struct {
	op
	value string
}

// verdict is how a final value came to be.
type verdict string

const (
	// last: the value stands of an operation after whose end no other began.
	last verdict = "last"
	// carried: a later operation's value was lost to one that read the file before it and wrote
	// after it. Go and Go never do that to each other.
	carried verdict = "carried"
	// unexplained: no order of the operations gives it.
	unexplained verdict = "unexplained"
)

// judge explains the final value of a cell from the operations that set it.
func (c cell) judge(final, initial string) verdict {
	best := unexplained
	for _, x := range append(c.writes, write{value: initial}) {
		if x.value != final {
			continue
		}
		switch c.survives(x) {
		case last:
			return last
		case carried:
			best = carried
		}
	}
	return best
}

// survives follows a value from the operation that wrote it: another one that began after its end
// replaces it, unless a carrier brings it back.
func (c cell) survives(x write) verdict {
	v, alive := last, x.End
	for {
		later := slices.DeleteFunc(slices.Clone(c.writes), func(y write) bool { return y.Err != "" || y.Begin <= alive })
		if len(later) == 0 {
			return v
		}
		gone := slices.MinFunc(later, func(a, b write) int { return cmp.Compare(a.End, b.End) }).End
		next := alive
		for _, z := range c.carriers {
			if z.Begin <= gone && z.End > next && !jumpsGo(z, later) {
				next = z.End
			}
		}
		if next == alive {
			return unexplained
		}
		v, alive = carried, next
	}
}

// jumpsGo reports whether a carrier of ours would have carried the value past a write of ours: both
// hold the run's lock, so it cannot.
func jumpsGo(z op, later []write) bool {
	return z.goes() && slices.ContainsFunc(later, func(y write) bool { return y.goes() && y.End <= z.End })
}

// lostFrom reports whether an entry of a list that is rewritten whole may have been lost to another
// operation: both must have been under way at once, and not both ours.
func lostFrom(e op, others []op) bool {
	return slices.ContainsFunc(others, func(z op) bool { return z != e && e.overlaps(z) && !(e.goes() && z.goes()) })
}
