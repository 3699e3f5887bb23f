// Package packaging_test tries what make and the scripts in packaging do, with a machine made for the test around them.
package packaging_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/phpsapi/phpsapi/test/files"
)

// A module in place of phpsapi: its engine is made from two of PHP's headers and calls a function of PHP's, and its program
// tells of each engine inside the version, a structure's size, and what the function returns.
var small = map[string]string{
	"go.mod":  "module small\n\ngo 1.26\n",
	"main.go": "package main\n\nimport \"small/lifecycle\"\n\nfunc main() { print(lifecycle.Engines()) }\n",
	"lifecycle/small.go": `package lifecycle

// #cgo CFLAGS: -D_GNU_SOURCE
// #include "small.h"
import "C"

func Engines() string { return C.GoString(C.engines()) }
`,
	"lifecycle/small.h": "const char *engines(void);\n",
	"lifecycle/small.c": `#include <stdio.h>
#include "engine.h"
#include "small.h"

extern const struct engine *const __start_phpsapi_engines[] __attribute__((weak, visibility("hidden")));
extern const struct engine *const __stop_phpsapi_engines[] __attribute__((weak, visibility("hidden")));

static int answer(void)
{
	return 42;
}

const char *engines(void)
{
	static char text[1024];
	const struct engine *const *e;
	size_t len = 0;

	for (e = __start_phpsapi_engines; e < __stop_phpsapi_engines; e++) {
		*(*e)->slots->address = answer;
		len += snprintf(text + len, sizeof(text) - len, "%s %d %s %d\n", (*e)->version, (*e)->size, (*e)->slots->name, (*e)->ask());
	}
	return text;
}
`,
	"lifecycle/engine.h": `#include <stddef.h>

struct engine_slot { const char *name; void **address; };
struct engine { const char *version; int size; int (*ask)(void); const struct engine_slot *slots; };
`,
	"lifecycle/engine_httpd.h": "/* the contract's other part */\n",
	"lifecycle/engine/php_engine.c": `#include "engine.h"
#include "main/php.h"
#include "main/php_version.h"
#include "Zend/zend_globals.h"

extern int php_answer(void);
extern const struct engine_slot engine_slots[] __attribute__((weak, visibility("hidden")));

static int ask(void)
{
	return php_answer();
}

__attribute__((visibility("default"))) const struct engine phpsapi_engine = {PHP_VERSION, sizeof(struct globals), ask, engine_slots};
__attribute__((used, section("phpsapi_engines"))) static const struct engine *const listed = &phpsapi_engine;
`,
}

// programs is a directory with links to all programs in PATH but PHP's own php-config.
func programs(t *testing.T) string {
	t.Helper()
	bin := t.TempDir()
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		entries, _ := os.ReadDir(dir)
		for _, entry := range entries {
			if !strings.HasPrefix(entry.Name(), "php") {
				os.Symlink(filepath.Join(dir, entry.Name()), filepath.Join(bin, entry.Name())) // the first of a name counts
			}
		}
	}
	return bin
}

