package remote

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/internal/failure"
)

// effect tells what it does to do a call twice.
type effect uint8

const (
	// reads is a call that changes nothing.
	reads effect = iota
	// repeats is one that does the same when done twice, perhaps with another answer.
	repeats
	// adds is one that does more when done twice.
	adds
)

// call is a request of the interface whose answer is JSON.
type call struct {
	method string
	// path has the version before it: 2.0/mlflow/runs/get.
	path string
	// title is the path as errors tell it and as what a server lacks is kept, where that is not
	// path: without ids.
	title  string
	query  url.Values
	body   any
	effect effect
	// since is the version of MLflow that brought the call, "" for those that all servers have.
	since string
}

func (c call) name() string {
	if c.title != "" {
		return c.title
	}
	return c.path
}

// fields is the body of a request.
type fields map[string]any

// get reads.
func (s *Store) get(ctx context.Context, path string, query url.Values, answer any) error {
	_, err := s.ask(ctx, call{method: http.MethodGet, path: path, query: query}, answer)
	return err
}

// post makes a call; repeated reports whether a try before the last one may have had its effect.
func (s *Store) post(ctx context.Context, path string, e effect, body fields, answer any) (repeated bool, err error) {
	return s.ask(ctx, call{method: http.MethodPost, path: path, body: body, effect: e}, answer)
}

// ask makes a call and reads its answer, which may be nil.
func (s *Store) ask(ctx context.Context, c call, answer any) (repeated bool, err error) {
	return s.send(ctx, c, func(body io.Reader) error {
		if answer == nil {
			return s.isObject(c, body)
		}
		text, err := io.ReadAll(body)
		if err != nil {
			return err
		}
		return s.decode(c, text, answer)
	})
}

// decode reads an answer. What is no JSON is not MLflow's: a page of a proxy, for instance.
func (s *Store) decode(c call, text []byte, answer any) error {
	if err := json.Unmarshal(text, answer); err != nil {
		return &strangeAnswer{fmt.Errorf("%s answered %s with what cannot be understood: %w", s.base, c.name(), err)}
	}
	return nil
}

// isObject takes the answer of a call that has none: an object, or nothing. The status was of
// success, so that a cut does no harm, but a page that a proxy has people log in on has it too.
func (s *Store) isObject(c call, body io.Reader) error {
	text, err := io.ReadAll(io.LimitReader(body, maxRefusal))
	switch seen := strings.TrimSpace(string(text)); {
	case seen == "" || strings.HasPrefix(seen, "{") || seen == "200 OK":
		return nil
	case err != nil:
		return err
	}
	return s.decode(c, text, &fields{})
}

// strangeAnswer is an answer of success that cannot be understood. It came whole: to ask again
// would give the same.
type strangeAnswer struct{ err error }

func (e *strangeAnswer) Error() string { return e.err.Error() }

func (e *strangeAnswer) Unwrap() []error { return []error{mlruns.ErrCorrupt, e.err} }

// send makes a call, again where that does no harm. read gets the body of an answer of success; if
// it fails, the answer counts as lost.
func (s *Store) send(ctx context.Context, c call, read func(io.Reader) error) (repeated bool, err error) {
	if err := s.begin(ctx); err != nil {
		return false, err
	}
	if _, lacking := s.lacking.Load(c.name()); lacking {
		return false, unsupported(s.noCall(c))
	}
	var body []byte
	if c.body != nil {
		if body, err = json.Marshal(c.body); err != nil {
			return false, err
		}
	}
	t := s.newTries(c.effect)
	for {
		if err := t.next(ctx); err != nil {
			return t.repeated, err
		}
		done, err := t.judge(ctx, s.try(ctx, c, body, read))
		if done {
			if c.since != "" && errors.Is(err, mlruns.ErrUnsupported) {
				s.lacking.Store(c.name(), true)
			}
			return t.repeated, err
		}
	}
}

// try sends a request once.
func (s *Store) try(ctx context.Context, c call, body []byte, read func(io.Reader) error) error {
	target := s.base + "/api/" + c.path
	if len(c.query) > 0 {
		target += "?" + c.query.Encode()
	}
	header := http.Header{}
	var content io.Reader
	if body != nil {
		content = bytes.NewReader(body)
		header.Set("Content-Type", "application/json")
	}
	res, err := s.roundTrip(ctx, c.method, target, header, content, int64(len(body)))
	if err != nil {
		return &lost{err}
	}
	defer func() { _ = res.Close() }()
	if res.StatusCode != http.StatusOK {
		return s.refused(c, res)
	}
	if err := read(res.Body); err != nil {
		strange := (*strangeAnswer)(nil)
		stop := (*stopReading)(nil)
		if errors.As(err, &strange) || errors.As(err, &stop) {
			return err
		}
		return &lost{err}
	}
	return nil
}

// maxRefusal is how much of the body of a refusal is read.
const maxRefusal = 1 << 20

// refused makes the error of an answer that is none of success.
func (s *Store) refused(c call, res *response) error {
	text, err := io.ReadAll(io.LimitReader(res.Body, maxRefusal))
	if err != nil {
		text = nil // the status says enough
	}
	reason := s.refusal(c, res.StatusCode, res.Header, text)
	return &refused{reason, res.StatusCode, retryAfter(res.Header), strings.Contains(string(text), `"error_code"`)}
}

// refused is an answer that is none of success.
type refused struct {
	reason *failure.Reason
	status int
	// after is when the server wants to be asked again, in its words
	after string
	// spoken reports whether it is MLflow's own answer, and not that of a proxy before it.
	spoken bool
}

func (e *refused) Error() string { return e.reason.Error() }

func (e *refused) Unwrap() error { return e.reason }

// lost is a request that failed before its answer was there whole.
type lost struct{ err error }

func (e *lost) Error() string { return e.err.Error() }

func (e *lost) Unwrap() error { return e.err }

// stopReading is how who reads an answer says that enough of it was read, or that it cannot go on.
type stopReading struct{ err error }

func (*stopReading) Error() string { return "enough was read" }

// once sends a request once.
func (s *Store) once(ctx context.Context, c call, answer any) error {
	body, err := json.Marshal(c.body)
	if err != nil {
		return err
	}
	return s.try(ctx, c, body, func(r io.Reader) error {
		text, err := io.ReadAll(r)
		if err != nil {
			return err
		}
		return s.decode(c, text, answer)
	})
}
