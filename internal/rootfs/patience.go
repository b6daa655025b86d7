package rootfs

import "github.com/mlruns/mlruns/internal/vfs"

// patiently calls again, while the process is out of handles or memory and Options.OnExhausted says
// that it is worth another try.
func (f *Fs) patiently(call func() error) error {
	err := call()
	for try := 0; err != nil && vfs.IsExhausted(err) && f.onExhausted != nil && f.onExhausted(try); try++ {
		err = call()
	}
	return err
}
