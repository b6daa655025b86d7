package dir

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/atomicfile"
)

// replacedPrefix begins the names of links to metric files that were replaced, in the folder of the
// run or model.
const replacedPrefix = atomicfile.Prefix + "sort-"

// ReplacedName is a new name for a link to the file of a metric that is going to be replaced, in
// which MLflow may have begun to append to it. It tells the key; one that is too long for that has
// none.
func ReplacedName(key string) (name string, ok bool) {
	const longest = 200
	encoded := base64.RawURLEncoding.EncodeToString([]byte(key))
	return fmt.Sprintf("%s%s.%016x", replacedPrefix, encoded, rand.Uint64()), len(encoded) <= longest
}

// ReplacedKey gives the key that a name of ReplacedName tells.
func ReplacedKey(name string) (key string, ok bool) {
	encoded, ok := strings.CutPrefix(name, replacedPrefix)
	end := strings.LastIndexByte(encoded, '.')
	if !ok || end < 0 {
		return "", false
	}
	text, err := base64.RawURLEncoding.DecodeString(encoded[:end])
	return string(text), err == nil && len(text) > 0
}

// CarryOver appends to the file of a metric what a file that it has replaced has more than its
// first bytes of that size, and gives how many it has now. Where size is 0 these are the lines that
// the metric's file lacks. The folder is locked, so that only MLflow appends to the replaced file,
// and only if it had opened it before.
func (t *Tree) CarryOver(ctx context.Context, folder, key, replaced string, size int) (read int, err error) {
	was, err := t.wholeLines(replaced)
	if err != nil || len(was) <= size {
		return len(was), err
	}
	lacking := was[size:]
	if size == 0 {
		is, err := t.wholeLines(layout.Join(folder, layout.Metrics, key))
		if err != nil {
			return 0, err
		}
		lacking = linesBeyond(was, is)
	}
	if len(lacking) > 0 {
		err = t.Append(ctx, folder, key, lacking, t.Durable)
	}
	return len(was), err
}

// linesBeyond gives the lines that there are more of in one text than in another.
func linesBeyond(text, other []byte) (beyond []byte) {
	there := map[string]int{}
	for line := range bytes.Lines(other) {
		there[string(line)]++
	}
	for line := range bytes.Lines(text) {
		if there[string(line)]--; there[string(line)] < 0 {
			beyond = append(beyond, line...)
		}
	}
	return beyond
}

// wholeLines reads a file up to its last newline.
func (t *Tree) wholeLines(name string) ([]byte, error) {
	text, err := t.ReadAll(name)
	return text[:bytes.LastIndexByte(text, '\n')+1], err
}
