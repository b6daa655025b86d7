package filestore_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/filestore/internal/filestoretest"
	"github.com/mlruns/mlruns/internal/drive"
	"github.com/mlruns/mlruns/internal/memfs"
)

// placedFs is a file system on a drive that is made up.
type placedFs struct {
	*memfs.FS
	drive drive.Drive
}

func (p placedFs) Drive() drive.Drive { return p.drive }

// TestWritersAreWarnedOfTheDrive opens a store where locks do not exclude all who write: the log of
// who may write has one warning, and Info says the same.
func TestWritersAreWarnedOfTheDrive(t *testing.T) {
	const why = "NFS is mounted with nolock, so a lock excludes the processes of this machine only"
	weak := drive.Drive{Kind: "nfs", Why: why}
	strong := drive.Drive{Kind: "nfs4", Excludes: true}
	cases := []struct {
		name    string
		drive   drive.Drive
		options []filestore.Option
		want    int
	}{
		{name: "locks are not for all", drive: weak, want: 1},
		{name: "locks at best effort", drive: weak, options: []filestore.Option{filestore.WithLocking(filestore.LockBestEffort)}, want: 1},
		{name: "nothing is known", want: 1},
		{name: "locks are for all", drive: strong},
		{name: "reading", drive: weak, options: []filestore.Option{filestore.WithReadOnly()}},
		{name: "who wants no locks", drive: weak, options: []filestore.Option{filestore.WithLocking(filestore.LockNone)}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			fsys := placedFs{memfs.New(), c.drive}
			filestoretest.Open(t, "mlruns", filestore.WithFs(placedFs{fsys.FS, strong}))
			var log bytes.Buffer
			s := filestoretest.Open(t, "mlruns", append(c.options, filestore.WithFs(fsys), filestore.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))...)
			if _, err := s.Experiment(t.Context(), mlruns.DefaultExperimentID); err != nil {
				t.Error(err)
			}
			if got := strings.Count(log.String(), "locks may not exclude all"); got != c.want || c.want > 0 && !strings.Contains(log.String(), c.drive.Why) {
				t.Errorf("%d warnings, want %d:\n%s", got, c.want, log.String())
			}
			info, err := s.Info(t.Context())
			want := filestore.Drive{FileSystem: c.drive.Kind, LocksMayBeLocal: !c.drive.Excludes, LockWarning: c.drive.Why}
			if diff := cmp.Diff(want, info.Drive); diff != "" || err != nil {
				t.Errorf("Info (-want +got), %v:\n%s", err, diff)
			}
			if diff := cmp.Diff(want, s.Drive()); diff != "" {
				t.Errorf("Drive (-want +got):\n%s", diff)
			}
			filestoretest.NoProblems(t, s)
		})
	}
}

// TestDriveOfAStore tells what stores lie on that are not on a disk, and of one that is on
// read-only media.
func TestDriveOfAStore(t *testing.T) {
	s := filestoretest.Open(t, "mlruns", filestore.WithFs(memfs.New()))
	if got, want := s.Drive(), (filestore.Drive{FileSystem: "memory"}); got != want {
		t.Errorf("in memory: %+v, want %+v", got, want)
	}
	s = filestoretest.Open(t, "mlruns", filestore.WithFs(placedFs{memfs.New(), drive.Drive{Kind: "squashfs", ReadOnly: true, Excludes: true}}))
	if got, want := s.Drive(), (filestore.Drive{FileSystem: "squashfs", ReadOnlyMedia: true}); got != want {
		t.Errorf("on read-only media: %+v, want %+v", got, want)
	}
}
