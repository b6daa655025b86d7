package mlruns_test

import (
	"go/parser"
	"go/token"
	"os"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestMapOfTheRooms holds the map of CONTRIBUTING.md to the code: every package is in it, in an
// order in which each imports only those above it, and the files that it sends a reader to exist.
func TestMapOfTheRooms(t *testing.T) {
	text, err := os.ReadFile("CONTRIBUTING.md")
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(string(text), "```")
	if len(parts) != 3 {
		t.Fatalf("CONTRIBUTING.md has %d parts, want one map between two texts", len(parts))
	}
	var rooms []string
	for line := range strings.Lines(strings.TrimSpace(parts[1])) {
		room, _, _ := strings.Cut(line, " ")
		rooms = append(rooms, path.Clean(room))
	}
	met := map[string]bool{}
	goFiles(t, func(name string, data []byte) {
		dir := path.Dir(name)
		if strings.HasSuffix(name, "_test.go") {
			return
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, data, parser.ImportsOnly)
		if err != nil {
			t.Error(err)
			return
		}
		room := roomOf(rooms, dir)
		if room < 0 {
			t.Errorf("%s: the map has no room for %s", name, dir)
			return
		}
		met[rooms[room]] = true
		for _, spec := range f.Imports {
			imported, _ := strconv.Unquote(spec.Path.Value)
			inside, ok := strings.CutPrefix(imported+"/", module+"/")
			if at := roomOf(rooms, path.Clean(inside)); ok && at > room {
				t.Errorf("%s imports %s, which is below it in the map", name, imported)
			}
		}
	})
	for _, room := range rooms {
		if !met[room] {
			t.Errorf("the map has a room %s, where there is no Go file", room)
		}
	}
	for _, m := range regexp.MustCompile("`([\\w./-]+/[\\w.-]+|\\w+\\.(?:go|md))`").FindAllStringSubmatch(parts[2], -1) {
		if _, err := os.Stat(m[1]); err != nil {
			t.Errorf("CONTRIBUTING.md names %s: %v", m[1], err)
		}
	}
}

// roomOf is the place in the map of the innermost room that a folder is in, -1 if there is none.
// The root is a room without those below it.
func roomOf(rooms []string, dir string) int {
	for ; dir != "."; dir = path.Dir(dir) {
		if i := slices.Index(rooms, dir); i >= 0 {
			return i
		}
		if path.Dir(dir) == "." {
			return -1
		}
	}
	return slices.Index(rooms, ".")
}
