package index

import (
	"bufio"
	"encoding/binary"
	"hash/crc32"
	"io"
	"os"
	"sync/atomic"
)

// spill is a file of the rows of a draft for which there is no memory. Its segments are sorted, and
// come one after the other. Once it is open it has no name, where files can do without one.
type spill struct {
	path     string // of the index
	full     chan fullBuffer
	free     chan *rowBuffer
	ended    bool // nothing more comes
	done     chan struct{}
	failed   atomic.Bool
	err      error
	file     *os.File
	name     string // "" if it has none
	segments []segment
}

// fullBuffer is one with the names of the parts that it has rows of.
type fullBuffer struct {
	*rowBuffer
	parts []string
}

// segment is where in the file some rows are, and their checksum: of what was damaged no index is
// made.
type segment struct {
	from, size int64
	sum        uint32
}

// waiting is how many buffers may wait for the one that is being written.
const waiting = 4

func newSpill(path string) *spill {
	s := &spill{path: path, full: make(chan fullBuffer, waiting), free: make(chan *rowBuffer, 1), done: make(chan struct{})}
	go s.writeAll()
	return s
}

// take takes a buffer and gives an empty one for it. It does not if that would take waiting.
func (s *spill) take(b fullBuffer) (*rowBuffer, bool) {
	if s.failed.Load() {
		return nil, false
	}
	bytes, rows := cap(b.data), cap(b.rows)
	select {
	case s.full <- b:
	default:
		return nil, false
	}
	select {
	case next := <-s.free:
		return next, true
	default:
		return &rowBuffer{data: make([]byte, 0, bytes), rows: make([]bufferedRow, 0, rows)}, true
	}
}

// finish waits for the last segment. It may be called again.
func (s *spill) finish() ([]segment, error) {
	if !s.ended {
		s.ended = true
		close(s.full)
	}
	<-s.done
	return s.segments, s.err
}

func (s *spill) remove() {
	if s.file != nil {
		_ = s.file.Close()
	}
	if s.name != "" {
		_ = os.Remove(s.name)
	}
}

func (s *spill) writeAll() {
	defer close(s.done)
	for b := range s.full {
		if s.err == nil {
			s.err = s.write(b)
			s.failed.Store(s.err != nil)
		}
		b.reset()
		select {
		case s.free <- b.rowBuffer:
		default:
		}
	}
}

func (s *spill) write(b fullBuffer) error {
	if s.file == nil {
		f, err := createBeside(s.path)
		if err != nil {
			return err
		}
		if s.file = f; os.Remove(f.Name()) != nil {
			s.name = f.Name()
		}
	}
	b.sort(b.parts)
	sum := crc32.New(castagnoli)
	w := bufio.NewWriterSize(io.MultiWriter(s.file, sum), 64<<10)
	next := segment{}
	if len(s.segments) > 0 {
		last := s.segments[len(s.segments)-1]
		next.from = last.from + last.size
	}
	for _, row := range b.rows {
		data := b.data[row.from:row.to]
		_, _ = w.Write(binary.LittleEndian.AppendUint32(nil, row.to-row.from)) // an error comes again
		if _, err := w.Write(data); err != nil {
			return err
		}
		next.size += int64(4 + len(data))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	next.sum = sum.Sum32()
	s.segments = append(s.segments, next)
	return nil
}
