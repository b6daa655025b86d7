package mlruns_test

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

const module = "github.com/mlruns/mlruns"

// importRule says what the packages below a folder may import, beside the standard library and
// packages below the folder. The first rule that fits counts.
type importRule struct {
	dir string
	// packages of this module by their folder ("." is the root), others by their path
	may    []string
	reason string
}

var importRules = []importRule{
	{"search", nil, "search evaluates a small interface and knows no Run: standard library only"},
	{"filestore/layout", nil, "layout is path arithmetic: standard library only, so that any tool can use it"},
	{"filestore/internal/codec", []string{".", "internal/failure", "internal/validate", "internal/pyfmt", "filestore/layout", "gopkg.in/yaml.v3"}, "codec turns bytes into values: no I/O and no store"},
	{"filestore/internal/dir", []string{"filestore/layout", "filestore/internal/codec", "internal", "github.com/spf13/afero"}, "dir knows files and folders, and whether a line is blank; no experiment and no run"},
	{"filestore/internal/records", []string{".", "internal", "filestore/layout", "filestore/internal/codec", "filestore/internal/dir", "github.com/spf13/afero"},
		"records reads experiments and runs from their folders, and does not look for them"},
	{"filestore/internal/locate", []string{".", "internal", "artifacts", "filestore/layout", "filestore/internal/codec", "filestore/internal/dir", "filestore/internal/records"},
		"locate finds and locks what records reads, and follows what moves"},
	{"filestore/internal/filestoretest", []string{".", "filestore", "internal", "artifacts", "github.com/spf13/afero", "github.com/google/go-cmp", "gopkg.in/yaml.v3"},
		"filestoretest is for tests: it knows the store as its users do, and reads YAML without the codec to judge it"},
	{"filestore/internal/batch", []string{".", "internal", "filestore/layout", "filestore/internal/codec", "filestore/internal/dir", "filestore/internal/records", "filestore/internal/locate"},
		"batch writes to runs that locate has found"},
	{"filestore/internal/lifecycle", []string{".", "internal", "filestore/layout", "filestore/internal/codec", "filestore/internal/dir", "filestore/internal/records", "filestore/internal/locate", "github.com/spf13/afero"},
		"lifecycle moves and marks what locate has found"},
	{"filestore/internal/fsck", []string{".", "internal", "artifacts", "filestore/layout", "filestore/internal/codec", "filestore/internal/dir", "filestore/internal/records", "filestore/internal/locate", "filestore/internal/lifecycle", "github.com/spf13/afero"},
		"fsck goes through a store, and knows neither its public calls nor maintenance"},
	{"filestore/internal/index", nil, "index keeps bytes beside stamps: standard library only, no store and no value"},
	{"filestore/internal/query", []string{".", "search", "internal", "filestore/layout", "filestore/internal/codec", "filestore/internal/dir", "filestore/internal/records", "filestore/internal/locate", "filestore/internal/index"},
		"query finds and reads, and writes nothing but the index"},
	{"filestore/internal/maintenance", []string{".", "internal", "artifacts", "filestore/layout", "filestore/internal/codec", "filestore/internal/dir", "filestore/internal/records", "filestore/internal/locate", "filestore/internal/lifecycle"},
		"maintenance goes through a store, and knows nothing of its public calls"},
	{"filestore", []string{".", "search", "artifacts", "internal", "github.com/spf13/afero", "github.com/google/uuid", "golang.org/x/sys"},
		"filestore is the store: the vocabulary, the packages below it and the library's direct dependencies"},
	{"artifacts", []string{".", "internal/failure", "internal/validate", "internal/atomicfile", "internal/filename", "internal/rootfs", "internal/vfs", "github.com/spf13/afero"}, "artifacts knows files and URIs, no store"},
	{"internal/pyfmt", nil, "pyfmt prints and parses texts: standard library only"},
	{"internal/storetest", []string{".", "github.com/google/go-cmp", "pgregory.net/rapid"}, "storetest tests any Store, so it knows the vocabulary only"},
	{"internal/failure", nil, "failure has the sentinels that the root and every package below it share: standard library only"},
	{"internal/validate", []string{".", "internal/failure", "internal/pyfmt"}, "validate checks the vocabulary by MLflow's rules, and knows no store"},
	{"internal/wire", []string{".", "internal/failure", "internal/pyfmt"}, "wire has the JSON shapes of the vocabulary, and knows no store"},
	{"internal", []string{"internal", "github.com/spf13/afero", "github.com/gofrs/flock", "golang.org/x/sys"}, "internal packages import nothing above them: they would make cycles and drag the vocabulary down"},
	{"transfer", []string{"."}, "transfer copies between any two stores: the vocabulary, and no store"},
	{"server", []string{".", "internal/failure", "internal/wire"}, "server translates MLflow's REST interface into calls of any Store: the vocabulary, the shapes, net/http"},
	{"remote", []string{".", "internal/failure", "internal/validate", "internal/wire"}, "remote translates calls of a Store into MLflow's REST interface: the vocabulary, the shapes, net/http; never a folder"},
	{"tracking", []string{".", "filestore", "remote", "artifacts", "internal/failure", "internal/pyfmt"}, "tracking chooses a store by the scheme of a URI: it knows those that there are, and nothing else"},
	{"cmd", []string{".", "filestore", "search", "artifacts", "server", "remote", "tracking", "transfer", "internal", "github.com/spf13/cobra", "github.com/spf13/pflag", "github.com/jedib0t/go-pretty/v6", "github.com/spf13/afero", "golang.org/x"},
		"the command is a thin shell over the library"},
	{"interop", []string{".", "filestore", "search", "artifacts", "server", "remote", "tracking", "transfer", "internal", "github.com/google/go-cmp"}, "interop tests the library beside MLflow"},
	{"examples", []string{".", "filestore", "tracking", "transfer"}, "examples show what a user imports"},
	{".", []string{"internal/failure", "internal/pyfmt"}, "the root package is vocabulary: standard library only, and the leaves with the sentinels and with Python's texts"},
}

