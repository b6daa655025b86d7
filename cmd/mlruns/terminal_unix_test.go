//go:build unix

package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/jedib0t/go-pretty/v6/text"
)

// atMost is how long any command of these tests may take, on a machine that has a lot of other
// work.
const atMost = 2 * time.Minute

// printed is what a command left behind: the lines of people on standard output, the notes on
// standard error, and how it ended.
type printed struct {
	lines, notes []string
	code         int
}

// command is the command in a folder, with nothing of the environment that would change what it
// does.
func command(dir string, args []string) *exec.Cmd {
	cmd := exec.Command("mlruns", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "HOME="+dir, "PWD="+dir, "COLUMNS=", "MLFLOW_TRACKING_URI=", "GORACE=atexit_sleep_ms=0")
	return cmd
}

// shownAt is when every command line of these tests runs: two that print an age are compared.
var shownAt = time.Now().Add(time.Hour)

func appAt(now time.Time, in io.Reader, out *os.File, errs io.Writer) *app {
	a := newApp(in, out, errs)
	a.now = func() time.Time { return now }
	return a
}

// inFile runs the command line in this process with its output to a file, as scripts get it.
func inFile(t *testing.T, args []string) printed {
	t.Helper()
	out, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	var errs bytes.Buffer
	p := printed{code: appAt(shownAt, strings.NewReader(""), out, &errs).run(t.Context(), args)}
	written, err := os.ReadFile(out.Name())
	if err != nil {
		t.Fatal(err)
	}
	p.sort(string(written) + errs.String())
	return p
}

