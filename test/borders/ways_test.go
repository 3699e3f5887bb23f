package borders

import (
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
)

const mapOfTheCode = "docs/ARCHITECTURE.md"

var (
	// A step is a row of a table in which a request meets a file.
	step   = regexp.MustCompile("^\\| `([\\w/]+\\.(?:go|c))` \\| (.+?) \\| .+ \\|$")
	quoted = regexp.MustCompile("`([^`]+)`")
	named  = regexp.MustCompile("`([\\w/]+\\.(?:go|c|h))`")
)

// requestWays are the headings of the ways.
var requestWays = []string{"php -r, php script.php", "A CGI request", "A FastCGI request of php-fpm", "An HTTP request, by the front", "An HTTP request that a worker accepts (http.direct)"}

// ways checks that docs/ARCHITECTURE.md has a table for each way of a request, and that the functions and the files that the page names
// are there.
func ways(root fs.FS) (wrong []string, err error) {
	text, err := fs.ReadFile(root, mapOfTheCode)
	if err != nil {
		return nil, err
	}
	known := map[string]bool{} // by path, and by name alone
	err = walk(root, func(name string) error {
		known[name], known[path.Base(name)] = true, true
		return nil
	})
	if err != nil {
		return nil, err
	}
	found := map[string]int{} // steps by heading
	var heading string
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSuffix(line, "\n")
		if title, ok := strings.CutPrefix(line, "### "); ok {
			heading = title
			found[heading] = 0
		}
		for _, match := range named.FindAllStringSubmatch(line, -1) {
			if !known[match[1]] {
				wrong = append(wrong, fmt.Sprintf("%s: there is no %s", mapOfTheCode, match[1]))
			}
		}
		match := step.FindStringSubmatch(line)
		if match == nil || !known[match[1]] {
			continue
		}
		found[heading]++
		code, err := fs.ReadFile(root, match[1])
		if err != nil {
			return wrong, err
		}
		for _, function := range quoted.FindAllStringSubmatch(match[2], -1) {
			if !defines(match[1], string(code), function[1]) {
				wrong = append(wrong, fmt.Sprintf("%s: %s does not define %s", mapOfTheCode, match[1], function[1]))
			}
		}
	}
	for _, heading := range requestWays {
		if found[heading] < 2 {
			wrong = append(wrong, fmt.Sprintf("%s: there is no table under %q", mapOfTheCode, heading))
		}
	}
	return wrong, nil
}

// defines reports whether the code of a file defines a function.
func defines(file, code, function string) bool {
	pattern := `(?m)^func (?:\([^)]*\) )?` + function + `\b`
	if path.Ext(file) == ".c" {
		pattern = `(?m)^[a-z_][^;{}]*\b` + function + `\([^;{}]*\)\n\{`
	}
	return regexp.MustCompile(pattern).MatchString(code)
}

func TestWays(t *testing.T) { report(t, ways) }

func TestBrokenWays(t *testing.T) {
	const row = "| `sapi/a.go` | `Read`, `write` | what happens |\n| `lifecycle/b.c` | `start` | what happens |\n\nSee `b.c`.\n\n"
	var page string
	for _, heading := range requestWays {
		page += "### " + heading + "\n\n" + row
	}
	const (
		goCode = "package sapi\n\nfunc (a *A) Read() {}\n\nfunc write() {}\n"
		cCode  = "int start(int a,\n\tint b)\n{\n\treturn stop(a);\n}\n"
	)
	for _, test := range []struct{ name, page, goCode, cCode, want string }{
		{"all is there", page, goCode, cCode, ""},
		{"a method is gone", page, strings.ReplaceAll(goCode, "Read", "ReadAll"), cCode, "sapi/a.go does not define Read"},
		{"a function of C is gone", page, goCode, strings.ReplaceAll(cCode, "start", "begin"), "lifecycle/b.c does not define start"},
		{"a function of C is only called", strings.ReplaceAll(page, "`start`", "`stop`"), goCode, cCode, "lifecycle/b.c does not define stop"},
		{"a file is gone", page + "See `sapi/c.go`.\n", goCode, cCode, "there is no sapi/c.go"},
		{"a way is gone", strings.Replace(page, "### A CGI request", "### Other", 1), goCode, cCode, `there is no table under "A CGI request"`},
	} {
		wrong, err := ways(fstest.MapFS{mapOfTheCode: {Data: []byte(test.page)}, "sapi/a.go": {Data: []byte(test.goCode)}, "lifecycle/b.c": {Data: []byte(test.cCode)}})
		if err != nil {
			t.Fatal(err)
		}
		if said := strings.Join(wrong, "\n"); !strings.Contains(said, test.want) || (test.want == "") != (wrong == nil) {
			t.Errorf("%s: the lint said %q, want %q", test.name, said, test.want)
		}
	}
}
