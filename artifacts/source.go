package artifacts

import (
	"context"
	"errors"
	"io"
	"os"
)

// source reads until the end or until the context ends, and calls atEnd before it says that the end
// is reached.
type source struct {
	ctx   context.Context
	r     io.Reader
	atEnd func() error
}

// stretch is how much is copied between two looks at the context.
const stretch = 64 << 20

func (s *source) Read(b []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := s.r.Read(b)
	if errors.Is(err, io.EOF) {
		if endErr := s.atEnd(); endErr != nil {
			err = endErr
		}
	}
	return n, err
}

// plainReader hides WriteTo.
type plainReader struct{ io.Reader }

// WriteTo lets the kernel copy from file to file.
func (s *source) WriteTo(w io.Writer) (n int64, err error) {
	if _, ok := s.r.(*os.File); !ok {
		return io.Copy(w, plainReader{s})
	}
	for {
		if err := s.ctx.Err(); err != nil {
			return n, err
		}
		m, err := io.Copy(w, io.LimitReader(s.r, stretch))
		n += m
		if err != nil {
			return n, err
		}
		if m < stretch {
			return n, s.atEnd()
		}
	}
}
