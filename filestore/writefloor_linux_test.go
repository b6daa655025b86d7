package filestore_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// The floors are the system calls of an operation without the operation: what the machine would
// allow at best, in the same run.

// BenchmarkFloorLogMetric is flock, fstat, write and unlock on kept handles.
// BenchmarkSameCallsAsLogMetric has the guards too: the lock file and meta.yaml looked at by their
// handles, the metric by its path, and the metric's last byte read.
func BenchmarkFloorLogMetric(b *testing.B)       { benchFloorLogMetric(b, false) }
func BenchmarkSameCallsAsLogMetric(b *testing.B) { benchFloorLogMetric(b, true) }

func benchFloorLogMetric(b *testing.B, guards bool) {
	b.Run("SyncMeta", func(b *testing.B) {
		const run = "0/0123456789abcdef0123456789abcdef"
		dir := b.TempDir()
		ok(b, os.MkdirAll(filepath.Join(dir, run, "metrics"), 0o777))
		for _, name := range []string{"meta.yaml", ".mlruns.lock", "metrics/loss"} {
			ok(b, os.WriteFile(filepath.Join(dir, run, name), []byte("1600000000000 0.5 0\n"), 0o666))
		}
		root := openFd(b, dir, unix.O_RDONLY|unix.O_DIRECTORY)
		lock := openFd(b, filepath.Join(dir, run, ".mlruns.lock"), unix.O_RDWR)
		file := openFd(b, filepath.Join(dir, run, "metrics/loss"), unix.O_RDWR|unix.O_APPEND)
		line := []byte("1600000000000 0.123456789 1000\n")
		meta := openFd(b, filepath.Join(dir, run, "meta.yaml"), unix.O_RDONLY)
		last := make([]byte, 1)
		var st unix.Stat_t
		measure(b, func() {
			ok(b, unix.Flock(lock, unix.LOCK_EX|unix.LOCK_NB))
			if guards {
				ok(b, unix.Fstat(lock, &st))
				ok(b, unix.Fstat(meta, &st))
				ok(b, unix.Fstatat(root, run+"/metrics/loss", &st, unix.AT_SYMLINK_NOFOLLOW))
				if _, err := unix.Pread(file, last, st.Size-1); err != nil {
					b.Fatal(err)
				}
			} else {
				ok(b, unix.Fstat(file, &st))
			}
			if _, err := unix.Write(file, line); err != nil {
				b.Fatal(err)
			}
			ok(b, unix.Flock(lock, unix.LOCK_UN))
		})
	})
}

// BenchmarkFloorLogBatch is one flock, and an fstat and a write of all lines to each metric on kept
// handles.
func BenchmarkFloorLogBatch(b *testing.B) {
	for _, keys := range []int{1, 10, 100} {
		b.Run(fmt.Sprintf("1000metrics/%dkeys", keys), func(b *testing.B) {
			dir := b.TempDir()
			ok(b, os.WriteFile(filepath.Join(dir, "lock"), nil, 0o666))
			lock := openFd(b, filepath.Join(dir, "lock"), unix.O_RDWR)
			lines := bytes.Repeat([]byte("1600000000000 0.123456789 1000\n"), 1000/keys)
			files := make([]int, keys)
			for i := range files {
				files[i] = openFd(b, filepath.Join(dir, fmt.Sprint(i)), unix.O_RDWR|unix.O_APPEND|unix.O_CREAT)
			}
			var st unix.Stat_t
			measure(b, func() {
				ok(b, unix.Flock(lock, unix.LOCK_EX|unix.LOCK_NB))
				for _, file := range files {
					ok(b, unix.Fstat(file, &st))
					if _, err := unix.Write(file, lines); err != nil {
						b.Fatal(err)
					}
				}
				ok(b, unix.Flock(lock, unix.LOCK_UN))
			})
		})
	}
}

// BenchmarkFloorLogParam makes a small file under a temporary name and renames it to its own.
func BenchmarkFloorLogParam(b *testing.B) {
	dir := openFd(b, b.TempDir(), unix.O_RDONLY|unix.O_DIRECTORY)
	ok(b, unix.Mkdirat(dir, "params", 0o777))
	i := 0
	measure(b, func() {
		i++
		tmp, name := fmt.Sprintf(".tmp-%d", i), fmt.Sprintf("params/p%d", i)
		ok(b, unix.Close(makeFile(b, dir, tmp, "0.001")))
		ok(b, unix.Renameat2(dir, tmp, dir, name, unix.RENAME_NOREPLACE))
	})
}

// BenchmarkFloorCreateRun makes the five folders and four files of a run with three tags under a
// temporary name and renames it into place; synced, each file and folder is made durable, all at
// once, then the rename.
func BenchmarkFloorCreateRun(b *testing.B) {
	for _, synced := range []bool{false, true} {
		b.Run(map[bool]string{false: "SyncNever", true: "SyncMeta"}[synced], func(b *testing.B) {
			dir := openFd(b, b.TempDir(), unix.O_RDONLY|unix.O_DIRECTORY)
			i := 0
			measure(b, func() {
				i++
				tmp := fmt.Sprintf(".tmp-%d", i)
				var fds []int
				for _, folder := range []string{"", "/metrics", "/params", "/artifacts", "/tags"} {
					ok(b, unix.Mkdirat(dir, tmp+folder, 0o777))
					if synced {
						fd, err := unix.Openat(dir, tmp+folder, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
						ok(b, err)
						fds = append(fds, fd)
					}
				}
				for name, size := range map[string]int{"/tags/mlflow.runName": 10, "/tags/mlflow.user": 5, "/tags/mlflow.source.name": 8, "/meta.yaml": 430} {
					fds = append(fds, makeFile(b, dir, tmp+name, string(make([]byte, size))))
				}
				if synced {
					for _, fd := range fds[5:] {
						ok(b, unix.SyncFileRange(fd, 0, 0, unix.SYNC_FILE_RANGE_WRITE))
					}
					var all sync.WaitGroup
					for _, fd := range fds {
						all.Go(func() {
							if err := unix.Fsync(fd); err != nil {
								b.Error(err)
							}
						})
					}
					all.Wait()
				}
				for _, fd := range fds {
					ok(b, unix.Close(fd))
				}
				ok(b, unix.Renameat(dir, tmp, dir, fmt.Sprintf("%032d", i)))
				if synced {
					ok(b, unix.Fsync(dir))
				}
			})
		})
	}
}

func openFd(b *testing.B, name string, flags int) int {
	b.Helper()
	fd, err := unix.Open(name, flags|unix.O_CLOEXEC, 0o666)
	ok(b, err)
	b.Cleanup(func() { _ = unix.Close(fd) })
	return fd
}

func makeFile(b *testing.B, dir int, name, text string) int {
	b.Helper()
	fd, err := unix.Openat(dir, name, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL|unix.O_CLOEXEC, 0o666)
	ok(b, err)
	if _, err := unix.Write(fd, []byte(text)); err != nil {
		b.Fatal(err)
	}
	return fd
}

// ok has no b.Helper, which costs as much as a system call.
func ok(b *testing.B, err error) {
	if err != nil {
		b.Fatal(err)
	}
}
