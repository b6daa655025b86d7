package records

import (
	"context"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/codec"
	"github.com/mlruns/mlruns/filestore/internal/dir"
	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/vfs"
)

// A param or tag is a file whose whole content is the value, and whose path below its folder is the
// key.

// EmptyRetry is the pause before looking again at an empty value that is fresh: MLflow truncates a
// file and then writes it.
const EmptyRetry = 20 * time.Millisecond

// ReadValues reads all params or tags of the folder named sub in f, whose path is at. What cannot
// be read is missing, and reported.
func ReadValues(ctx context.Context, f vfs.Folder, at, sub string, p *Problems) (map[string]string, error) {
	values := map[string]string{}
	var doubtful []string // keys whose values are looked at again, all after one pause
	bytes := 0
	keep := func(key, path, value string, err error) error {
		switch {
		case err == nil:
			values[key] = value
		case !vfs.IsGone(err): // deleted since the listing
			return p.Unreadable(ctx, mlruns.ProblemUnreadable, path, err)
		}
		return nil
	}
	err := WalkKeys(ctx, f, at, sub, p, func(k KeyFile) error {
		value, err := readText(k)
		if err == nil && value == "" && beingWritten(k.Folder, k.Name) {
			doubtful = append(doubtful, k.Key)
			return nil
		}
		if bytes += len(value); bytes > maxValues {
			return &enoughError{fmt.Sprintf("the values have more than %d bytes together; the rest is not read", maxValues)}
		}
		return keep(k.Key, k.Path, value, err)
	})
	if err != nil || doubtful == nil {
		return values, err
	}
	if err := dir.Sleep(ctx, EmptyRetry); err != nil {
		return values, err
	}
	for _, key := range doubtful {
		value, err := readText(KeyFile{Folder: f, Name: layout.Join(sub, key)})
		if err := keep(key, layout.Join(at, sub, key), value, err); err != nil {
			return values, err
		}
	}
	return values, ctx.Err()
}

// ReadValue reads one value, again if it is empty and fresh.
func ReadValue(ctx context.Context, f vfs.Folder, name string) (string, error) {
	k := KeyFile{Folder: f, Name: name}
	value, err := readText(k)
	if err != nil || value != "" || !beingWritten(f, name) {
		return value, err
	}
	if err := dir.Sleep(ctx, EmptyRetry); err != nil {
		return "", err
	}
	return readText(k)
}

func readText(k KeyFile) (string, error) {
	m := NewBuffer()
	defer m.Free()
	data, err := m.readKey(k, vfs.MaxReadFile)
	if err != nil {
		return "", err
	}
	if !utf8.Valid(data) {
		return "", &codec.Damage{Line: codec.LineOfInvalid(data), Reason: "not UTF-8"}
	}
	if err := codec.NotValue(data); err != nil {
		return "", err
	}
	return string(data), nil
}
