//go:build !linux

package filestore_test

import "testing"

// meter measures nothing here.
type meter struct{}

func newMeter() meter { return meter{} }

func (meter) report(*testing.B) {}

func countCalls(func()) (calls, bool) { return calls{}, false }
