package layout

import (
	"fmt"
	"strings"
)

// maxName is the longest name of a file, in bytes, on the file systems in use.
const maxName = 255

// MaxDepth is the most parts a key can have: a key of the longest that MLflow allows has fewer, and a path of many more no program can open.
const MaxDepth = 128

// reservedNames are devices on Windows, with and without an extension.
var reservedNames = map[string]bool{
	"CON": true, "PRN": true, "AUX": true, "NUL": true,
	"COM1": true, "COM2": true, "COM3": true, "COM4": true, "COM5": true, "COM6": true, "COM7": true, "COM8": true, "COM9": true,
	"LPT1": true, "LPT2": true, "LPT3": true, "LPT4": true, "LPT5": true, "LPT6": true, "LPT7": true, "LPT8": true, "LPT9": true,
}

// CheckPath reports why a platform, named as in runtime.GOOS, cannot hold a file at the key or path p; nil if it can.
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
			if err := checkWindowsName(name); err != nil {
				return err
			}
		}
	}
	return nil
}

func checkWindowsName(name string) error {
	if i := strings.IndexAny(name, `<>:"\|?*`); i >= 0 {
		return fmt.Errorf("the part %q has the character %q, which Windows does not allow in file names", name, name[i])
	}
	if strings.ContainsFunc(name, func(r rune) bool { return r < ' ' }) {
		return fmt.Errorf("the part %q has a control character, which Windows does not allow in file names", name)
	}
	if name != "" && (name[len(name)-1] == '.' || name[len(name)-1] == ' ') {
		return fmt.Errorf("the part %q ends in %q, which Windows drops from file names", name, name[len(name)-1])
	}
	stem, _, _ := strings.Cut(name, ".")
	if reservedNames[strings.ToUpper(strings.TrimRight(stem, " "))] {
		return fmt.Errorf("the part %q is the name of a device on Windows", name)
	}
	return nil
}

// Portable reports why some platform cannot hold a file at p, "" if all can.
func Portable(p string) string {
	if err := CheckPath("windows", p); err != nil {
		return err.Error()
	}
	return ""
}
