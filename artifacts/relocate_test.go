package artifacts

import "testing"

func TestRelocated(t *testing.T) {
	for _, c := range []struct{ goos, location, to, want string }{
		{"linux", "/old/7", "/new a/7", "/new a/7"},
		{"linux", "/old/7", "/n%41/7", "/n%2541/7"},
		{"linux", "file:///old/7?q#f", "/new a/7", "file:///new%20a/7?q#f"},
		{"linux", "file:/old/7", "/new/7", "file:///new/7"},
		{"linux", `C:\old\7`, "/new/7", "/new/7"},
		{"windows", `C:\old\7`, "D:/new/7", `D:\new\7`},
		{"windows", "C:/old/7", "D:/new/7", "D:/new/7"},
		{"windows", "/old/7", "D:/new/7", "D:/new/7"},
		{"windows", "file:///C:/old/7", "D:/new a/7", "file:///D:/new%20a/7"},
	} {
		got := relocated(c.location, c.to, c.goos)
		if got != c.want {
			t.Errorf("%s: %q to %q: got %q, want %q", c.goos, c.location, c.to, got, c.want)
		}
		if back, err := localPath(got, c.goos); err != nil || back != c.to {
			t.Errorf("%s: %q reads back as %q, %v, want %q", c.goos, got, back, err, c.to)
		}
	}
}
