package artifacts

import (
	"errors"
	"path"
	"strings"
	"testing"

	"github.com/mlruns/mlruns"
)

func TestFileURI(t *testing.T) {
	for _, c := range []struct{ path, want string }{
		{"/data/m é#", "file:///data/m%20%C3%A9%23"},
		{"/a_b-c.d~e/F0", "file:///a_b-c.d~e/F0"},
		{"/a%20b?c+d@e:f", "file:///a%2520b%3Fc%2Bd%40e%3Af"},
		{"C:/Users/x y", "file:///C:/Users/x%20y"},
		{"/", "file:///"},
		{"/\xff", "file:///%FF"},
	} {
		if got := FileURI(c.path); got != c.want {
			t.Errorf("FileURI(%q) = %q, want %q", c.path, got, c.want)
		}
	}
}

func TestLocalPath(t *testing.T) {
	for _, c := range []struct{ goos, uri, want string }{
		{"linux", "", ""},
		{"linux", "/data/a%20b", "/data/a b"},
		{"linux", "/data/a#b?c", "/data/a#b?c"},
		{"linux", "/data/100%", "/data/100%"},
		{"linux", "/data/%zz%4", "/data/%zz%4"},
		{"linux", "/data/%2520", "/data/%20"},
		{"linux", "mr", "mr"},
		{"linux", "./mr:x", "./mr:x"},
		{"linux", "file:mr", "mr"},
		{"linux", "file:./mr", "./mr"},
		{"linux", "file:/data/x", "/data/x"},
		{"linux", "FILE:///data/x", "/data/x"},
		{"linux", "file:///data/m%20%C3%A9%23", "/data/m é#"},
		{"linux", "file:///data/x?q#f", "/data/x"},
		{"linux", "file://localhost/data", "/data"},
		{"linux", "file://LOCALHOST:80/data", "/data"},
		{"linux", "file://127.0.0.1/data", "/data"},
		{"linux", "file://./data", "/data"},
		{"linux", "file:///C:/x", "/C:/x"},
		{"linux", `C:\runs\0`, "C:/runs/0"},
		{"linux", `/a\b`, `/a\b`},
		{"windows", "file:///C:/x%20y", "C:/x y"},
		{"windows", `c:\x\y`, "c:/x/y"},
		{"windows", `mr\0`, "mr/0"},
		{"windows", `\\host\share`, "//host/share"},
	} {
		got, err := localPath(c.uri, c.goos)
		if err != nil || got != c.want {
			t.Errorf("%s: localPath(%q) = %q, %v, want %q", c.goos, c.uri, got, err, c.want)
		}
	}
}

func TestLocalPathRefusals(t *testing.T) {
	for _, uri := range []string{"s3://b/p", "mlflow-artifacts:/0", "dbfs:/x", "http://localhost/x", "hdfs+x.y-z://a", "filex:/a"} {
		_, err := LocalPath(uri)
		scheme, _, _ := strings.Cut(uri, ":")
		if !errors.Is(err, mlruns.ErrUnsupported) || !strings.Contains(err.Error(), "'"+scheme+"'") {
			t.Errorf("LocalPath(%q) = %v, want ErrUnsupported that names %q", uri, err, scheme)
		}
	}
	for _, uri := range []string{"file://host/x", "file://localhost@evil/x", "file://10.0.0.1/x"} {
		_, err := LocalPath(uri)
		if !errors.Is(err, mlruns.ErrInvalid) || mlruns.CodeOf(err) != mlruns.CodeInternal || !strings.HasPrefix(err.Error(), uri+" is not a valid remote uri. ") {
			t.Errorf("LocalPath(%q) = %v (%s), want MLflow's refusal", uri, err, mlruns.CodeOf(err))
		}
	}
}

