package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"
	"golang.org/x/term"

	"github.com/mlruns/mlruns"
)

// redrawEvery is how long a line of progress stands at least.
const redrawEvery = 100 * time.Millisecond

// progressLine is the last line of a terminal, on which a walk through the store tells how far it
// has come. The zero progressLine shows nothing. It is safe for concurrent use.
type progressLine struct {
	terminal io.Writer  // nil: show nothing
	width    func() int // asked each time: windows are resized
	now      func() time.Time

	mu    sync.Mutex
	verb  string
	drawn time.Time
	shown int // columns
}

// newProgressLine draws on standard error, where that is a terminal.
func newProgressLine(errs io.Writer) *progressLine {
	file, ok := errs.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return &progressLine{}
	}
	width := func() int {
		if n, _, err := term.GetSize(int(file.Fd())); err == nil && n > 0 {
			return n
		}
		return 80
	}
	return &progressLine{terminal: file, width: width, now: time.Now}
}

// begin names what is being done. Nothing is told before, or after end.
func (l *progressLine) begin(verb string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.verb, l.drawn = verb, time.Time{}
}

func (l *progressLine) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.clear()
	l.verb = ""
}

// tell redraws the line, unless it was redrawn just now.
func (l *progressLine) tell(p mlruns.Progress) {
	l.show(func() string {
		return fmt.Sprintf("%s %d/%d experiments and runs  %s", l.verb, p.Done, p.Total, safe(p.Path))
	})
}

// show is tell of any text, which is asked for where it is drawn.
func (l *progressLine) show(of func() string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.terminal == nil || l.verb == "" || l.now().Sub(l.drawn) < redrawEvery {
		return
	}
	l.drawn = l.now()
	// The last column stays free: a full line would wrap.
	width := l.width() - 1
	line := text.Snip(of(), width, "…")
	columns := text.StringWidthWithoutEscSequences(line)
	_, _ = fmt.Fprint(l.terminal, "\r", line, strings.Repeat(" ", max(min(l.shown, width)-columns, 0)))
	l.shown = columns
}

// clear takes the line away. The caller holds the mutex.
func (l *progressLine) clear() {
	if l.shown > 0 {
		_, _ = fmt.Fprint(l.terminal, "\r", strings.Repeat(" ", min(l.shown, l.width()-1)), "\r")
		l.shown = 0
	}
}

// above is a writer to the same terminal that takes the line away first.
func (l *progressLine) above(w io.Writer) io.Writer { return &aboveLine{l, w} }

type aboveLine struct {
	line *progressLine
	w    io.Writer
}

func (a *aboveLine) Write(p []byte) (int, error) {
	a.line.mu.Lock()
	defer a.line.mu.Unlock()
	a.line.clear()
	return a.w.Write(p)
}

// withProgress shows how far a verb has come that goes through the whole store. With --json nothing
// is shown.
func (a *app) withProgress(verb string, do action) action {
	return func(ctx context.Context, args []string) error {
		if !a.json {
			a.line.begin(verb)
			defer a.line.end()
		}
		return do(ctx, args)
	}
}
