package artifacts

import (
	"errors"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mlruns/mlruns"
)

func TestReadable(t *testing.T) {
	for _, c := range []struct{ goos, p, want string }{
		{"linux", "", "."},
		{"linux", "a//b/./c/", "a/b/c"},
		{"linux", "a%20b", "a%20b"},
		{"linux", "a%2e%2e/..b", "a%2e%2e/..b"},
		{"linux", "a#b", "a#b"},
		{"linux", `a\..\b`, `a\..\b`},
		{"linux", "C:x", "C:x"},
		{"windows", "a/b", "a/b"},
		{"windows", "", "."},
		{"windows", "./a//b/", "a/b"},
	} {
		if got, err := readableOn(c.p, c.goos); err != nil || got != c.want {
			t.Errorf("%s: readable(%q) = %q, %v, want %q", c.goos, c.p, got, err, c.want)
		}
	}
	for _, c := range []struct{ goos, p string }{
		{"linux", ".."}, {"linux", "a/.."}, {"linux", "a/../b"}, {"linux", "/a"}, {"linux", "//a"}, {"linux", "a\x00b"}, {"linux", "a\xff"},
		{"windows", `a\b`}, {"windows", `..\a`}, {"windows", "C:a"}, {"windows", "a:stream"}, {"windows", "a/NUL"}, {"windows", "con.txt"}, {"windows", "a./b"}, {"windows", "a "},
	} {
		got, err := readableOn(c.p, c.goos)
		if !errors.Is(err, mlruns.ErrInvalid) || err.Error() != "Invalid path" {
			t.Errorf("%s: readable(%q) = %q, %v, want Invalid path", c.goos, c.p, got, err)
		}
	}
}

func TestWritable(t *testing.T) {
	for _, c := range []struct {
		goos, p string
		ok      bool
	}{
		{"linux", "", true}, {"windows", "", true},
		{"linux", "a/b.txt", true}, {"windows", "a/b.txt", true},
		{"linux", "a%20b#c", true}, {"windows", "a%20b#c", true},
		{"linux", "a:b", true}, {"windows", "a:b", false},
		{"linux", `a\b`, true}, {"windows", `a\b`, false},
		{"linux", "con/x", true}, {"windows", "con/x", false}, {"windows", "x/NUL.tar.gz", false}, {"windows", "Com¹.txt", false}, {"linux", "Com¹.txt", true}, {"linux", strings.Repeat("x", 256), false},
		{"windows", "lpt9", false}, {"windows", "conin$", false}, {"windows", "aux .txt", false},
		{"windows", "console", true}, {"windows", "com10", true}, {"windows", "lpt", true}, {"windows", "comx", true},
		{"linux", "a./b", true}, {"windows", "a./b", false}, {"windows", "a /b", false}, {"windows", "a?", false}, {"windows", "a\tb", false},
		{"linux", "..", false}, {"linux", "a/../b", false}, {"linux", "/a", false}, {"linux", "a//b", false}, {"linux", "./a", false},
		{"linux", "a/", false}, {"linux", "a\x00", false}, {"linux", "\xff", false}, {"linux", "a/.mlruns-tmp-x/b", false},
	} {
		err := writableOn(c.p, c.goos)
		if (err == nil) != c.ok || err != nil && !errors.Is(err, mlruns.ErrInvalid) {
			t.Errorf("%s: writable(%q) = %v, want ok %v", c.goos, c.p, err, c.ok)
		}
	}
}

// Whatever passes leads downwards, and what may be written may be read under the same name.
func FuzzPaths(f *testing.F) {
	for _, s := range []string{"", "a/b", "..", "a/../b", "/a", "a//b", "./a", `a\..\b`, "C:x", "a\x00", "\xff", "nul", "a%2e%2e/b", "..a"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, p string) {
		for _, goos := range []string{"linux", "windows"} {
			clean, err := readableOn(p, goos)
			writeErr := writableOn(p, goos)
			if writeErr == nil && (err != nil || clean != path.Clean(p)) {
				t.Errorf("%s: %q may be written, but is read as %q, %v", goos, p, clean, err)
			}
			if err == nil && (!filepath.IsLocal(clean) || clean != path.Clean(clean) || goos == "windows" && strings.ContainsAny(clean, `\:`)) {
				t.Errorf("%s: readable(%q) = %q, which does not lead downwards", goos, p, clean)
			}
		}
	})
}
