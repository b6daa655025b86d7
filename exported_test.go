package mlruns_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestExportedFunctions holds the functions that a user finds beside the types to a list: checks,
// reasons and texts that only authors of stores need belong to internal/validate and
// internal/failure.
func TestExportedFunctions(t *testing.T) {
	want := []string{"CodeOf", "CurrentUser", "MessageOf", "NewClient", "ParseStatus", "WithRegistry", "WithRegistryURI"}
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if ok && fn.Name.IsExported() && (fn.Recv == nil || strings.HasPrefix(fn.Name.Name, "Validate")) {
				got = append(got, fn.Name.Name)
			}
		}
	}
	if slices.Sort(got); !slices.Equal(got, want) {
		t.Errorf("the root package has the functions\n\t%q, want\n\t%q", got, want)
	}
}
