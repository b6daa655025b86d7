package fsck

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"io"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/codec"
	"github.com/mlruns/mlruns/filestore/internal/dir"
	"github.com/mlruns/mlruns/filestore/internal/records"
	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/atomicfile"
)

// keyFile opens the folder of a metric file, which the caller closes.
func (c *Checker) keyFile(name string) (records.KeyFile, error) {
	f, err := c.tree.Folder(layout.Parent(name))
	return records.KeyFile{Folder: f, Name: path.Base(name), Path: name}, err
}

// mendMetric brings a metric file into the form that every MLflow version reads: a point on each
// line, none twice, a newline at the end.
func (r *repair) mendMetric(f finding, p mlruns.Problem) remedy {
	at, name := f.dir(), p.Path
	m := remedy{takes: name, do: func(m *remedy) error { return r.mendLines(at, name, m) }}
	state, err := r.metricState(name)
	switch {
	case err != nil:
		m.err = err
	case state.sound():
		m.err = errMended
	default:
		m.action = state.mending()
	}
	return m
}

// mending is what is to be done with a file that is not sound.
func (m metricState) mending() string {
	switch {
	case m.lacksNewline() && m.ofModel:
		return "give the last line its newline, for it is whole"
	case m.lacksNewline():
		return "give the last line its newline; its last number may have been cut, so compare it"
	case m.pointless():
		return "move the file aside, for it has no point"
	}
	return "replace the file by one with its points only, each once"
}

// pointless reports whether nothing of a file is to be kept.
func (m metricState) pointless() bool { return m.points == 0 && m.tail != records.TailWhole }

// lacksNewline reports whether a newline is all that a file lacks.
func (m metricState) lacksNewline() bool {
	return m.tail == records.TailWhole && m.bad == 0 && !m.marked && len(m.repeated) == 0
}

func (r *repair) metricState(name string) (metricState, error) {
	k, err := r.keyFile(name)
	if err != nil {
		return metricState{}, err
	}
	defer k.Folder.Close()
	return r.inspectMetric(r.ctx, k, make([]byte, records.ChunkSize), nil)
}

func (r *repair) mendLines(at, name string, done *remedy) error {
	key := strings.TrimPrefix(name, layout.Join(at, layout.Metrics)+"/")
	if err := r.tree.RefuseLinks(at, layout.Metrics, key); err != nil {
		return err
	}
	whole, err := r.outwaitTail(name)
	if err != nil {
		return err
	}
	m, err := r.metricState(name)
	if err != nil {
		return err
	}
	done.action = m.mending()
	switch {
	case m.sound():
		return errMended
	case m.lacksNewline():
		return r.addNewline(name)
	case m.pointless():
		var all dir.Durability
		if err := all.Step(r.quarantine(name)); err != nil {
			return err
		}
		return all.Last(r.carryOver(at, key, name, whole))
	}
	if err := r.keepOriginal(name); err != nil {
		return err
	}
	var all dir.Durability
	read, err := r.rewrite(at, name, m.repeated)
	if err := all.Step(err); err != nil {
		return err
	}
	return all.Last(r.carryOver(at, key, name, read))
}

// outwaitTail lets a writer of MLflow end its line. It gives where the last whole line ends.
func (r *repair) outwaitTail(name string) (int64, error) {
	f, err := r.tree.FS.Open(r.tree.Path(name))
	if err != nil {
		return 0, err
	}
	defer f.Close()
	size, tail, err := dir.ReadTail(f)
	if err == nil && !codec.IsBlank(tail) {
		if err = dir.OutwaitTail(r.ctx, f, size, tail); err == nil {
			size, tail, err = dir.ReadTail(f)
		}
	}
	return size - int64(len(tail)), err
}

