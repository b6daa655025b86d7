package filestore_test

import (
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// look is the shortest call that tells the state of a file, with nothing copied.
func (f *floor) look(dir int, folder, name string) {
	n := copy(f.buf, folder)
	n += copy(f.buf[n:], name)
	f.buf[n] = 0
	var st unix.Statx_t
	_, _, err := unix.Syscall6(unix.SYS_STATX, uintptr(dir), uintptr(unsafe.Pointer(&f.buf[0])), unix.AT_SYMLINK_NOFOLLOW,
		unix.STATX_TYPE|unix.STATX_INO|unix.STATX_SIZE|unix.STATX_NLINK|unix.STATX_CTIME, uintptr(unsafe.Pointer(&st)), 0)
	if err != 0 {
		f.b.Error(folder+name, err)
	}
}

// floorIndexed is the floor of BenchmarkIndexed: the folder is listed, and each file that the call
// depends on is looked at, with the names known and nothing kept. ended says that a look at the
// meta.yaml of each run is enough.
func floorIndexed(b *testing.B, dir, row string, n int, ended bool) {
	f := newFloor(b)
	if row == "by-name" || row == "by-id" {
		root := f.open(unix.AT_FDCWD, dir, unix.O_DIRECTORY)
		f.list(root)
		workers(b, n, func(f *floor, i int) {
			if row == "by-name" {
				f.look(root, experimentNumber(i), "/meta.yaml")
			} else { // that no other experiment has a run of the id
				f.missing(root, experimentNumber(i)+"/"+runNumber(n/2)+"/meta.yaml")
			}
		})
		_ = unix.Close(root)
		return
	}
	ids, names := make([]string, n), []string{"", "/metrics", "/params", "/tags"}
	for i := range ids {
		ids[i] = runNumber(i)
	}
	for sub, keys := range runNames() {
		for _, key := range keys {
			names = append(names, "/"+sub+"/"+key)
		}
	}
	results := map[string]int{"filter": min(n/4, 1000), "first": min(n, 1000), "page": 10}[row]
	experiment := f.open(unix.AT_FDCWD, dir+"/0", unix.O_DIRECTORY)
	f.list(experiment)
	const batch = 16
	workers(b, (n+batch-1)/batch, func(f *floor, k int) {
		for i := k * batch; i < min(n, (k+1)*batch); i++ {
			f.look(experiment, ids[i], "/meta.yaml")
			if row == "filter" && !ended {
				f.look(experiment, ids[i], "/params/p0")
				if i%2 == 0 {
					f.look(experiment, ids[i], "/metrics/m0")
				}
			}
		}
	})
	if !ended {
		workers(b, results, func(f *floor, i int) {
			for _, name := range names {
				f.look(experiment, ids[i], name)
			}
		})
	}
	_ = unix.Close(experiment)
}
