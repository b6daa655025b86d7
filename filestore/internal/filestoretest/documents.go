package filestoretest

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
)

// TestNames finds the tests that a document names.
var TestNames = regexp.MustCompile(`\bTest[A-Z]\w+`)

var testFunc = regexp.MustCompile(`(?m)^func (Test\w+)\(t `)

// allTests are the names of all tests of the module.
var allTests = sync.OnceValues(func() (map[string]bool, error) {
	names := map[string]bool{}
	err := filepath.WalkDir(InModule(), func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && len(d.Name()) > 2 && strings.HasPrefix(d.Name(), "."):
			return filepath.SkipDir
		case d.IsDir() || !strings.HasSuffix(name, "_test.go"):
			return nil
		}
		source, err := os.ReadFile(name)
		for _, m := range testFunc.FindAllSubmatch(source, -1) {
			names[string(m[1])] = true
		}
		return err
	})
	return names, err
})

// HasTest reports whether the module has a test.
func HasTest(t *testing.T, test string) bool {
	t.Helper()
	names, err := allTests()
	if err != nil {
		t.Fatal(err)
	}
	return names[test]
}

// InModule is the path of a file or folder of the module. Tests run in the folder of their package.
func InModule(path ...string) string {
	top := "."
	for range 8 {
		if _, err := os.Stat(filepath.Join(top, "go.mod")); err == nil {
			break
		}
		top = filepath.Join("..", top)
	}
	return filepath.Join(append([]string{top}, path...)...)
}
