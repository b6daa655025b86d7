package filestore_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// The floors are the system calls of an operation without the operation: what the machine would allow at best, in the same run.

// BenchmarkFloorLogMetric is flock, fstat, write and unlock on kept handles; with guards, the calls of LogMetric: the lock file, meta.yaml, the folder of
// metrics and the metric looked at by their paths, and the metric's last byte read.
func BenchmarkFloorLogMetric(b *testing.B) {
	for _, guards := range []bool{false, true} {
		b.Run(map[bool]string{false: "handles", true: "guards"}[guards], func(b *testing.B) {
			const run = "0/0123456789abcdef0123456789abcdef"
			dir := b.TempDir()
			must(b, os.MkdirAll(filepath.Join(dir, run, "metrics"), 0o777))
			for _, name := range []string{"meta.yaml", ".mlruns.lock", "metrics/loss"} {
				must(b, os.WriteFile(filepath.Join(dir, run, name), []byte("1600000000000 0.5 0\n"), 0o666))
			}
			root := openFd(b, dir, unix.O_RDONLY|unix.O_DIRECTORY)
			lock := openFd(b, filepath.Join(dir, run, ".mlruns.lock"), unix.O_RDWR)
			file := openFd(b, filepath.Join(dir, run, "metrics/loss"), unix.O_RDWR|unix.O_APPEND)
			line := []byte("1600000000000 0.123456789 1000\n")
			looks := []string{run + "/.mlruns.lock", run + "/meta.yaml", run + "/metrics", run + "/metrics/loss"}
			last := make([]byte, 1)
			var st unix.Stat_t
			b.ReportAllocs()
			for b.Loop() {
				must(b, unix.Flock(lock, unix.LOCK_EX|unix.LOCK_NB))
				if guards {
					for _, name := range looks {
						must(b, unix.Fstatat(root, name, &st, unix.AT_SYMLINK_NOFOLLOW))
					}
					if _, err := unix.Pread(file, last, st.Size-1); err != nil {
						b.Fatal(err)
					}
				} else {
					must(b, unix.Fstat(file, &st))
				}
				if _, err := unix.Write(file, line); err != nil {
					b.Fatal(err)
				}
				must(b, unix.Flock(lock, unix.LOCK_UN))
			}
		})
	}
}

// BenchmarkFloorNewValue makes a small file under a temporary name and links it to its own (link, unlink), or renames it.
func BenchmarkFloorNewValue(b *testing.B) {
	for _, way := range []string{"link", "rename"} {
		b.Run(way, func(b *testing.B) {
			dir := openFd(b, b.TempDir(), unix.O_RDONLY|unix.O_DIRECTORY)
			must(b, unix.Mkdirat(dir, "params", 0o777))
			i := 0
			b.ReportAllocs()
			for b.Loop() {
				i++
				tmp, name := fmt.Sprintf(".tmp-%d", i), fmt.Sprintf("params/p%d", i)
				makeFile(b, dir, tmp, "0.001")
				if way == "rename" {
					must(b, unix.Renameat2(dir, tmp, dir, name, unix.RENAME_NOREPLACE))
					continue
				}
				must(b, unix.Linkat(dir, tmp, dir, name, 0))
				must(b, unix.Unlinkat(dir, tmp, 0))
			}
		})
	}
}

// BenchmarkFloorCreateRun makes the five folders and four files of a run with three tags under a temporary name and renames it into place.
func BenchmarkFloorCreateRun(b *testing.B) {
	dir := openFd(b, b.TempDir(), unix.O_RDONLY|unix.O_DIRECTORY)
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		i++
		tmp := fmt.Sprintf(".tmp-%d", i)
		for _, folder := range []string{tmp, tmp + "/metrics", tmp + "/params", tmp + "/artifacts", tmp + "/tags"} {
			must(b, unix.Mkdirat(dir, folder, 0o777))
		}
		for _, tag := range []string{"/tags/mlflow.runName", "/tags/mlflow.user", "/tags/mlflow.source.name"} {
			makeFile(b, dir, tmp+tag, "value")
		}
		makeFile(b, dir, tmp+"/meta.yaml", string(make([]byte, 430)))
		must(b, unix.Renameat(dir, tmp, dir, fmt.Sprintf("%032d", i)))
	}
}

func openFd(b *testing.B, name string, flags int) int {
	b.Helper()
	fd, err := unix.Open(name, flags|unix.O_CLOEXEC, 0)
	must(b, err)
	b.Cleanup(func() { _ = unix.Close(fd) })
	return fd
}

func makeFile(b *testing.B, dir int, name, text string) {
	b.Helper()
	fd, err := unix.Openat(dir, name, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL|unix.O_CLOEXEC, 0o666)
	must(b, err)
	if _, err := unix.Write(fd, []byte(text)); err != nil {
		b.Fatal(err)
	}
	must(b, unix.Close(fd))
}

func must(b *testing.B, err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}