// storeUsers are the folders that may import filestore outside of tests.
var storeUsers = []string{"filestore", "tracking", "cmd", "interop", "examples"}

func below(dir, folder string) bool { return dir == folder || strings.HasPrefix(dir, folder+"/") }

func ruleOf(dir string) importRule {
	for _, r := range importRules {
		if below(dir, r.dir) {
			return r
		}
	}
	return importRules[len(importRules)-1]
}

// allows reports whether a package in dir may import another.
func (r importRule) allows(dir, imported string) bool {
	local := imported
	if imported == module {
		local = "."
	} else if inside, ok := strings.CutPrefix(imported, module+"/"); ok {
		local = inside
		if r.dir != "." && below(local, r.dir) {
			return true
		}
	} else if first, _, _ := strings.Cut(imported, "/"); !strings.Contains(first, ".") {
		return true
	}
	for _, may := range r.may {
		if below(local, may) {
			return true
		}
	}
	return false
}

// goFiles calls visit for every Go file of the module; name is relative to its root.
func goFiles(t *testing.T, visit func(name string, data []byte)) {
	t.Helper()
	n := 0
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && name != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata") {
			return filepath.SkipDir
		}
		if d.IsDir() || filepath.Ext(name) != ".go" {
			return nil
		}
		data, err := os.ReadFile(name)
		if err == nil {
			n++
			visit(filepath.ToSlash(name), data)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if n < 50 {
		t.Errorf("only %d Go files found", n)
	}
}

func TestImports(t *testing.T) {
	goFiles(t, func(name string, data []byte) {
		if strings.HasSuffix(name, "_test.go") {
			return // tests may import what they like
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, data, parser.ImportsOnly)
		if err != nil {
			t.Error(err)
			return
		}
		dir := path.Dir(name)
		rule := ruleOf(dir)
		for _, spec := range f.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Error(err)
			}
			if !rule.allows(dir, imported) {
				t.Errorf("%s imports %s: %s", name, imported, rule.reason)
			}
			if imported == module+"/filestore" && !mayUseStore(dir) {
				t.Errorf("%s imports %s: only tracking, the command, the interop tests and examples choose a store; everything else takes a mlruns.Store", name, imported)
			}
		}
	})
}

// listeners are the folders that may open a connection: those that answer requests or send them to
// the server that a user names, and what a user starts.
var listeners = []string{"server", "remote", "cmd"}

// TestReachesNothing checks that what reads a store opens no connection, that nothing starts a
// program and that no object is built from bytes: a store is text and files.
func TestReachesNothing(t *testing.T) {
	goFiles(t, func(name string, data []byte) {
		if strings.HasSuffix(name, "_test.go") || below(name, "interop") || below(name, "filestore/internal/filestoretest") {
			return
		}
		forbidden := []string{"os/exec", "plugin", "encoding/gob", "golang.org/x/net"}
		if !slices.ContainsFunc(listeners, func(dir string) bool { return below(name, dir) }) {
			forbidden = append(forbidden, "net")
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, data, parser.ImportsOnly)
		if err != nil {
			t.Error(err)
			return
		}
		for _, spec := range f.Imports {
			for _, dir := range forbidden {
				if imported, err := strconv.Unquote(spec.Path.Value); err != nil || below(imported, dir) {
					t.Errorf("%s imports %s: nothing that a store says may be fetched, run or rebuilt", name, spec.Path.Value)
				}
			}
		}
	})
}

