//go:build unix

package main

import (
	"os"
	"syscall"
)

// owner is a user's number.
type owner int

func currentOwner() owner { return owner(os.Geteuid()) }

func (o owner) owns(info os.FileInfo) bool {
	st, ok := info.Sys().(*syscall.Stat_t)
	return !ok || int64(st.Uid) == int64(o)
}

func sameDevice(a, b os.FileInfo) bool {
	x, ok := a.Sys().(*syscall.Stat_t)
	y, also := b.Sys().(*syscall.Stat_t)
	return !ok || !also || x.Dev == y.Dev
}
