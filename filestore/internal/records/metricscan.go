package records

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/codec"
	"github.com/mlruns/mlruns/filestore/internal/dir"
	"github.com/mlruns/mlruns/internal/vfs"
)

// TornRetry is the pause before looking again at a metric file that is empty or whose last line has
// no newline: a writer may have just made it, or be in the middle of a page.
const TornRetry = 20 * time.Millisecond

// Scanner goes through the points of a metric file and reports lines that are none.
type Scanner struct {
	Path     string
	Problems *Problems
	Line     int
	any      bool // a point or a problem was met
	Bad      int  // lines that are no points
	// Marked tells of a byte order mark before the first line, pointer of one in place of the
	// content.
	Marked, pointer bool
	Tail            TailState
	// OfModel reads lines of a logged model's metric; Run is then the run of the line before. IsRun
	// says whether there is a run of an id; nil: perhaps. Err is why it could not say.
	OfModel bool
	Run     string
	IsRun   func(id string) (bool, error)
	Err     error
	// Strict reports what is no loss, but keeps MLflow from reading the file.
	Strict bool
}

// TailState is what follows the last newline of a metric file.
type TailState uint8

const (
	TailNone  TailState = iota
	tailBlank           // an appender was interrupted after it had blanked a torn line out
	TailWhole           // a point but for its newline
	tailTorn
)

// TailOf judges what follows the last newline. A line of a model ends in the id of a run, which has
// been cut if there is no such run.
func (s *Scanner) TailOf(tail []byte) TailState {
	switch {
	case len(tail) == 0:
		return TailNone
	case codec.IsBlank(tail):
		return tailBlank
	}
	_, err := s.Parse(tail)
	fields := bytes.Count(bytes.TrimSpace(tail), []byte{' '}) + 1
	switch {
	case err == nil && !s.OfModel && fields == 3,
		err == nil && s.OfModel && fields == 4 && s.isRun(s.Run):
		return TailWhole
	}
	return tailTorn
}

func (s *Scanner) isRun(id string) bool {
	if s.IsRun == nil {
		return true
	}
	is, err := s.IsRun(id)
	s.Err = err
	return is
}

// maxBadLines is how many lines of one file are reported one by one: a file of another kind can
// have millions.
const maxBadLines = 100

func (s *Scanner) malformed(reason string) {
	if s.Bad++; s.Bad <= maxBadLines {
		s.Problems.Add(mlruns.Problem{Kind: mlruns.ProblemMalformed, Path: s.Path, Line: s.Line, Repairable: true, Reason: reason})
	}
}

// one parses a whole line into pt, which has no data set.
func (s *Scanner) one(line []byte, pt *codec.Point) bool {
	if len(line) >= ChunkSize && len(bytes.TrimLeft(line, " ")) >= ChunkSize {
		s.tooLong()
		return false
	}
	s.Line++
	s.any = true
	if !s.OfModel && pt.ReadPlain(line) {
		return true
	}
	var err error
	if *pt, err = s.Parse(line); err == nil {
		return true
	}
	if s.Line == 1 && bytes.HasPrefix(line, ByteOrderMark) {
		s.byteOrderMark()
		if *pt, err = s.Parse(line[len(ByteOrderMark):]); err == nil {
			return true
		}
	}
	s.notPoint(line, err)
	return false
}

// Parse reads a line, of a model or a run.
func (s *Scanner) Parse(line []byte) (codec.Point, error) {
	if !s.OfModel {
		return codec.AnyPoint(line)
	}
	pt, err := codec.ParseModelPoint(line)
	s.Run = pt.RunID
	return pt.Point, err
}

// ByteOrderMark is what some editors put before the first line.
var ByteOrderMark = []byte("\ufeff")

func (s *Scanner) byteOrderMark() {
	s.Marked = true
	if s.Strict {
		s.Problems.Add(mlruns.Problem{Kind: mlruns.ProblemMalformed, Path: s.Path, Line: 1, Repairable: true,
			Reason: "a byte order mark before the first line, with which MLflow cannot read the file"})
	}
}

// notPoint reports a whole line that is no point. Of a pointer all lines are one problem.
func (s *Scanner) notPoint(line []byte, why error) {
	switch {
	case s.Line == 1 && s.isPointer(line), s.pointer:
		s.Bad++
	case codec.IsMergeMarker(line):
		if s.Bad++; s.Bad <= maxBadLines {
			s.Problems.Add(mlruns.Problem{Kind: mlruns.ProblemGitConflict, Path: s.Path, Line: s.Line, Reason: codec.MergeReason})
		}
	default:
		s.malformed(why.Error())
	}
}

// isPointer looks whether the first line begins a pointer, and reports it.
func (s *Scanner) isPointer(line []byte) bool {
	d := codec.GitPointerOrLink(line)
	if d == nil {
		// of git-lfs the second line, which is not here, matters too
		d = codec.GitPointer(append(bytes.Clone(line), "\noid any"...))
	}
	if d != nil {
		s.pointer = true
		s.Problems.Add(ProblemOf(mlruns.ProblemGitPointer, s.Path, d))
	}
	return d != nil
}