// onFreeTerminal opens a pseudo-terminal. Linux answers EIO where it gives one whose last user,
// another test, is just closing it.
func onFreeTerminal(t *testing.T, open func() error) {
	t.Helper()
	const attempts = 100
	for i := 1; ; i++ {
		err := open()
		if err == nil {
			return
		}
		if i == attempts || !errors.Is(err, syscall.EIO) {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// onTerminal runs the command line in this process with its output to a terminal.
func onTerminal(t *testing.T, width uint16, args []string) printed {
	t.Helper()
	var screen, tty *os.File
	onFreeTerminal(t, func() (err error) {
		screen, tty, err = pty.Open()
		return err
	})
	defer screen.Close()
	if err := pty.Setsize(tty, &pty.Winsize{Rows: 24, Cols: width}); err != nil {
		t.Fatal(err)
	}
	shown := make(chan string, 1)
	go func() {
		all, _ := io.ReadAll(screen) // it ends with EIO when nobody holds the other end any more
		shown <- string(all)
	}()
	code := make(chan int, 1)
	go func() { code <- appAt(shownAt, tty, tty, tty).run(t.Context(), args) }()
	select {
	case p := <-code:
		tty.Close()
		result := printed{code: p}
		result.sort(<-shown)
		return result
	case <-time.After(atMost):
		t.Fatalf("%q has not ended after %v", args, atMost)
		return printed{}
	}
}

// terminal is a command on a pseudo-terminal.
type terminal struct {
	*os.File
	cmd   *exec.Cmd
	shown chan []byte // closed when the command has ended
	all   bytes.Buffer
}

// startTerminal starts a command on a pseudo-terminal of a width.
func startTerminal(t *testing.T, width uint16, dir string, args ...string) *terminal {
	t.Helper()
	var cmd *exec.Cmd
	var file *os.File
	onFreeTerminal(t, func() (err error) {
		cmd = command(dir, args)
		file, err = pty.StartWithSize(cmd, &pty.Winsize{Rows: 24, Cols: width})
		return err
	})
	term := &terminal{File: file, cmd: cmd, shown: make(chan []byte, 1)}
	go func() {
		defer close(term.shown)
		for {
			part := make([]byte, 64<<10)
			n, err := file.Read(part)
			if n > 0 {
				term.shown <- part[:n]
			}
			if err != nil {
				return // EIO: nobody holds the other end any more
			}
		}
	}()
	return term
}

// until reads to what is wanted, or with "" to the end, and fails when it does not come in time.
func (term *terminal) until(t *testing.T, want string, limit time.Duration) {
	t.Helper()
	late := time.After(limit)
	for want == "" || !strings.Contains(term.all.String(), want) {
		select {
		case part, ok := <-term.shown:
			if !ok {
				if want != "" {
					t.Fatalf("%q ended without %q: %s", term.cmd.Args[1:], want, &term.all)
				}
				return
			}
			term.all.Write(part)
		case <-late:
			_ = term.cmd.Process.Kill()
			t.Fatalf("%q is still there after %v; it has shown %q", term.cmd.Args[1:], limit, firstBytes(term.all.String()))
		}
	}
}

func firstBytes(s string) string { return s[:min(len(s), 2000)] }

// end waits for the end of the command and gives what it printed.
func (term *terminal) end(t *testing.T, limit time.Duration) printed {
	t.Helper()
	term.until(t, "", limit)
	_ = term.cmd.Wait() // the exit code says it
	_ = term.Close()
	p := printed{code: term.cmd.ProcessState.ExitCode()}
	p.sort(term.all.String())
	return p
}

// started runs a command on a terminal of its own to its end. What is typed is followed by the end
// of input.
func started(t *testing.T, width uint16, dir, typed string, args ...string) printed {
	t.Helper()
	term := startTerminal(t, width, dir, args...)
	if typed != "" {
		if _, err := term.WriteString(typed + "\x04"); err != nil {
			t.Fatal(err)
		}
	}
	return term.end(t, atMost)
}

// sort tells notes from lines by their beginning. Of what was drawn over, what a terminal shows in
// the end counts.
func (p *printed) sort(written string) {
	for line := range strings.Lines(written) {
		line = strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r")
		if strings.Contains(line, "\r") {
			line = screen(line)
		}
		line = strings.TrimPrefix(line, "^C") // what was typed
		line = moved.ReplaceAllString(line, "repaired-TIME")
		if note, ok := strings.CutPrefix(line, "mlruns: "); ok {
			p.notes = append(p.notes, note)
		} else if line != "" {
			p.lines = append(p.lines, strings.TrimRight(line, " "))
		}
	}
}

// moved is where a repair puts originals.
var moved = regexp.MustCompile(`repaired-[0-9TZ-]+`)

// checkScreen finds what a terminal must not be given: control characters, rows wider than it is,
// notes that fill it.
func (p printed) checkScreen(width int) error {
	var errs []error
	for _, line := range append(p.lines, p.notes...) {
		if i := strings.IndexFunc(line, unprintable); i >= 0 {
			errs = append(errs, fmt.Errorf("a control character at %d in %q", i, line))
		}
		if strings.HasPrefix(line, "forged") {
			errs = append(errs, fmt.Errorf("a line that the store forged: %q", line))
		}
		if n := len(line); n > 4*longestField {
			errs = append(errs, fmt.Errorf("a line of %d bytes: %.100q", n, line))
		}
	}
	for _, line := range p.lines {
		if n := text.StringWidthWithoutEscSequences(line); n > width && len(cells(line)) > 1 && !oneField.MatchString(line) && !oneFile.MatchString(line) {
			errs = append(errs, fmt.Errorf("a row of %d columns on %d: %q", n, width, line))
		}
	}
	return errors.Join(errs...)
}

// oneField is a name and its value, of which the value is never cut: the terminal wraps it, and it
// can be copied.
var oneField = regexp.MustCompile(`^  \S+( \S+)*  +\S+( \S+)*$`)

// oneFile is an artifact, whose path is never cut either.
var oneFile = regexp.MustCompile(`^ *(\d+|-)  \S+( \S+)*$`)

var gaps = regexp.MustCompile(`  +`)

// cells are what a row holds, in their order.
func cells(line string) []string { return gaps.Split(strings.TrimSpace(line), -1) }

// passing is what differs from one call to the next.
var passing = regexp.MustCompile(`^(now|\d+[smhd] ago|\d+(\.\d)?m?s|ago|-)$`)

// checkFacts compares what a terminal shows with what a file gets: the same rows, whose cells are
// the same or the beginnings of them, the same notes, and the same end.
func (p printed) checkFacts(file printed) error {
	var errs []error
	if p.code != file.code {
		errs = append(errs, fmt.Errorf("exits with %d, in a file with %d", p.code, file.code))
	}
	if len(p.lines) != len(file.lines) && p.isBlocks() {
		return errors.Join(append(errs, p.checkBlocks(file))...)
	}
	if len(p.lines) != len(file.lines) {
		return errors.Join(append(errs, fmt.Errorf("%d lines, in a file %d:\n%s\nin the file:\n%s", len(p.lines), len(file.lines), strings.Join(p.lines, "\n"), strings.Join(file.lines, "\n")))...)
	}
	for i, line := range p.lines {
		rest := file.lines[i]
		for _, cell := range cells(line) {
			cell = strings.TrimSuffix(cell, "…")
			_, after, ok := strings.Cut(rest, cell)
			if !ok && !passing.MatchString(cell) {
				errs = append(errs, fmt.Errorf("line %d has %q, which the file has not: %q and %q", i, cell, line, file.lines[i]))
				break
			}
			if ok {
				rest = after
			}
		}
	}
	return errors.Join(append(errs, p.checkNotes(file))...)
}

// isBlocks tells the blocks that rows become where they have no room.
func (p printed) isBlocks() bool {
	return slices.ContainsFunc(p.lines, oneField.MatchString)
}

// checkBlocks finds what blocks leave out of the rows of a file.
func (p printed) checkBlocks(file printed) error {
	all := strings.Join(p.lines, "\n")
	var errs []error
	for _, line := range file.lines {
		for _, cell := range cells(line) {
			if !passing.MatchString(cell) && !strings.Contains(all, cell) {
				errs = append(errs, fmt.Errorf("%q is missing of %q:\n%s", cell, line, firstBytes(all)))
			}
		}
	}
	return errors.Join(append(errs, p.checkNotes(file))...)
}

func (p printed) checkNotes(file printed) error {
	var errs []error
	all := strings.Join(p.notes, "\n")
	warned := 0
	for _, note := range file.notes {
		if strings.HasPrefix(note, "warning: ") {
			if warned++; warned > mostWarned {
				continue
			}
		}
		if !strings.Contains(all, note) {
			errs = append(errs, fmt.Errorf("the note %q is missing", note))
		}
	}
	return errors.Join(errs...)
}
