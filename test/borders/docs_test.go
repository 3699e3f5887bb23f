package borders

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// packageDocs checks that each package has a comment that begins with what it is: "Package x ..." or "Command x ...".
func packageDocs(root fs.FS) (wrong []string, err error) {
	has := map[string]bool{} // by directory
	err = walk(root, func(name string) error {
		if path.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") || strings.Contains(name, "/testdata/") {
			return nil
		}
		text, err := fs.ReadFile(root, name)
		if err != nil {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, text, parser.PackageClauseOnly|parser.ParseComments)
		if err != nil {
			return err
		}
		begins := "Package " + file.Name.Name + " "
		if file.Name.Name == "main" {
			begins = "Command "
		}
		dir := path.Dir(name)
		has[dir] = has[dir] || strings.HasPrefix(file.Doc.Text(), begins)
		return nil
	})
	for dir, ok := range has {
		if !ok {
			wrong = append(wrong, fmt.Sprintf("%s: no comment begins with \"Package ...\", or \"Command ...\" for a program", dir))
		}
	}
	slices.Sort(wrong)
	return wrong, err
}

func TestPackageDocs(t *testing.T) { report(t, packageDocs) }

func TestBrokenPackageDocs(t *testing.T) {
	for text, right := range map[string]bool{
		"// Package a does.\npackage a\n": true, "package a\n": false, "// Does.\npackage a\n": false, "// Package b does.\npackage a\n": false,
		"// Command a does.\npackage main\n": true, "// Package main does.\npackage main\n": false, "// Package a does.\n\npackage a\n": false,
	} {
		wrong, err := packageDocs(fstest.MapFS{"a/a.go": {Data: []byte(text)}, "a/b_test.go": {Data: []byte("package a\n")}})
		if err != nil || (wrong == nil) != right {
			t.Errorf("of %q the lint said %q, %v", text, wrong, err)
		}
	}
}
