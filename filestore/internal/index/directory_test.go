package index

import (
	"bytes"
	"encoding/binary"
	"testing"
)

// TestDirectoryCut opens no index of which the directory does not end where it says, though its
// checksum fits: what a part has is taken apart later.
func TestDirectoryCut(t *testing.T) {
	data, _ := smallIndex(t)
	size := binary.LittleEndian.Uint64(data[32:])
	for n := range size + 1 {
		cut := bytes.Clone(data)
		binary.LittleEndian.PutUint64(cut[32:], n)
		resum(cut)
		if _, err := parse(readerAt(cut), int64(len(cut)), testOwner); (err == nil) != (n == size) {
			t.Errorf("cut at %d of %d: %v", n, size, err)
		}
	}
}
