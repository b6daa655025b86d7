package server

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
)

// appender is a shape that prints itself.
type appender interface{ AppendJSON([]byte) []byte }

// sendJSON answers with a value, whole.
func sendJSON(w http.ResponseWriter, status int, v any) {
	b := takeBuffer()
	defer giveBuffer(b)
	if shape, ok := v.(appender); ok {
		_, _ = b.Write(shape.AppendJSON(b.AvailableBuffer()))
	} else {
		enc := json.NewEncoder(b)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(v); err != nil {
			panic(err) // a shape that has no JSON is a mistake in this module
		}
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(b.Len()))
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // who does not take it has gone
}

// sendStream answers piece by piece.
func (s *server) sendStream(w http.ResponseWriter, r *http.Request, long streamer) {
	out := &lateHeader{ResponseWriter: w}
	buffered := bufio.NewWriterSize(out, 32<<10)
	err := long.stream(buffered)
	if err == nil {
		err = buffered.Flush()
	}
	switch {
	case err == nil:
	case out.begun:
		panic(http.ErrAbortHandler)
	default:
		s.refuse(w, r, err)
	}
}

// lateHeader sends the header with the first bytes.
type lateHeader struct {
	http.ResponseWriter
	begun bool
}

func (l *lateHeader) Write(p []byte) (int, error) {
	if !l.begun {
		l.begun = true
		l.Header().Set("Content-Type", "application/json")
		l.WriteHeader(http.StatusOK)
	}
	return l.ResponseWriter.Write(p)
}

// sendText answers with a line for people or for probes.
func sendText(w http.ResponseWriter, kind, text string) {
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	_, _ = io.WriteString(w, text)
}
