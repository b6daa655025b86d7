package dir

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/afero"

	"github.com/mlruns/mlruns/filestore/internal/codec"
	"github.com/mlruns/mlruns/internal/vfs"
)

// ReadTail gives the size of a file and what follows its last newline.
func ReadTail(f afero.File) (size int64, tail []byte, err error) {
	info, err := f.Stat()
	if err != nil {
		return 0, nil, err
	}
	size = info.Size()
	for n := min(size, 1); n > 0; n = min(size, n*512) {
		if n > vfs.MaxReadFile {
			return 0, nil, &codec.Damage{Reason: fmt.Sprintf("%s: the last line has more than %d bytes and no end, so it is no metric's", f.Name(), vfs.MaxReadFile)}
		}
		tail = make([]byte, n)
		if _, err := f.ReadAt(tail, size-n); err != nil && !errors.Is(err, io.EOF) {
			return 0, nil, err
		}
		if i := bytes.LastIndexByte(tail, '\n'); i >= 0 {
			return size, tail[i+1:], nil
		}
		if n == size {
			break
		}
	}
	return size, tail, nil
}

// OutwaitTail waits until a torn line has stayed as it is for TornPatience, or has been completed.
func OutwaitTail(ctx context.Context, f afero.File, size int64, tail []byte) error {
	for {
		if err := Sleep(ctx, TornPatience); err != nil {
			return err
		}
		newSize, newTail, err := ReadTail(f)
		if err != nil || codec.IsBlank(newTail) || newSize == size && bytes.Equal(newTail, tail) {
			return err
		}
		size, tail = newSize, newTail
	}
}

// TornPatience is how long a last line without its newline must stay as it is before it is taken
// for torn: its writer may only be slow.
const TornPatience = 50 * time.Millisecond