// addNewline ends the last line, which may have been cut inside its last number: the original is
// kept. The commit point is the write.
func (r *repair) addNewline(name string) (err error) {
	f, err := r.tree.FS.OpenFile(r.tree.Path(name), os.O_RDWR|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	_, tail, err := dir.ReadTail(f)
	if err != nil {
		return err
	}
	form := r.scanner(name)
	if form.TailOf(tail) != records.TailWhole {
		return cmp.Or(form.Err, errMended)
	}
	// A copy and no second name: the newline goes to the file itself.
	if err := r.copyOriginal(name); err != nil {
		return err
	}
	if _, err := f.Write([]byte{'\n'}); err != nil || !r.tree.Durable {
		return err
	}
	if err := f.Sync(); err != nil {
		return errors.Join(mlruns.ErrNotDurable, err)
	}
	return nil
}

// rewrite replaces a metric file by one that has its good lines. It gives how much of the old one
// was read.
func (r *repair) rewrite(at, name string, repeated []int) (read int64, err error) {
	in, err := r.tree.FS.Open(r.tree.Path(name))
	if err != nil {
		return 0, err
	}
	lines := newGoodLines(in, r.scanner(name), repeated)
	_, err = atomicfile.ReplaceFrom(r.tree.FS, r.tree.Path(name), lines, atomicfile.Options{TempDir: r.tree.Path(at), Sync: r.tree.Durable})
	return lines.read, errors.Join(err, lines.close())
}

// carryOver appends to a metric file that was replaced what MLflow has appended to the original
// since size bytes of that were read. What comes later goes nowhere else: MLflow opens the file
// anew for every point.
func (r *repair) carryOver(at, key, name string, size int64) error {
	for {
		if err := dir.Sleep(r.ctx, records.TornRetry); err != nil {
			return err
		}
		more, err := r.readFrom(layout.Join(r.saved, name), size)
		if err != nil || len(more) == 0 {
			return err
		}
		size += int64(len(more))
		lines, err := io.ReadAll(newGoodLines(io.NopCloser(bytes.NewReader(more)), r.scanner(name), nil))
		if err == nil && len(lines) > 0 {
			err = r.tree.Append(r.ctx, at, key, lines, r.tree.Durable)
		}
		if err != nil {
			return err
		}
	}
}

// readFrom gives the whole lines of a file from an offset on.
func (r *repair) readFrom(name string, offset int64) ([]byte, error) {
	f, err := r.tree.FS.Open(r.tree.Path(name))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.NewSectionReader(f, offset, 1<<62-offset))
	return data[:bytes.LastIndexByte(data, '\n')+1], err
}

// goodLines reads a metric file without the lines that are no points and without those it is told
// to leave out. It closes the file at its end.
type goodLines struct {
	file     io.Closer
	in       *bufio.Reader
	form     *records.Scanner // of the lines
	leaveOut []int
	line     int
	read     int64 // but for a torn line at the end
	rest     []byte
	err      error
}

func newGoodLines(file io.ReadCloser, form *records.Scanner, leaveOut []int) *goodLines {
	return &goodLines{file: file, form: form, in: bufio.NewReaderSize(file, records.ChunkSize), leaveOut: leaveOut}
}

func (g *goodLines) close() error {
	if g.file == nil {
		return nil
	}
	err := g.file.Close()
	g.file = nil
	return err
}

// Read implements io.Reader.
func (g *goodLines) Read(p []byte) (int, error) {
	for len(g.rest) == 0 {
		if g.err != nil {
			if err := g.close(); err != nil {
				return 0, err
			}
			return 0, g.err
		}
		g.next()
	}
	n := copy(p, g.rest)
	g.rest = g.rest[n:]
	return n, nil
}

// next reads a line and keeps it if it is good.
func (g *goodLines) next() {
	line, err := g.in.ReadSlice('\n')
	size, tooLong := len(line), false
	var head []byte // of a line behind blanks, which do not count
	for errors.Is(err, bufio.ErrBufferFull) {
		if text := bytes.TrimLeft(line, " "); len(head) == 0 && len(text) < len(line) {
			head = bytes.Clone(text)
		} else {
			tooLong = true
		}
		line, err = g.in.ReadSlice('\n')
		size += len(line)
	}
	if len(head) > 0 {
		line = append(head, line...)
	}
	if g.line++; g.line == 1 {
		line = bytes.TrimPrefix(line, records.ByteOrderMark)
	}
	g.err = err
	_, left := slices.BinarySearch(g.leaveOut, g.line)
	switch {
	case errors.Is(err, io.EOF) && !tooLong && g.form.TailOf(line) == records.TailWhole:
		g.rest = append(bytes.Clone(line), '\n')
	case err != nil:
		g.err = cmp.Or(g.form.Err, err)
		return // what is torn may still be completed
	case !tooLong && !left:
		if _, bad := g.form.Parse(line); bad == nil {
			g.rest = line
		}
	}
	g.read += int64(size)
}