// TestServerAsksNobody checks that the server only answers: no address that a request or a store
// names is contacted.
func TestServerAsksNobody(t *testing.T) {
	goFiles(t, func(name string, data []byte) {
		if !below(name, "server") || strings.HasSuffix(name, "_test.go") {
			return
		}
		for _, asking := range []string{"http.Get", "http.Post", "http.Head(", "http.Client", "http.DefaultClient", "http.Transport", "http.DefaultTransport", "http.Redirect", "net.Dial", "Dialer", "httputil"} {
			if bytes.Contains(data, []byte(asking)) {
				t.Errorf("%s uses %s: the server asks nobody", name, asking)
			}
		}
	})
}

func mayUseStore(dir string) bool {
	for _, user := range storeUsers {
		if below(dir, user) {
			return true
		}
	}
	return false
}

// TestImportRules checks that the rules can fail.
func TestImportRules(t *testing.T) {
	for _, c := range []struct {
		dir, imported string
		want          bool
	}{
		{".", "fmt", true}, {".", "net/http", true}, {".", module + "/search", false}, {".", "github.com/spf13/afero", false},
		{"search", module, false}, {"search", module + "/internal/pyfmt", false}, {"filestore/layout", module + "/filestore", false}, {"filestore/layout", "strings", true},
		{"filestore/internal/dir", module + "/filestore/layout", true}, {"filestore/internal/dir", module + "/filestore/internal/codec", true}, {"filestore/internal/dir", module + "/filestore", false},
		{"filestore/internal/records", module + "/filestore/internal/dir", true}, {"filestore/internal/dir", module + "/filestore/internal/records", false},
		{"filestore/internal/locate", module + "/filestore/internal/records", true}, {"filestore/internal/maintenance", module + "/filestore/internal/lifecycle", true},
		{"filestore/internal/batch", module + "/filestore/internal/locate", true}, {"filestore/internal/batch", module + "/filestore/internal/lifecycle", false},
		{"filestore/internal/lifecycle", module + "/filestore/internal/maintenance", false}, {"filestore/internal/maintenance", module + "/filestore", false}, {"filestore/internal/query", module + "/filestore/internal/lifecycle", false}, {"filestore/internal/fsck", module + "/filestore/internal/maintenance", false},
		{"filestore/internal/records", module + "/filestore/internal/locate", false},
		{"filestore", module, true}, {"filestore", module + "/filestore/layout", true}, {"filestore", module + "/internal/rootfs", true}, {"filestore", "github.com/spf13/cobra", false},
		{"artifacts", module + "/internal/atomicfile", true}, {"artifacts", module + "/internal/dirlock", false}, {"artifacts", module + "/filestore", false},
		{"internal/pyfmt", module + "/internal/rootfs", false}, {"internal/rootfs", module, false}, {"internal/memfs", module + "/internal/rootfs", true},
		{"server", module, true}, {"server", module + "/filestore", false}, {"server", module + "/internal/rootfs", false}, {"server", module + "/internal/wire", true}, {"filestore", module + "/server", false}, {"filestore", module + "/remote", false},
		{"remote", module + "/internal/wire", true}, {"remote", module + "/filestore", false}, {"remote", module + "/artifacts", false}, {"remote", module + "/server", false},
		{"internal/storetest", module, true}, {"internal/storetest", module + "/filestore", false}, {"cmd/mlruns", module + "/filestore", true},
	} {
		if got := ruleOf(c.dir).allows(c.dir, c.imported); got != c.want {
			t.Errorf("%s imports %s: allowed %v, want %v", c.dir, c.imported, got, c.want)
		}
	}
	if mayUseStore("artifacts") || mayUseStore(".") || !mayUseStore("cmd/mlruns") {
		t.Error("who may use filestore is wrong")
	}
}

func TestFileSizes(t *testing.T) {
	const limit = 500
	goFiles(t, func(name string, data []byte) {
		f, err := parser.ParseFile(token.NewFileSet(), name, data, parser.ParseComments|parser.PackageClauseOnly)
		if err != nil {
			t.Error(err)
			return
		}
		if lines := bytes.Count(data, []byte("\n")); lines > limit && !ast.IsGenerated(f) {
			t.Errorf("%s has %d lines, more than %d: it holds more than one noun or verb", name, lines, limit)
		}
	})
}

// TestCommentWidth holds comments to a width that can be read beside other windows. A tab is four
// columns.
func TestCommentWidth(t *testing.T) {
	const limit = 100
	goFiles(t, func(name string, data []byte) {
		n, output := 0, false
		for line := range strings.Lines(string(data)) {
			n++
			text := strings.TrimSpace(line)
			output = text == "// Output:" || output && strings.HasPrefix(text, "//")
			preformatted := output || strings.HasPrefix(text, "//\t")
			width := utf8.RuneCountInString(strings.TrimRight(line, "\n")) + 3*strings.Count(line, "\t")
			if strings.HasPrefix(text, "//") && !preformatted && width > limit {
				t.Errorf("%s:%d: the comment has %d columns, more than %d", name, n, width, limit)
			}
		}
	})
}
