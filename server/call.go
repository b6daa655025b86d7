package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/internal/failure"
	"github.com/mlruns/mlruns/internal/wire"
)

// call is a request for a call of the table: its parameters, and what stood in its path.
type call struct {
	*wire.Request
	ctx context.Context
	// rest is what the path has after that of the route.
	rest string
}

// empty is the answer of a call that has none.
type empty struct{}

// action is a call: it reads parameters, asks for Err, calls the store and gives an answer, which
// is sent as JSON. An answer may also be a streamer.
type action func(*server, *call) (any, error)

// streamer is an answer that is not made whole before it is sent.
type streamer interface {
	// stream writes the JSON. An error before the first byte is answered as any other; after it the
	// connection is cut, so that nobody takes a part for the whole.
	stream(w io.Writer) error
}

// call reads the parameters of a request, and answers with what the action gives.
func (s *server) call(w http.ResponseWriter, r *http.Request, do action, rest string) {
	parameters, err := s.parameters(w, r)
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	answer, err := do(s, &call{parameters, r.Context(), rest})
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	if long, ok := answer.(streamer); ok {
		s.sendStream(w, r, long)
		return
	}
	sendJSON(w, http.StatusOK, answer)
}

func (s *server) parameters(w http.ResponseWriter, r *http.Request) (*wire.Request, error) {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return wire.ParseQuery(r.URL.Query()), nil
	}
	if err := isJSON(r); err != nil {
		return nil, err
	}
	body := takeBuffer()
	defer giveBuffer(body)
	_, err := body.ReadFrom(http.MaxBytesReader(w, r.Body, s.options.bodyLimit))
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		return nil, &refusal{http.StatusRequestEntityTooLarge, "BAD_REQUEST", fmt.Sprintf("The request body has more than %d bytes", tooLarge.Limit)}
	}
	if err != nil {
		return nil, &refusal{http.StatusBadRequest, "BAD_REQUEST", "The request body could not be read: " + err.Error()}
	}
	return wire.ParseBody(body.Bytes()), nil
}

// isJSON demands the content type that a browser sends to another host only after asking it. A body
// that is not there has no type.
func isJSON(r *http.Request) error {
	sent := r.Header.Get("Content-Type")
	if sent == "" && r.ContentLength == 0 && r.Method != http.MethodPost {
		return nil
	}
	if sent == "" {
		return failure.Invalid("Bad Request. Content-Type header is missing.")
	}
	if kind, _, err := mime.ParseMediaType(sent); err != nil || kind != "application/json" {
		return failure.Invalid("Bad Request. Content-Type must be one of ['application/json'].")
	}
	return nil
}

// artifacts is the store's part that holds files.
func (s *server) artifacts() (mlruns.ArtifactStore, error) {
	if s.files == nil {
		return nil, &refusal{http.StatusNotImplemented, "NOT_IMPLEMENTED", "This store has no artifacts"}
	}
	return s.files, nil
}
