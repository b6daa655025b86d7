package vfs

import (
	"time"

	"golang.org/x/sys/unix"
)

// Clock is the time that a change made now is marked with, at least: that of the clock of file
// systems, which goes in steps. On a processor that was taken away from a virtual machine it stands
// still for as long as that takes, while time.Now goes on.
func Clock() time.Time {
	now := time.Now()
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_REALTIME_COARSE, &ts); err != nil {
		return now
	}
	return now.Add(-max(0, now.Sub(time.Unix(ts.Unix()))))
}
