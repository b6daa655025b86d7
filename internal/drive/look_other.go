//go:build !linux && !darwin && !freebsd && !windows

package drive

// At knows nothing here.
func At(string) Drive { return judge(seen{}) }
