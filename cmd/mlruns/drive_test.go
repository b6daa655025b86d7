package main

import (
	"bytes"
	"os"
	"testing"

	"github.com/mlruns/mlruns/filestore"
)

// TestWarnOfDrive says on standard error, in one line, where locks may not exclude all who write, and else nothing.
func TestWarnOfDrive(t *testing.T) {
	for want, d := range map[string]filestore.Drive{
		"": {FileSystem: "ext4"},
		"mlruns: warning: locks may not exclude all who write here: it is mounted with nolock\n": {FileSystem: "nfs", LocksMayBeLocal: true, LockWarning: "it is mounted with nolock"},
	} {
		var errs bytes.Buffer
		a := newApp(nil, os.Stdout, &errs)
		a.warnOfDrive(d)
		if got := errs.String(); got != want {
			t.Errorf("%+v: %q, want %q", d, got, want)
		}
	}
}
