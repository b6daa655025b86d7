package main

import (
	"bytes"
	"os"
	"testing"

	"github.com/mlruns/mlruns/filestore"
)

// TestWarnOfDrive says on standard error, in one line, where locks may not exclude all who write,
// and else nothing.
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
		errs.Reset()
		a.json = true
		a.warnOfDrive(d)
		if got := errs.String(); got != "" {
			t.Errorf("%+v: %q with --json, where a program reads the error as JSON", d, got)
		}
	}
}

// TestDescribeDrive is what "store info" says of a drive.
func TestDescribeDrive(t *testing.T) {
	for d, want := range map[filestore.Drive][2]string{
		{FileSystem: "ext4"}:                           {"ext4", "exclude all who write here"},
		{FileSystem: "squashfs", ReadOnlyMedia: true}:  {"squashfs, read-only: nothing can be written here", "exclude all who write here"},
		{LocksMayBeLocal: true, LockWarning: "unseen"}: {"-", "may not exclude all who write here: unseen"},
	} {
		if on, locks := describeDrive(d); on != want[0] || locks != want[1] {
			t.Errorf("%+v: %q and %q, want %q", d, on, locks, want)
		}
	}
}
