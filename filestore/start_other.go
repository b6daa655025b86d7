//go:build !linux

package filestore

import "github.com/mlruns/mlruns/filestore/internal/query"

// systemStart is asked for where there is an index on a disk, which is on Linux only.
func systemStart() (query.Start, error) { return query.Start{}, nil }