func TestAppend(t *testing.T) {
	for _, c := range []struct {
		uri   string
		parts []string
		want  string
	}{
		{"file:///abs", []string{"0"}, "file:///abs/0"},
		{"file:///abs/", []string{"0", "r", "artifacts"}, "file:///abs/0/r/artifacts"},
		{"file:/abs", []string{"0"}, "file:///abs/0"},
		{"file:mr", []string{"0"}, "file:mr/0"},
		{"/abs/a%20b", []string{"/0", "r"}, "/abs/a%20b/0/r"},
		{"mr", []string{"0"}, "mr/0"},
		{"./mr", []string{"0"}, "./mr/0"},
		{"", []string{"/0", "r"}, "/0/r"},
		{"s3://b/p?x=1", []string{"r", "artifacts"}, "s3://b/p/r/artifacts?x=1"},
		{"s3://b/p?x=1#f", []string{"r"}, "s3://b/p/r?x=1#f"},
		{"s3://b", []string{"r", "artifacts"}, "s3://b/r/artifacts"},
		{"dbfs:/x", []string{"r"}, "dbfs:/x/r"},
		{"dbfs:", []string{"/r"}, "dbfs:/r"},
		{"mlflow-artifacts:/0", []string{"r"}, "mlflow-artifacts:/0/r"},
		{"C:/runs", []string{"0"}, "C:/runs/0"},
		{"/a/../b", []string{"0"}, "/a/../b/0"},
	} {
		got, err := Append(c.uri, c.parts...)
		if err != nil || got != c.want {
			t.Errorf("Append(%q, %q) = %q, %v, want %q", c.uri, c.parts, got, err, c.want)
		}
	}
	nested := "%2e."
	for range 12 {
		nested = strings.ReplaceAll(nested, "%", "%25")
	}
	for _, query := range []string{"..", "x=../y", "%2e%2e", "%252e.", nested} {
		_, err := Append("s3://b/p?"+query, "r")
		if !errors.Is(err, mlruns.ErrInvalid) || err.Error() != "Invalid query string" {
			t.Errorf("Append with the query %q: %v, want Invalid query string", query, err)
		}
	}
}

func TestAbsolute(t *testing.T) {
	for _, c := range []struct{ goos, location, cwd, want string }{
		{"linux", "", "/cwd", ""},
		{"linux", "mr", "/cwd", "/cwd/mr"},
		{"linux", "./mr/0", "/cwd", "/cwd/mr/0"},
		{"linux", "file:mr", "/cwd", "file:///cwd/mr"},
		{"linux", "file:./m%20r?q#f", "/c d", "file:///c%20d/m%20r?q#f"},
		{"linux", "/abs/x", "/cwd", "/abs/x"},
		{"linux", "file:///abs/x", "/cwd", "file:///abs/x"},
		{"linux", "s3://b/p?x=1#f", "/cwd", "s3://b/p?x=1#f"},
		{"linux", "C:/x", "/cwd", "C:/x"},
		{"linux", "m%20r", "/c%20d", "/c%2520d/m r"},
		{"linux", "m%2520r", "/c", "/c/m%2520r"},
		{"windows", "mr", "C:/cwd", "file:///C:/cwd/mr"},
		{"windows", "file:mr", "C:/cwd", "file:///C:/cwd/mr"},
		{"windows", `D:\x`, "C:/cwd", `D:\x`},
	} {
		got, err := absolute(c.location, c.cwd, c.goos)
		if err != nil || got != c.want {
			t.Errorf("%s: absolute(%q, %q) = %q, %v, want %q", c.goos, c.location, c.cwd, got, err, c.want)
		}
	}
	if _, err := Absolute("file://host/x", "/cwd"); !errors.Is(err, mlruns.ErrInvalid) {
		t.Errorf("Absolute of another host: %v, want ErrInvalid", err)
	}
}

func FuzzLocalPath(f *testing.F) {
	for _, s := range []string{"/data/m é#", "C:/x%20", "/%25%2", "/a?b#c;d", "//h/x", "/\xff\x00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, p string) {
		_, _ = LocalPath(p) // must not panic
		abs := "/" + p
		if got, err := localPath(FileURI(abs), "linux"); err != nil || got != abs {
			t.Errorf("LocalPath(FileURI(%q)) = %q, %v (URI %q)", abs, got, err, FileURI(abs))
		}
	})
}

func FuzzAbsolute(f *testing.F) {
	for _, s := range []string{"mr", "file:m%20r", "%2525", "s3://x", "a:b", "../x"} {
		f.Add(s, "c%20d")
	}
	f.Fuzz(func(t *testing.T, location, dir string) {
		cwd := path.Clean("/" + dir)
		got, err := absolute(location, cwd, "linux")
		local, localErr := localPath(location, "linux")
		if err != nil || localErr != nil || location == "" || IsAbs(local) || hasDrive(path.Join(cwd, local)) {
			return
		}
		if back, err := localPath(got, "linux"); err != nil || back != path.Join(cwd, local) {
			t.Errorf("absolute(%q, %q) = %q, which means %q, %v, want %q", location, cwd, got, back, err, path.Join(cwd, local))
		}
	})
}
