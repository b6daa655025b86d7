package rootfs

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/mlruns/mlruns/internal/vfs"
)

// A read that gives what the size promised, with room for more, is the last one; every other is
// followed by one that meets the end.
func TestReadAll(t *testing.T) {
	for _, c := range []struct {
		name  string
		size  int64
		parts []string
		calls int
	}{
		{"whole", 4, []string{"text"}, 1},
		{"in parts", 4, []string{"te", "xt"}, 2},
		{"grown in the first read", 4, []string{"texts"}, 2},
		{"shrunk", 9, []string{"text"}, 2},
		{"size unknown", 0, []string{"text"}, 2},
		{"empty", 0, nil, 1},
	} {
		calls := 0
		got, err := readAll(func(p []byte) (int, error) {
			calls++
			if calls > len(c.parts) {
				return 0, io.EOF
			}
			return copy(p, c.parts[calls-1]), nil
		}, c.size, vfs.MaxReadFile, make([]byte, 0, 100))
		if want := strings.Join(c.parts, ""); string(got) != want || err != nil || calls != c.calls {
			t.Errorf("%s: %q, %v in %d reads; want %q in %d", c.name, got, err, calls, want, c.calls)
		}
	}
}

func TestReadAllLimit(t *testing.T) {
	endless := func(p []byte) (int, error) { return len(p), nil }
	for _, size := range []int64{0, 5, 6, 1 << 40} {
		if got, err := readAll(endless, size, 5, nil); !errors.Is(err, vfs.ErrTooLarge) {
			t.Errorf("size %d: %d bytes, %v; want ErrTooLarge", size, len(got), err)
		}
	}
}