// headers puts a PHP's headers into a directory, and its php-config into bin.
func headers(t *testing.T, bin, config, dir, version, globals string) {
	t.Helper()
	for _, name := range []string{"main", "Zend"} {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	files.Write(t, filepath.Join(dir, "main/php.h"), "")
	files.Write(t, filepath.Join(dir, "main/php_version.h"), fmt.Sprintf("#define PHP_VERSION %q\n", version))
	files.Write(t, filepath.Join(dir, "Zend/zend_globals.h"), "struct globals { int "+globals+"; };\n")
	files.Write(t, filepath.Join(bin, config), fmt.Sprintf("#!/bin/sh\ncase $1 in\n--include-dir) echo %s ;;\n--version) echo %s ;;\nesac\n", dir, version))
	if err := os.Chmod(filepath.Join(bin, config), 0o755); err != nil {
		t.Fatal(err)
	}
}

// The engines inside the program are those of the PHPs whose headers are installed, as they are at the time. Go's build cache
// does not look at headers, and need not: it sees the objects.
func TestEnginesFollowTheHeaders(t *testing.T) {
	dir, bin := files.Make(t, small), programs(t)
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"Makefile", "packaging"} {
		if err := os.Symlink(filepath.Join(root, name), filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	php := filepath.Join(dir, "include/8.2")
	for _, step := range []struct {
		name  string
		do    func()
		built string // the versions for which the build makes an engine again
		want  string // what the program says
	}{
		{"one PHP", func() { headers(t, bin, "php-config8.2", php, "8.2.32", "a") }, "8.2.32", "8.2.32 4 php_answer 42\n"},
		{"nothing is new", func() {}, "", "8.2.32 4 php_answer 42\n"},
		{"a structure with one field more", func() { headers(t, bin, "php-config8.2", php, "8.2.32", "a, b") }, "8.2.32", "8.2.32 8 php_answer 42\n"},
		{"a patch release", func() { headers(t, bin, "php-config8.2", php, "8.2.36", "a, b") }, "8.2.36", "8.2.36 8 php_answer 42\n"},
		{"a second PHP", func() { headers(t, bin, "php-config8.4", php+"/../8.4", "8.4.1", "a, b, c") }, "8.4.1",
			"8.2.36 8 php_answer 42\n8.4.1 12 php_answer 42\n"},
		{"a PHP that is unknown", func() { headers(t, bin, "php-config7.4", php+"/../7.4", "7.4.33", "a") }, "",
			"8.2.36 8 php_answer 42\n8.4.1 12 php_answer 42\n"},
		{"the sources are new", func() {
			files.Write(t, filepath.Join(dir, "lifecycle/engine/php_engine.c"), small["lifecycle/engine/php_engine.c"]+"\n/* more */\n")
		}, "8.2.36 8.4.1", "8.2.36 8 php_answer 42\n8.4.1 12 php_answer 42\n"},
		{"a PHP is gone", func() { os.Remove(filepath.Join(bin, "php-config8.2")) }, "", "8.4.1 12 php_answer 42\n"},
	} {
		step.do()
		build := exec.Command("make", "-s", "--assume-old=deps-build", "build", "PHP_CONFIG=")
		build.Dir, build.Env = dir, append(os.Environ(), "PATH="+bin)
		said, err := build.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", step.name, err, said)
		}
		var built []string
		for line := range strings.Lines(string(said)) {
			if version, found := strings.CutPrefix(line, "engine for PHP "); found {
				built = append(built, strings.Fields(version)[0])
			}
		}
		if strings.Join(built, " ") != step.built {
			t.Errorf("%s: engines were built for %q, want %q", step.name, built, step.built)
		}
		got, err := exec.Command(filepath.Join(dir, "phpsapi")).CombinedOutput()
		if string(got) != step.want || err != nil {
			t.Errorf("%s: the program says %q (%v), want %q", step.name, got, err, step.want)
		}
	}
}

// A php-config without headers was left out silently, and for one that is not there the engines were removed.
func TestPHPConfigThatHasNoHeaders(t *testing.T) {
	dir, bin := files.Make(t, small), programs(t)
	packaging, err := filepath.Abs("../../packaging")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(packaging, filepath.Join(dir, "packaging")); err != nil {
		t.Fatal(err)
	}
	headers(t, bin, "php-config8.2", filepath.Join(dir, "include/8.2"), "8.2.32", "a")
	own := filepath.Join(dir, "own-config")
	files.Write(t, own, "#!/bin/sh\necho /none\n")
	if err := os.Chmod(own, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ config, want string }{
		{"", ""},
		{own, "packaging/build-engine: PHP_CONFIG=" + own + " names the headers in /none, and main/php.h is not there\n"},
		{"/none/php-config", "packaging/build-engine: PHP_CONFIG=/none/php-config was not found\n"},
	} {
		build := exec.Command("packaging/build-engine")
		build.Dir, build.Env = dir, append(os.Environ(), "PATH="+bin, "PHP_CONFIG="+c.config)
		said, err := build.CombinedOutput()
		if (err == nil) != (c.want == "") || c.want != "" && string(said) != c.want {
			t.Errorf("PHP_CONFIG=%s: %v, %s", c.config, err, said)
		}
		if objects, _ := filepath.Glob(filepath.Join(dir, "lifecycle/*.syso")); len(objects) != 1 {
			t.Errorf("PHP_CONFIG=%s: the engines are %q", c.config, objects)
		}
	}
}

// The program can be built without PHP, and says what it lacks. An engine of another contract is refused.
func TestProgramWithoutItsEngine(t *testing.T) {
	const root = "../.."
	program := filepath.Join(t.TempDir(), "phpsapi")
	run := func(command ...string) string {
		t.Helper()
		c := exec.Command(command[0], command[1:]...)
		c.Dir = root
		said, err := c.CombinedOutput()
		if err != nil {
			t.Fatalf("%q: %v\n%s", command, err, said)
		}
		return string(said)
	}
	build := func(link string) string {
		t.Helper()
		run("go", "build", "-buildvcs=false", "-overlay", withoutEngines(t, root), "-ldflags", link, "-o", program, ".")
		return run(program, "version")
	}
	said := build("-s -w")
	for _, want := range []string{"\nbuilt with no PHP: make engines, and build it again\n", "\nruns no PHP: "} {
		if !strings.Contains(said, want) {
			t.Errorf("without an engine it says %q, want %q in it", said, want)
		}
	}
	objects, err := filepath.Abs(root + "/build/engines-of-tests") // kept: they are compiled again only if the engine's sources have changed
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(objects, 0o755); err != nil {
		t.Fatal(err)
	}
	run("env", "ENGINES="+objects, "ENGINE_CFLAGS=-O0 -DENGINE_CONTRACT=99", "packaging/build-engine")
	others, err := filepath.Glob(objects + "/*.syso")
	if err != nil || len(others) == 0 {
		t.Fatalf("packaging/build-engine made no object in %s: %v", objects, err)
	}
	said = build("-s -w -linkmode external '-extldflags=" + strings.Join(others, " ") + "'")
	for _, want := range []string{" has version 99 of the contract between engine and program,", " (build phpsapi again, make build)\n"} {
		if !strings.Contains(said, want) {
			t.Errorf("with an engine of another contract it says %q, want %q in it", said, want)
		}
	}
}

// withoutEngines returns a file for go build -overlay, by which the engines of a tree are not there.
func withoutEngines(t *testing.T, root string) string {
	t.Helper()
	dir, err := filepath.Abs(filepath.Join(root, "lifecycle"))
	if err != nil {
		t.Fatal(err)
	}
	engines, err := filepath.Glob(dir + "/*.syso")
	if err != nil || len(engines) == 0 {
		t.Fatalf("%s has no engine (make engines): %v", dir, err)
	}
	var overlay struct{ Replace map[string]string }
	overlay.Replace = map[string]string{}
	for _, engine := range engines {
		overlay.Replace[engine] = ""
	}
	text, err := json.Marshal(overlay)
	if err != nil {
		t.Fatal(err)
	}
	return files.Write(t, filepath.Join(t.TempDir(), "overlay.json"), string(text))
}
