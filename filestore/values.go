package filestore

import (
	"context"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/codec"
	"github.com/mlruns/mlruns/filestore/internal/dir"
	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/rootfs"
	"github.com/mlruns/mlruns/internal/vfs"
)

// A param or tag is a file whose whole content is the value, and whose path below its folder is the
// key.

// emptyRetry is the pause before looking again at an empty value that is fresh: MLflow truncates a
// file and then writes it.
const emptyRetry = 20 * time.Millisecond

// readValues reads all params or tags of the folder named sub in f, whose path is at. What cannot
// be read is missing, and reported.
func readValues(ctx context.Context, f rootfs.Folder, at, sub string, p *problems) (map[string]string, error) {
	values := map[string]string{}
	var doubtful []string // keys whose values are looked at again, all after one pause
	bytes := 0
	keep := func(key, path, value string, err error) error {
		switch {
		case err == nil:
			values[key] = value
		case !vfs.IsGone(err): // deleted since the listing
			return p.unreadable(ctx, mlruns.ProblemUnreadable, path, err)
		}
		return nil
	}
	err := walkKeys(ctx, f, at, sub, p, func(k keyFile) error {
		value, err := readText(k)
		if err == nil && value == "" && beingWritten(k.folder, k.name) {
			doubtful = append(doubtful, k.key)
			return nil
		}
		if bytes += len(value); bytes > maxValues {
			return &enoughError{fmt.Sprintf("the values have more than %d bytes together; the rest is not read", maxValues)}
		}
		return keep(k.key, k.path, value, err)
	})
	if err != nil || doubtful == nil {
		return values, err
	}
	if err := dir.Sleep(ctx, emptyRetry); err != nil {
		return values, err
	}
	for _, key := range doubtful {
		value, err := readText(keyFile{folder: f, name: layout.Join(sub, key)})
		if err := keep(key, layout.Join(at, sub, key), value, err); err != nil {
			return values, err
		}
	}
	return values, ctx.Err()
}

// readValue reads one value, again if it is empty and fresh.
func readValue(ctx context.Context, f rootfs.Folder, name string) (string, error) {
	k := keyFile{folder: f, name: name}
	value, err := readText(k)
	if err != nil || value != "" || !beingWritten(f, name) {
		return value, err
	}
	if err := dir.Sleep(ctx, emptyRetry); err != nil {
		return "", err
	}
	return readText(k)
}

func readText(k keyFile) (string, error) {
	m := newScratch()
	defer m.free()
	data, err := m.readKey(k, rootfs.MaxReadFile)
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