// end judges what follows the last newline.
func (s *Scanner) end(tail []byte) {
	if len(bytes.TrimLeft(tail, " ")) >= ChunkSize {
		s.tooLong()
		tail = nil
	}
	if more := s.Bad - maxBadLines; more > 0 {
		s.Problems.Add(mlruns.Problem{Kind: mlruns.ProblemMalformed, Path: s.Path, Repairable: true, Reason: fmt.Sprintf("%d more lines are no points", more)})
	}
	s.Tail = s.TailOf(tail)
	switch {
	case s.pointer || s.Line == 0 && s.isPointer(tail):
	case s.Tail == TailWhole || s.Tail == tailTorn:
		s.Problems.Add(mlruns.Problem{Kind: mlruns.ProblemUnterminated, Path: s.Path, Line: s.Line + 1, Repairable: true,
			Reason: "the last line has no newline, so it may be half a line and is not read"})
	case !s.any:
		s.Problems.Add(mlruns.Problem{Kind: mlruns.ProblemEmpty, Path: s.Path, Repairable: true, Reason: "a metric file without a point"})
	case s.Tail == tailBlank && s.Strict:
		s.Problems.Add(mlruns.Problem{Kind: mlruns.ProblemUnterminated, Path: s.Path, Line: s.Line + 1, Repairable: true,
			Reason: "blanks in place of a torn line, which MLflow takes for a line without fields"})
	}
}

// Identity is what the point of the line before is compared by.
func (s *Scanner) Identity(pt codec.Point) codec.Identity {
	id := pt.Identity()
	id.Run = s.Run
	return id
}

// Points has each called for the points of lines.
func (s *Scanner) Points(each func(codec.Point) bool) func(line []byte) bool {
	return func(line []byte) bool {
		var pt codec.Point
		return !s.one(line, &pt) || each(pt)
	}
}

// Read calls each for every whole line of a file: it reads a small one at once, and streams the
// others.
func (s *Scanner) Read(ctx context.Context, k KeyFile, each func(line []byte) bool) error {
	m := NewBuffer()
	defer m.Free()
	data, err := m.readKey(k, ChunkSize)
	if errors.Is(err, vfs.ErrTooLarge) {
		return s.Stream(ctx, k, m.Chunk(), each)
	}
	if err != nil {
		return err
	}
	if (len(data) == 0 || !codec.IsBlank(tailOf(data))) && beingWritten(k.Folder, k.Name) {
		if err := dir.Sleep(ctx, TornRetry); err != nil {
			return err
		}
		if data, err = m.readFile(k.Folder, k.Name); err != nil {
			return err
		}
	}
	if rest, goOn := s.lines(data, each); goOn {
		s.end(rest)
	}
	return nil
}

// tailOf is what follows the last newline.
func tailOf(data []byte) []byte { return data[bytes.LastIndexByte(data, '\n')+1:] }

// ChunkSize is how much of a history is in memory at once. A longer line is no point.
const ChunkSize = 256 << 10

// Stream is read for a file of any size in bounded memory, with the help of a buffer. each returns
// false to stop.
func (s *Scanner) Stream(ctx context.Context, k KeyFile, buf []byte, each func(line []byte) bool) error {
	f, err := k.Folder.Open(k.Name)
	if err != nil {
		return err
	}
	defer f.Close()
	buf = buf[:0]
	for retried, skipping := false, false; ; {
		n, err := fill(f, buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		atEnd := err != nil
		whole := buf
		if skipping {
			whole, skipping = afterLine(buf)
		}
		rest, goOn := s.lines(whole, each)
		if !goOn {
			return nil
		}
		if len(rest) == cap(buf) {
			// Of a torn line that was blanked out one blank is kept, to tell it from nothing.
			if text := bytes.TrimLeft(rest, " "); len(text) < len(rest) {
				rest = rest[len(rest)-len(text)-1:]
			}
		}
		if len(rest) == cap(buf) {
			s.tooLong()
			rest, skipping = nil, true
		}
		buf = buf[:copy(buf[:cap(buf)], rest)]
		if err := ctx.Err(); err != nil {
			return err
		}
		if !atEnd {
			continue
		}
		if s.any && codec.IsBlank(buf) || retried || !beingWritten(k.Folder, k.Name) {
			s.end(buf)
			return nil
		}
		retried = true
		if err := dir.Sleep(ctx, TornRetry); err != nil {
			return err
		}
	}
}

// afterLine is what follows the first newline; while there is none, the line goes on.
func afterLine(data []byte) (rest []byte, unfinished bool) {
	_, rest, found := bytes.Cut(data, []byte{'\n'})
	return rest, !found
}

func (s *Scanner) tooLong() {
	s.Line++
	s.any = true
	s.malformed("a line longer than any point")
}

// lines calls each for the whole lines of data and gives back the rest.
func (s *Scanner) lines(data []byte, each func(line []byte) bool) (rest []byte, goOn bool) {
	for {
		i := bytes.IndexByte(data, '\n')
		if i < 0 {
			return data, true
		}
		if !each(data[:i]) {
			return nil, false
		}
		data = data[i+1:]
	}
}

// fill reads until the buffer is full or the file is at its end.
func fill(f io.Reader, buf []byte) (int, error) {
	n, err := io.ReadFull(f, buf)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = io.EOF
	}
	return n, err
}
