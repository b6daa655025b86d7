package filestore

import (
	"hash/fnv"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mlruns/mlruns/filestore/internal/query"
)

// systemStart asks the kernel when it was started, and for the random number of that start. The
// time is early by some seconds: the kernel counts whole ones.
func systemStart() (query.Start, error) {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return query.Start{}, err
	}
	var info syscall.Sysinfo_t
	if err := syscall.Sysinfo(&info); err != nil {
		return query.Start{}, os.NewSyscallError("sysinfo", err)
	}
	// in another time namespace the same clocks count from another moment
	namespace, _ := os.Readlink("/proc/self/ns/time") // since Linux 5.6
	h := fnv.New64a()
	_, _ = h.Write(append(id, namespace...)) // it never fails
	return query.Start{At: time.Now().Add(-time.Duration(info.Uptime+2) * time.Second), ID: h.Sum64(), Running: running}, nil
}

func running() time.Duration {
	var ts unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts) // Linux has it since 2.6.39
	return time.Duration(ts.Nano())
}
