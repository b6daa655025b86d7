package rootfs

import (
	"flag"
	"fmt"
	"os"
	"testing"
)

// portable makes mustOpen leave openat2 aside.
var portable bool

// TestMain runs the tests twice, with openat2 and without, and fails where the first run had none
// of it.
func TestMain(m *testing.M) {
	code := m.Run()
	if code == 0 && flag.Lookup("test.bench").Value.String() == "" && flag.Lookup("test.fuzz").Value.String() == "" {
		fmt.Println("with os.Root alone:")
		portable = true
		code = m.Run()
	}
	os.Exit(code)
}
