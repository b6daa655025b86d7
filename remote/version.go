package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"sync"

	"github.com/mlruns/mlruns"
)

// version is that of the MLflow behind a server.
type version struct {
	mu    sync.Mutex
	asked bool
	// newest is one that is not known: whatever is asked of it, it is to answer for itself.
	newest bool
	major  int
}

var versionForm = regexp.MustCompile(`^\s*(\d+)\.\d+`)

// needsMLflow3 refuses what a server of MLflow before 3 would leave out without a word.
func (s *Store) needsMLflow3(ctx context.Context, what string) error {
	s.version.mu.Lock()
	defer s.version.mu.Unlock()
	if !s.version.asked {
		if err := s.askVersion(ctx); err != nil {
			return err
		}
		s.version.asked = true
	}
	if s.version.newest || s.version.major >= 3 {
		return nil
	}
	return unsupported(fmt.Sprintf("the server at %s would leave out %s, which MLflow has from 3.0 on", s.base, what))
}

// askVersion asks for /version, which MLflow has from 2.0 on. A server of this module answers as
// MLflow 3.
func (s *Store) askVersion(ctx context.Context) error {
	t := s.newTries(reads)
	for {
		if err := t.next(ctx); err != nil {
			return err
		}
		done, err := t.judge(ctx, s.tryVersion(ctx))
		if errors.Is(err, mlruns.ErrUnsupported) {
			s.version.major = 1
			return nil
		}
		if done {
			return err
		}
	}
}

func (s *Store) tryVersion(ctx context.Context) error {
	res, err := s.roundTrip(ctx, http.MethodGet, s.base+"/version", http.Header{}, nil, 0)
	if err != nil {
		return &lost{err}
	}
	defer func() { _ = res.Close() }()
	if res.StatusCode != http.StatusOK {
		return s.refused(call{path: "version", since: "2.0"}, res)
	}
	text, err := io.ReadAll(io.LimitReader(res.Body, 1000))
	if err != nil {
		return &lost{err}
	}
	m := versionForm.FindSubmatch(text)
	if m == nil {
		s.version.newest = true
		return nil
	}
	s.version.major, err = strconv.Atoi(string(m[1]))
	return err
}
