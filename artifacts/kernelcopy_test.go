package artifacts

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"testing"
)

// receiver is a file that notes who copies into it, and from what.
type receiver struct {
	*os.File
	from []io.Reader
}

func (r *receiver) ReadFrom(src io.Reader) (int64, error) {
	r.from = append(r.from, src)
	return r.File.ReadFrom(src)
}

// TestKernelCopies: from file to file, the file that is written gets the file that is read, whole
// or a stretch of it, which is when package os has the kernel copy.
func TestKernelCopies(t *testing.T) {
	name := filepath.Join(t.TempDir(), "from")
	if err := os.WriteFile(name, []byte("content"), 0o666); err != nil {
		t.Fatal(err)
	}
	from, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = from.Close() }()
	file, err := os.Create(name + ".to")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	to := &receiver{File: file}
	src := &source{ctx: context.Background(), r: from, atEnd: func() error { return nil }}
	if n, err := io.Copy(to, src); n != int64(len("content")) || err != nil {
		t.Fatalf("copied %d, %v", n, err)
	}
	if len(to.from) != 1 {
		t.Fatalf("the file was asked %d times, want once", len(to.from))
	}
	limited, ok := to.from[0].(*io.LimitedReader)
	if !ok || limited.R != io.Reader(from) {
		t.Errorf("the file was given a %T, want a stretch of the other file", to.from[0])
	}
	if got, err := os.ReadFile(name + ".to"); string(got) != "content" || err != nil {
		t.Errorf("the copy holds %q, %v", got, err)
	}
}
