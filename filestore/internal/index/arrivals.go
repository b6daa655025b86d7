package index

// arrivals are the rows that come to a part, by their names: of a listing, with what a draft has of
// them, or else those that a draft has. Those that a draft has and a listing has not have gone.
type arrivals struct {
	draftPart
	rows *rowReader
	part string
	end  string // only rows that come before it are given; "" for all
}

// peek gives the name of the next row.
func (a *arrivals) peek() (name string, ok bool) {
	switch {
	case !a.isKnown:
		name, ok = a.rows.peek(a.part)
	case len(a.listed) > 0:
		name, ok = a.listed[0], true
	}
	return name, ok && (a.end == "" || name < a.end)
}

// take gives the next row, and whether a draft has something of it.
func (a *arrivals) take() (row draftRow, fresh bool) {
	if a.isKnown {
		name := a.listed[0]
		a.listed = a.listed[1:]
		a.rows.skip(a.part, name)
		if at, ok := a.rows.peek(a.part); !ok || at != name {
			return draftRow{name: name}, false
		}
	}
	return a.rows.take(), true
}

// are reports whether there are n names, of none of which the draft has anything.
func (a *arrivals) are(n int) bool {
	if n == 0 || n > len(a.listed) {
		return false
	}
	a.rows.skip(a.part, a.listed[0])
	at, ok := a.rows.peek(a.part)
	return !ok || at > a.listed[n-1]
}

// pass goes past n names of a listing.
func (a *arrivals) pass(n int) { a.listed = a.listed[n:] }

// leave goes past what a draft has of rows that have gone.
func (a *arrivals) leave() {
	for _, ok := a.rows.peek(a.part); ok; _, ok = a.rows.peek(a.part) {
		a.rows.take()
	}
}
