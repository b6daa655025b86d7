package filename_test

import (
	"strings"
	"testing"

	"github.com/mlruns/mlruns/internal/filename"
)

func TestCheckPath(t *testing.T) {
	tests := []struct {
		goos, path, want string // want is a part of the error, "" for none
	}{
		{"linux", "a/b c/é.txt", ""},
		{"linux", "a:b", ""},
		{"linux", "CON", ""},
		{"linux", strings.Repeat("x", 255), ""},
		{"linux", strings.Repeat("x", 256), "longer than the 255"},
		{"linux", "a/" + strings.Repeat("é", 128), "of 256 bytes"},
		{"darwin", strings.Repeat("x", 256), "longer than the 255"},
		{"darwin", "a:b", ""},
		{"linux", "a\x00b", "NUL"},
		{"windows", "a/b c/é.txt", ""},
		{"windows", "a:b", `':'`},
		{"windows", `a\b`, `'\\'`},
		{"windows", "dir/a?", `'?'`},
		{"windows", "a\x01b", "control character"},
		{"windows", "a.", `ends in '.'`},
		{"windows", "a /b", `ends in ' '`},
		{"windows", "CON", "device"},
		{"windows", "metrics/nul.txt", "device"},
		{"windows", "com1 .log", "device"},
		{"windows", "CONSOLE", ""},
		{"windows", "lpt10", ""},
		{"windows", "com¹", "device"},
		{"windows", "LPT0.txt", "device"},
		{"windows", "conin$", "device"},
		{"windows", "comx", ""},
		{"linux", "com¹", ""},
	}
	for _, tt := range tests {
		err := filename.CheckPath(tt.goos, tt.path)
		switch {
		case tt.want == "" && err != nil:
			t.Errorf("CheckPath(%q, %q) = %v, want nil", tt.goos, tt.path, err)
		case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
			t.Errorf("CheckPath(%q, %.20q) = %v, want an error with %q", tt.goos, tt.path, err, tt.want)
		}
	}
	if why := filename.Portable("a:b"); !strings.Contains(why, "Windows") {
		t.Errorf("Portable(a:b) = %q, want the platform named", why)
	}
	if why := filename.Portable("a/b"); why != "" {
		t.Errorf("Portable(a/b) = %q, want none", why)
	}
}

// FuzzCheckPath holds the platforms to each other: what Windows can hold every platform can.
func FuzzCheckPath(f *testing.F) {
	for _, s := range []string{"a", "a/b", "CON", "nul.txt", "a:b", "a ", "a.", "\x00", strings.Repeat("a/", 128) + "k", strings.Repeat("x", 256), `a\b`, "COM1 .x", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, p string) {
		windows, linux := filename.CheckPath("windows", p), filename.CheckPath("linux", p)
		if windows == nil && linux != nil || (filename.Portable(p) == "") != (windows == nil) {
			t.Errorf("%q: windows %v, linux %v, portable %q", p, windows, linux, filename.Portable(p))
		}
		if windows == nil && strings.ContainsAny(p, "\\:*?<>|\"\x00\n") {
			t.Errorf("%q is said to be held by Windows", p)
		}
		ascii := !strings.ContainsFunc(p, func(r rune) bool { return r >= 0x80 })
		if filename.Plain(p) != (windows == nil && ascii) {
			t.Errorf("%q: plain %v, windows %v", p, filename.Plain(p), windows)
		}
		if linux != nil {
			return
		}
		for part := range strings.SplitSeq(p, "/") {
			if len(part) > 255 {
				t.Errorf("a part of %d bytes is said to be held", len(part))
			}
		}
		if strings.ContainsRune(p, 0) || strings.Count(p, "/") >= filename.MaxDepth {
			t.Errorf("%q is said to be held", p)
		}
	})
}
