// Package filename knows which names the file systems in use can hold as they stand.
package filename

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// maxName is the longest name of a file, in bytes, on the file systems in use.
const maxName = 255

// MaxDepth is the most parts a path can have: a key of the longest that MLflow allows has fewer,
// and a path of many more no program can open.
const MaxDepth = 128

// CheckPath reports why a platform, named as in runtime.GOOS, cannot hold a file at the key or path
// p; nil if it can.
func CheckPath(goos, p string) error {
	if n := strings.Count(p, "/") + 1; n > MaxDepth {
		return fmt.Errorf("it has %d parts, more than %d", n, MaxDepth)
	}
	for name := range strings.SplitSeq(p, "/") {
		if len(name) > maxName {
			return fmt.Errorf("the part %.40q… of %d bytes is longer than the %d a file name can have", name, len(name), maxName)
		}
		if strings.ContainsRune(name, 0) {
			return fmt.Errorf("the part %q has a NUL byte", name)
		}
		if goos == "windows" {
			if err := checkWindows(name); err != nil {
				return err
			}
		}
	}
	return nil
}

func checkWindows(name string) error {
	if i := strings.IndexAny(name, `<>:"\|?*`); i >= 0 {
		return fmt.Errorf("the part %q has the character %q, which Windows does not allow in file names", name, name[i])
	}
	if strings.ContainsFunc(name, func(r rune) bool { return r < ' ' }) {
		return fmt.Errorf("the part %q has a control character, which Windows does not allow in file names", name)
	}
	if name != "" && (name[len(name)-1] == '.' || name[len(name)-1] == ' ') {
		return fmt.Errorf("the part %q ends in %q, which Windows drops from file names", name, name[len(name)-1])
	}
	if isDevice(name) {
		return fmt.Errorf("the part %q is the name of a device on Windows", name)
	}
	return nil
}

// devices are the names that Windows keeps for devices; the ports come with a number besides.
var devices, ports = [...]string{"CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"}, [...]string{"COM", "LPT"}

// isDevice reports whether Windows takes a name for that of a device, with an extension too.
func isDevice(name string) bool {
	stem, _, _ := strings.Cut(name, ".")
	stem = strings.TrimRight(stem, " ")
	if len(stem) < len("CON") || len(stem) > len("CONOUT$") {
		return false // which is most
	}
	for _, device := range devices {
		if strings.EqualFold(stem, device) {
			return true
		}
	}
	for _, port := range ports {
		if strings.EqualFold(stem[:len(port)], port) {
			number := stem[len(port):]
			return utf8.RuneCountInString(number) == 1 && strings.Contains("0123456789¹²³", number)
		}
	}
	return false
}

// Portable reports why some platform cannot hold a file at p, "" if all can.
func Portable(p string) string {
	if err := CheckPath("windows", p); err != nil {
		return err.Error()
	}
	return ""
}
