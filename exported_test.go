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
	want := []string{"CodeOf", "CurrentUser", "MessageOf", "NewClient", "ParseModelStatus", "ParseStatus", "WithRegistry", "WithRegistryURI"}
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

// TestExportedHasComments holds what a user of the library sees to a comment: every type, function
// and method, constants and variables by themselves or as a group, and every method of an
// interface.
func TestExportedHasComments(t *testing.T) {
	for _, dir := range []string{".", "filestore", "filestore/layout", "artifacts", "search", "remote", "tracking"} {
		names, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil || len(names) == 0 {
			t.Fatal(dir, err)
		}
		for _, name := range names {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			for _, what := range uncommented(f) {
				t.Errorf("%s: %s has no comment", name, what)
			}
		}
	}
}

func uncommented(f *ast.File) (names []string) {
	check := func(name *ast.Ident, comments ...*ast.CommentGroup) {
		if name.IsExported() && !slices.ContainsFunc(comments, func(c *ast.CommentGroup) bool { return c != nil }) {
			names = append(names, name.Name)
		}
	}
	for _, d := range f.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Recv == nil || exportedReceiver(d.Recv) {
				check(d.Name, d.Doc)
			}
		case *ast.GenDecl:
			for _, s := range d.Specs {
				switch s := s.(type) {
				case *ast.TypeSpec:
					check(s.Name, d.Doc, s.Doc)
					if i, ok := s.Type.(*ast.InterfaceType); ok && s.Name.IsExported() {
						for _, m := range i.Methods.List {
							for _, name := range m.Names {
								check(name, m.Doc)
							}
						}
					}
				case *ast.ValueSpec:
					for _, name := range s.Names {
						check(name, d.Doc, s.Doc, s.Comment)
					}
				}
			}
		}
	}
	return names
}

func exportedReceiver(recv *ast.FieldList) bool {
	t := recv.List[0].Type
	if star, ok := t.(*ast.StarExpr); ok {
		t = star.X
	}
	name, ok := t.(*ast.Ident)
	return ok && name.IsExported()
}

// TestPackagesHaveComments holds every package to a comment that says what it is for.
func TestPackagesHaveComments(t *testing.T) {
	commented := map[string]bool{}
	goFiles(t, func(name string, data []byte) {
		if strings.HasSuffix(name, "_test.go") {
			return
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, data, parser.ParseComments|parser.PackageClauseOnly)
		if err != nil {
			t.Error(err)
			return
		}
		dir := filepath.Dir(name)
		commented[dir] = commented[dir] || f.Doc != nil
	})
	for dir, is := range commented {
		if !is {
			t.Errorf("no file of %s says what the package is for", dir)
		}
	}
}
