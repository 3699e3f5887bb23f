// Package borders is the lint of the source tree: which package may import which, where C may stand, how long a file
// may be, and in which voice comments, messages and documents are written. docs/ARCHITECTURE.md and docs/STYLE.md say why;
// broken_test.go and voice_broken_test.go break each rule and see that it is noticed.
package borders

import (
	"bytes"
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/phpsapi/phpsapi"

// A border says what the packages below a directory may import. The most specific border of a package rules.
type border struct {
	dir  string
	ours []string // directories of this module, with all below; its own is understood
	// outside says what may come from neither this module nor the standard library.
	outside outside
}

type outside int

const (
	library  outside = iota // what does not concern command lines
	nothing                 // the standard library alone
	anything                // cobra and viper too
)

var borders = []border{
	{".", []string{"cmd"}, nothing},
	{"cmd", []string{"sapi", "lifecycle", "fpm", "cgi", "cli"}, anything},
	{"sapi", nil, nothing},
	{"sapi/watch", nil, library},
	{"lifecycle", []string{"sapi"}, library},
	{"lifecycle/zygote", []string{"sapi"}, library},
	{"cli", []string{"sapi", "lifecycle"}, library},
	{"cli/server", []string{"sapi", "lifecycle/zygote"}, library},
	{"cli/server/worker", []string{"sapi", "lifecycle", "cli/server"}, library},
	{"cgi", []string{"sapi", "lifecycle"}, library},
	{"cgi/fastcgi", nil, nothing},
	{"cgi/server", []string{"sapi", "lifecycle/zygote"}, library},
	{"cgi/worker", []string{"sapi", "lifecycle", "cgi/fastcgi", "cgi/responder", "cgi/server"}, library},
	{"cgi/responder", []string{"sapi", "lifecycle", "cgi/fastcgi"}, library},
	{"cgi/handover", []string{"sapi", "lifecycle/zygote"}, library},
	{"fpm", []string{"sapi", "cgi/fastcgi", "lifecycle/zygote"}, library},
	{"fpm/announce", []string{"fpm/conf", "fpm/zlog", "sapi"}, library},
	{"fpm/companion", []string{"fpm/channel", "fpm/conf", "fpm/contract", "fpm/errorlog", "fpm/permission", "fpm/pm", "fpm/postmortem", "fpm/scoreboard",
		"fpm/settings", "fpm/zlog", "lifecycle/zygote", "sapi"}, library},
	{"fpm/control", []string{"fpm/incident", "sapi"}, library},
	{"fpm/handoff", []string{"fpm/channel", "fpm/conf", "fpm/contract", "fpm/incident", "fpm/listening"}, library},
	{"fpm/listening", []string{"fpm/conf", "fpm/permission", "fpm/settings", "fpm/zlog", "sapi"}, library},
	{"fpm/jsonline", nil, nothing},
	{"fpm/machine", nil, nothing},
	{"fpm/output", []string{"fpm/channel", "fpm/scoreboard", "fpm/zlog", "sapi"}, library},
	{"fpm/plan", []string{"fpm/companion", "fpm/conf", "fpm/contract", "fpm/control", "fpm/logfile", "fpm/phpini", "fpm/sandbox", "fpm/scoreboard",
		"fpm/settings", "fpm/zlog", "sapi"}, library},
	{"fpm/poll", nil, library},
	{"fpm/postmortem", []string{"fpm/zlog"}, library},
	{"fpm/profile", nil, nothing},
	{"fpm/settings", []string{"fpm", "sapi"}, anything},
	{"fpm/sidelog", []string{"fpm/control", "fpm/jsonline", "fpm/logfile", "fpm/zlog"}, library},
	{"fpm/startup", []string{"fpm/zlog", "lifecycle/zygote", "sapi"}, library},
	{"fpm/tracecontext", nil, nothing},
	{"fpm/worker", []string{"sapi", "lifecycle", "cgi/fastcgi", "cgi/responder", "fpm"}, library},
	{"packaging", []string{"sapi"}, library},
	{"packaging/deb", nil, nothing},
	{"packaging/licenses", nil, nothing},
}

// pureGo are the directories whose packages must build without cgo, but for workers: what php-fpm's master and front
// are made of, the parent of php's development server, and the resident of CGI's zygotes.
var pureGo = []string{"sapi", "cgi/fastcgi", "lifecycle/zygote", "fpm", "cli/server", "cgi/server", "cgi/handover"}

var workers = []string{"fpm/worker", "cli/server/worker"}

var topLevel = []string{
	"main.go", "cmd", "sapi", "lifecycle", "fpm", "cgi", "cli", "go.mod", "go.sum",
	"Makefile", "README.md", "LICENSE", "CHANGELOG.md", "docs", "test", "packaging",
}

// made are what the targets of make leave in a checkout.
var made = []string{"build", "phpsapi"}

const longest = 500 // lines of a source file

func TestTree(t *testing.T) {
	for name, check := range map[string]func(fs.FS) ([]string, error){
		"imports":   imports,
		"c":         cWhereItBelongs,
		"length":    length,
		"names":     names,
		"top level": entries,
		"fields":    fields,
	} {
		t.Run(name, func(t *testing.T) { report(t, check) })
	}
}

func report(t *testing.T, check func(fs.FS) ([]string, error)) {
	wrong, err := check(os.DirFS("../.."))
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range wrong {
		t.Error(w)
	}
}

func TestMasterBuildsWithoutCgo(t *testing.T) {
	var packages []string
	for dir := range sources(t, os.DirFS("../..")) {
		if isPureGo(dir) {
			packages = append(packages, "./"+dir)
		}
	}
	if len(packages) == 0 {
		t.Fatal("no packages found")
	}
	build := exec.Command("go", append([]string{"build"}, packages...)...)
	build.Dir = "../.."
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if said, err := build.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, said)
	}
}

