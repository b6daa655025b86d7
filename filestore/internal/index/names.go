package index

import (
	"bytes"
	"encoding/binary"
	"strings"
)

// names are the names of the rows of a group, sorted, as they are encoded: their number, where each
// ends, and the names.
type names struct {
	ends []byte
	text string
}

func namesOf(data []byte) (names, error) {
	if len(data) < 4 {
		return names{}, errDamaged
	}
	n := uint64(binary.LittleEndian.Uint32(data))
	if n > maxRows || 4+4*n > uint64(len(data)) {
		return names{}, errDamaged
	}
	return names{ends: bytes.Clone(data[4 : 4+4*n]), text: string(data[4+4*n:])}, nil
}

func appendNames(dst []byte, list []string) []byte {
	// not above maxRows
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(list))) //nolint:gosec
	end := 0
	for _, name := range list {
		end += len(name)
		dst = binary.LittleEndian.AppendUint32(dst, uint32(end)) //nolint:gosec // names are short
	}
	for _, name := range list {
		dst = append(dst, name...)
	}
	return dst
}

func (n names) len() int { return len(n.ends) / 4 }

func (n names) at(i int) string {
	from := uint32(0)
	if i > 0 {
		from = binary.LittleEndian.Uint32(n.ends[4*i-4:])
	}
	to := binary.LittleEndian.Uint32(n.ends[4*i:])
	if from > to || uint64(to) > uint64(len(n.text)) {
		return ""
	}
	return n.text[from:to]
}

// find gives the row of a name, -1 if there is none.
func (n names) find(name string) int {
	low, high := 0, n.len()
	for low < high {
		middle := (low + high) / 2
		switch order := strings.Compare(n.at(middle), name); {
		case order == 0:
			return middle
		case order < 0:
			low = middle + 1
		default:
			high = middle
		}
	}
	return -1
}
