package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"log/slog"
	"sync"
	"time"

	"github.com/mlruns/mlruns/server"
)

// lockedWriter writes one line after the other.
type lockedWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *lockedWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}

// accessLog prints a line for each request on standard error: for people on a terminal, else as
// JSON. It has neither queries nor headers.
func (a *app) accessLog() func(server.Access) {
	out := &lockedWriter{w: a.err}
	if a.json || a.line.terminal == nil {
		return jsonAccessLog(out)
	}
	return func(r server.Access) {
		text := fmt.Sprintf("%s  %s %s  %d  %s  %s", a.now().Format(time.TimeOnly), r.Method, safe(r.Path), r.Status, byteCount(r.Bytes), r.Took.Round(10*time.Microsecond))
		if r.Err != nil && r.Status >= 500 {
			text += "  " + safe(r.Err.Error())
		}
		_, _ = fmt.Fprintln(out, text)
	}
}

func jsonAccessLog(out io.Writer) func(server.Access) {
	logger := slog.New(slog.NewJSONHandler(out, nil))
	return func(r server.Access) {
		attrs := []slog.Attr{
			slog.String("method", r.Method), slog.String("path", r.Path), slog.Int("status", r.Status), slog.Int64("bytes", r.Bytes),
			slog.Float64("ms", float64(r.Took.Microseconds())/1000), slog.String("remote", r.Remote),
		}
		if r.Err != nil {
			attrs = append(attrs, slog.String("error", r.Err.Error()))
		}
		logger.LogAttrs(context.Background(), slog.LevelInfo, "request", attrs...)
	}
}

// errorLog is for what net/http has to say, such as a connection that spoke no HTTP.
func (a *app) errorLog() *log.Logger {
	if !a.verbose {
		return log.New(io.Discard, "", 0)
	}
	return log.New(&lockedWriter{w: a.err}, "mlruns: ", 0)
}