// The Makefile names the pure Go packages for the race detector.
func TestRaceDetectorKnowsThePureGoPackages(t *testing.T) {
	text, err := os.ReadFile("../../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	_, list, _ := strings.Cut(string(text), "\nPURE_GO = go list ")
	list, _, _ = strings.Cut(list, "\n\n")
	var want []string
	for _, dir := range pureGo {
		want = append(want, "./"+dir+"/...")
	}
	want = append(want, "|", "\\", "grep", "-v")
	for _, dir := range workers {
		want = append(want, "-e", "/"+dir)
	}
	if got := strings.Fields(list); !slices.Equal(got, want) {
		t.Errorf("PURE_GO lists %q, want %q", got, want)
	}
}

func isPureGo(dir string) bool {
	return slices.ContainsFunc(pureGo, func(p string) bool { return within(dir, p) }) && !isWorker(dir)
}

func isWorker(dir string) bool {
	return slices.ContainsFunc(workers, func(w string) bool { return within(dir, w) })
}

// sources are the directories that hold Go code other than tests.
func sources(t *testing.T, root fs.FS) map[string]bool {
	dirs := map[string]bool{}
	err := walk(root, func(name string) error {
		if path.Ext(name) == ".go" && !strings.HasSuffix(name, "_test.go") {
			dirs[path.Dir(name)] = true
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return dirs
}

// walk calls visit with every file that is the project's own.
func walk(root fs.FS, visit func(name string) error) error {
	return fs.WalkDir(root, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if name != "." && (slices.Contains(made, name) || strings.HasPrefix(entry.Name(), ".")) {
			if entry.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		if entry.IsDir() {
			return nil
		}
		return visit(name)
	})
}

// within reports whether dir is parent or below it.
func within(dir, parent string) bool {
	return dir == parent || strings.HasPrefix(dir, parent+"/")
}

// imports checks the borders of the packages, tests apart. The programs below test may import what they like, and
// nothing may import them.
func imports(root fs.FS) (wrong []string, err error) {
	err = walk(root, func(name string) error {
		dir := path.Dir(name)
		if path.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") || within(dir, "test") {
			return nil
		}
		found, err := importsOf(root, name)
		if err != nil {
			return err
		}
		b, ok := borderOf(dir)
		if !ok {
			wrong = append(wrong, fmt.Sprintf("%s: no border is drawn around %s", name, dir))
			return nil
		}
		for _, imported := range found {
			if !b.allows(dir, imported) {
				wrong = append(wrong, fmt.Sprintf("%s: %s must not import %s", name, dir, imported))
			}
		}
		return nil
	})
	return wrong, err
}

// importsOf reads the import paths of a Go file, whatever its build constraints.
func importsOf(root fs.FS, name string) ([]string, error) {
	text, err := fs.ReadFile(root, name)
	if err != nil {
		return nil, err
	}
	file, err := parser.ParseFile(token.NewFileSet(), name, text, parser.ImportsOnly)
	if err != nil {
		return nil, err
	}
	var found []string
	for _, spec := range file.Imports {
		found = append(found, strings.Trim(spec.Path.Value, "`\""))
	}
	return found, nil
}

func borderOf(dir string) (found border, ok bool) {
	for _, b := range borders {
		if (dir == b.dir || b.dir != "." && within(dir, b.dir)) && len(b.dir) >= len(found.dir) {
			found, ok = b, true
		}
	}
	return found, ok
}

func (b border) allows(dir, imported string) bool {
	if own, ok := strings.CutPrefix(imported, module+"/"); ok {
		if isWorker(own) && dir != "cmd" && !isWorker(dir) {
			return false
		}
		if own == dir || b.dir != "." && within(own, b.dir) {
			return true
		}
		return slices.ContainsFunc(b.ours, func(o string) bool { return within(own, o) })
	}
	first, _, _ := strings.Cut(imported, "/")
	switch {
	case !strings.Contains(first, "."): // the standard library, or "C", which has a rule of its own
		return true
	case b.outside == library:
		return !strings.HasPrefix(imported, "github.com/spf13/")
	}
	return b.outside == anything
}

// cWhereItBelongs checks that C and headers stand below lifecycle and in the module of httpd, and cgo below lifecycle alone.
func cWhereItBelongs(root fs.FS) (wrong []string, err error) {
	err = walk(root, func(name string) error {
		if within(path.Dir(name), "lifecycle") {
			return nil
		}
		switch path.Ext(name) {
		case ".c", ".h", ".cc", ".cpp", ".s", ".S":
			if path.Dir(name) != "sapi/apache" {
				wrong = append(wrong, name+": C belongs into lifecycle")
			}
		case ".go":
			found, err := importsOf(root, name)
			if err != nil {
				return err
			}
			if slices.Contains(found, "C") {
				wrong = append(wrong, name+`: import "C" belongs into lifecycle`)
			}
		}
		return nil
	})
	return wrong, err
}

// length checks that no source file is too long, tests apart.
func length(root fs.FS) (wrong []string, err error) {
	err = walk(root, func(name string) error {
		switch path.Ext(name) {
		case ".go", ".c", ".h":
		default:
			return nil
		}
		if strings.HasSuffix(name, "_test.go") {
			return nil
		}
		text, err := fs.ReadFile(root, name)
		if lines := bytes.Count(text, []byte("\n")); lines > longest {
			wrong = append(wrong, fmt.Sprintf("%s: %d lines are more than %d", name, lines, longest))
		}
		return err
	})
	return wrong, err
}

var saysNothing = regexp.MustCompile(`^(utils?|helpers?|common|misc|manager2)$`)

// names checks that no package and no file has a name that says nothing.
func names(root fs.FS) (wrong []string, err error) {
	err = walk(root, func(name string) error {
		for part := range strings.SplitSeq(name, "/") {
			part, _, _ = strings.Cut(part, ".")
			if part = strings.TrimSuffix(part, "_test"); saysNothing.MatchString(part) {
				wrong = append(wrong, fmt.Sprintf("%s: %q says nothing", name, part))
			}
		}
		return nil
	})
	return wrong, err
}

// entries checks what stands in the top directory.
func entries(root fs.FS) (wrong []string, err error) {
	list, err := fs.ReadDir(root, ".")
	for _, entry := range list {
		name := entry.Name()
		if !strings.HasPrefix(name, ".") && !slices.Contains(topLevel, name) && !slices.Contains(made, name) {
			wrong = append(wrong, name+": does not belong into the top directory")
		}
	}
	return wrong, err
}

var sharedStructure = regexp.MustCompile(`\b(compiler|core|executor|file|sapi|zend_signal)_globals\b|\bsapi_module\b`)

// fields checks that C uses PHP's global structures through the macros of fields.h, which know how far each must reach.
func fields(root fs.FS) (wrong []string, err error) {
	err = walk(root, func(name string) error {
		switch name {
		case "lifecycle/engine/fields.h", "lifecycle/engine/php_engine.c":
			return nil
		}
		if ext := path.Ext(name); ext != ".c" && ext != ".h" {
			return nil
		}
		text, err := fs.ReadFile(root, name)
		if found := sharedStructure.Find(text); found != nil {
			wrong = append(wrong, fmt.Sprintf("%s: %s is used without its macro in lifecycle/engine/fields.h", name, found))
		}
		return err
	})
	return wrong, err
}
