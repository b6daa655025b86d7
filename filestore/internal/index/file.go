package index

import (
	"bytes"
	"encoding/binary"
	"io"
	"maps"
	"runtime"
	"slices"
	"sort"
	"sync"
	"sync/atomic"
)

const (
	magic      = "mlrunsix"
	format     = 3
	headerSize = 56
	// maxFile is the size of the largest index. What does not fit is not kept.
	maxFile = 512 << 20
)

// File is an open index. It is safe for concurrent use. A nil *File is one that holds nothing.
type File struct {
	source source
	closer io.Closer
	parts  []entry // sorted by name

	mu     sync.Mutex
	opened map[string]*Part
}

// entry is how the directory tells of a part. Of the many parts that an index may have, a search
// asks for few.
type entry struct {
	name string
	rest []byte
}

// Open opens the index of an owner: what is another's, or of another format, or damaged, is an
// error, and worth nothing to the caller.
func Open(path string, owner []byte) (*File, error) {
	f, err := openOwn(path)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errDamaged
	}
	var file *File
	if err == nil {
		file, err = parse(f, info.Size(), owner)
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	file.closer = f
	use(path, info)
	return file, nil
}

// Close closes the file.
func (f *File) Close() error {
	if f == nil || f.closer == nil {
		return nil
	}
	return f.closer.Close()
}

func parse(r io.ReaderAt, size int64, owner []byte) (*File, error) {
	if size < headerSize || size > maxFile {
		return nil, errDamaged
	}
	f := &File{source: source{ReaderAt: r, size: uint64(size)}}
	header, err := f.source.read(0, headerSize)
	if err != nil {
		return nil, err
	}
	number := func(at int) uint64 { return binary.LittleEndian.Uint64(header[at:]) }
	directory := block{offset: number(24), size: number(32), sum: binary.LittleEndian.Uint32(header[48:])}
	if string(header[:8]) != magic || binary.LittleEndian.Uint32(header[8:]) != format || number(40) != uint64(size) ||
		binary.LittleEndian.Uint32(header[52:]) != checksum(0, 0, header[:52]) {
		return nil, errDamaged
	}
	f.source.id = number(16)
	data, err := f.source.load(directory)
	if err != nil {
		return nil, err
	}
	c := cutter{rest: data}
	if !bytes.Equal([]byte(c.text()), owner) {
		return nil, errDamaged
	}
	f.parts = make([]entry, c.count(3))
	names := string(c.rest)
	for i := range f.parts {
		name := c.bytes()
		to := len(names) - len(c.rest)
		f.parts[i] = entry{names[to-len(name) : to], c.rest}
		c.skipPart()
	}
	if c.broken {
		return nil, errDamaged
	}
	return f, nil
}

// skipPart goes past what the directory tells of a part, after its name.
func (c *cutter) skipPart() {
	c.number()
	for range c.count(14) {
		c.bytes()
		c.number()
		c.block()
		c.block()
	}
}

// Part gives a part, nil if there is none of the name.
func (f *File) Part(name string) *Part {
	if f == nil {
		return nil
	}
	i := sort.Search(len(f.parts), func(i int) bool { return f.parts[i].name >= name })
	if i == len(f.parts) || f.parts[i].name != name {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	p := f.opened[name]
	if p == nil {
		p = f.parts[i].open(f.source)
		if f.opened == nil {
			f.opened = map[string]*Part{}
		}
		f.opened[name] = p
	}
	return p
}

// open takes apart what was found to fit.
func (e entry) open(from source) *Part {
	c := cutter{rest: e.rest}
	p := &Part{listing: Stamp(c.number()), groups: make([]*group, c.count(14))}
	for i := range p.groups {
		p.groups[i] = &group{source: from, first: c.text(), start: c.number(), names: c.block(), table: c.block()}
	}
	return p
}

// Part is some rows of an index. It is safe for concurrent use. A nil *Part has none.
type Part struct {
	listing Stamp    // of the folder of which the rows are all that there is; 0: not known
	groups  []*group // sorted by their first names
}

// groupOf gives the group that a row of a name would be in, -1 if there is none.
func (p *Part) groupOf(name string) int {
	if p == nil {
		return -1
	}
	return sort.Search(len(p.groups), func(i int) bool { return p.groups[i].first > name }) - 1
}

// Listed gives how many rows each group has, if they are all that a listing gave: of the folder in
// the state of the stamp.
func (p *Part) Listed(state Stamp) (rows []int, ok bool) {
	if p == nil || state == 0 || p.listing != state {
		return nil, false
	}
	rows = make([]int, len(p.groups))
	for i, g := range p.groups {
		var err error
		if rows[i], err = g.count(); err != nil {
			return nil, false
		}
	}
	return rows, true
}

// Names gives the names of all rows, sorted; rows is what Listed gave.
func (p *Part) Names(rows []int) []string {
	n := 0
	for _, count := range rows {
		n += count
	}
	names := make([]string, 0, n)
	for i, count := range rows {
		for row := range count {
			names = append(names, p.groups[i].rows.at(row))
		}
	}
	return names
}

// Rows reads rows whole: of each name its cells, none where there is no such row. It reads all of a
// group for one row of it, so it is for many rows.
func (p *Part) Rows(names []string) []Packed {
	rows := make([]Packed, len(names))
	of := map[int][]int{} // the names of each group
	for i, name := range names {
		if g := p.groupOf(name); g >= 0 {
			of[g] = append(of[g], i)
		}
	}
	groups := slices.Sorted(maps.Keys(of))
	var next atomic.Int64
	var workers sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(groups)) {
		workers.Go(func() {
			var buf []byte
			for i := next.Add(1) - 1; int(i) < len(groups); i = next.Add(1) - 1 {
				buf = p.groups[groups[i]].pack(names, of[groups[i]], rows, buf)
			}
		})
	}
	workers.Wait()
	return rows
}

// Size is how many rows the index has in the parts of some names, and how many bytes.
func (f *File) Size(of func(part string) bool) (rows int, bytes int64) {
	for _, e := range f.parts {
		if !of(e.name) {
			continue
		}
		for _, g := range f.Part(e.name).groups {
			n, err := g.count()
			if err == nil {
				rows += n
			}
		}
	}
	return rows, int64(f.source.size) //nolint:gosec // not above maxFile
}
