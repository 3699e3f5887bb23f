// Package packaging_test tries what make and the scripts in packaging do, with a machine made for the test around them.
package packaging_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/phpsapi/phpsapi/test/serve"
)

// A module in place of phpsapi: its package lifecycle is made from a header of PHP's, and the program tells its version
// and a structure's size.
var small = map[string]string{
	"go.mod":  "module small\n\ngo 1.26\n",
	"main.go": "package main\n\nimport \"small/lifecycle\"\n\nfunc main() { println(lifecycle.Version(), lifecycle.Size()) }\n",
	"lifecycle/small.go": "package lifecycle\n\n// #include <main/php_version.h>\n// #include <Zend/zend_globals.h>\n// " +
		"static const char *version(void) { return PHP_VERSION; }\nimport \"C\"\n\n" +
		"func Version() string { return C.GoString(C.version()) }\n\nfunc Size() int { return C.sizeof_struct_globals }\n",
	"include/main/php.h":          "",
	"include/main/php_version.h":  "#define PHP_VERSION \"8.2.32\"\n",
	"include/Zend/zend_globals.h": "struct globals { int a; };\n",
}

// After an update of PHP's headers the program is made from the new ones. Go's build cache does not look at them.
func TestBuildFollowsTheHeaders(t *testing.T) {
	dir := serve.Files(t, small)
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"Makefile", "packaging"} {
		if err := os.Symlink(filepath.Join(root, name), filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	config := filepath.Join(dir, "php-config")
	write(t, config, fmt.Sprintf("#!/bin/sh\ncase $1 in\n--includes) echo -I%[1]s/include ;;\n--include-dir) echo %[1]s/include ;;\nesac\n", dir))
	if err := os.Chmod(config, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Parallel() // from now on programs are executed, which must not be open for writing
	// What installs packages is tested elsewhere.
	makeBuild := []string{"make", "-s", "--assume-old=deps-build", "build", "PHP_CONFIG=" + config}
	goBuild := []string{"go", "build", "-o", "phpsapi", "."}
	env := append(os.Environ(), "CGO_CFLAGS=-I"+dir+"/include")
	for _, step := range []struct {
		name         string
		header, text string
		build        []string
		want         string
	}{
		{"the first build", "include/main/php.h", "", makeBuild, "8.2.32 4\n"},
		{"a structure with one field more", "include/Zend/zend_globals.h", "struct globals { int a, b; };\n", makeBuild, "8.2.32 8\n"},
		{"another version", "include/main/php_version.h", "#define PHP_VERSION \"8.2.36\"\n", makeBuild, "8.2.36 8\n"},
		{"another version, without make", "include/main/php_version.h", "#define PHP_VERSION \"8.2.37\"\n", goBuild, "8.2.37 8\n"},
	} {
		write(t, filepath.Join(dir, step.header), step.text)
		build := exec.Command(step.build[0], step.build[1:]...)
		build.Dir, build.Env = dir, env
		if said, err := build.CombinedOutput(); err != nil {
			t.Fatalf("%s: %s: %v\n%s", step.name, strings.Join(step.build, " "), err, said)
		}
		got, err := exec.Command(filepath.Join(dir, "phpsapi")).CombinedOutput()
		if string(got) != step.want || err != nil {
			t.Errorf("%s: the program says %q (%v), want %q", step.name, got, err, step.want)
		}
	}
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
