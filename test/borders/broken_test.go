package borders

import (
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// Each case is a tree with one thing wrong, and what the lint says of it; or with nothing wrong.
func TestBrokenTrees(t *testing.T) {
	const ours = module + "/"
	imp := func(paths ...string) string {
		return "package p\nimport (\n\"" + strings.Join(paths, "\"\n\"") + "\"\n)\n"
	}
	for _, test := range []struct {
		name  string
		check func(fs.FS) ([]string, error)
		file  string
		text  string
		want  string // "" for nothing wrong
	}{
		{"main may import cmd", imports, "main.go", imp("os", ours+"cmd"), ""},
		{"main imports cli", imports, "main.go", imp(ours + "cli"), "main.go: . must not import " + ours + "cli"},
		{"cmd may import all", imports, "cmd/root.go", imp(ours+"fpm/worker", ours+"cgi", "github.com/spf13/cobra"), ""},
		{"nothing imports test", imports, "cmd/root.go", imp(ours + "test/bench"), "cmd/root.go: cmd must not import " + ours + "test/bench"},
		{"sapi imports lifecycle", imports, "sapi/ini.go", imp(ours + "lifecycle"), "sapi/ini.go: sapi must not import " + ours + "lifecycle"},
		{"sapi imports from outside", imports, "sapi/ini.go", imp("golang.org/x/sys/unix"), "sapi/ini.go: sapi must not import golang.org/x/sys/unix"},
		{"lifecycle imports cli", imports, "lifecycle/cli.go", imp(ours + "cli"), "lifecycle/cli.go: lifecycle must not import " + ours + "cli"},
		{"cli may import sapi and lifecycle", imports, "cli/run.go", imp(ours+"sapi", ours+"lifecycle", ours+"cli/server"), ""},
		{"cli imports fpm", imports, "cli/run.go", imp(ours + "fpm/zlog"), "cli/run.go: cli must not import " + ours + "fpm/zlog"},
		{"cobra outside of cmd", imports, "cli/run.go", imp("github.com/spf13/cobra"), "cli/run.go: cli must not import github.com/spf13/cobra"},
		{"cli may import x/sys", imports, "cli/run.go", imp("golang.org/x/sys/unix"), ""},
		{"the codec imports sapi", imports, "cgi/fastcgi/conn.go", imp(ours + "sapi"), "cgi/fastcgi/conn.go: cgi/fastcgi must not import " + ours + "sapi"},
		{"the codec imports from outside", imports, "cgi/fastcgi/conn.go", imp("golang.org/x/sys/unix"), "cgi/fastcgi/conn.go: cgi/fastcgi must not import golang.org/x/sys/unix"},
		{"the master imports lifecycle", imports, "fpm/master/loop.go", imp(ours + "lifecycle"), "fpm/master/loop.go: fpm/master must not import " + ours + "lifecycle"},
		{"the master imports cgi", imports, "fpm/master/loop.go", imp(ours + "cgi"), "fpm/master/loop.go: fpm/master must not import " + ours + "cgi"},
		{"the master may import the codec", imports, "fpm/master/loop.go", imp(ours+"cgi/fastcgi", ours+"lifecycle/zygote", ours+"fpm/conf"), ""},
		{"the zygote's parent imports lifecycle", imports, "lifecycle/zygote/zygote.go", imp(ours + "lifecycle"), "lifecycle/zygote/zygote.go: lifecycle/zygote must not import " + ours + "lifecycle"},
		{"the master imports the worker", imports, "fpm/master/loop.go", imp(ours + "fpm/worker"), "fpm/master/loop.go: fpm/master must not import " + ours + "fpm/worker"},
		{"the worker may import lifecycle", imports, "fpm/worker/serve.go", imp(ours+"lifecycle", ours+"fpm/zlog"), ""},
		{"behind a build constraint", imports, "sapi/ini.go", "//go:build never\n\n" + imp(ours+"cli"), "sapi/ini.go: sapi must not import " + ours + "cli"},
		{"tests may import", imports, "sapi/ini_test.go", imp(ours + "cli"), ""},
		{"no border", imports, "other/x.go", imp("os"), "other/x.go: no border is drawn around other"},

		{"C in lifecycle", cWhereItBelongs, "lifecycle/zygote/fork.c", "", ""},
		{"C in the module of httpd", cWhereItBelongs, "sapi/apache/pool.c", "", ""},
		{"cgo in the module of httpd", cWhereItBelongs, "sapi/apache/pool.go", imp("C"), `sapi/apache/pool.go: import "C" belongs into lifecycle`},
		{"C elsewhere", cWhereItBelongs, "fpm/fork.c", "", "fpm/fork.c: C belongs into lifecycle"},
		{"a header elsewhere", cWhereItBelongs, "test/x.h", "", "test/x.h: C belongs into lifecycle"},
		{"cgo elsewhere", cWhereItBelongs, "cli/run.go", imp("C"), `cli/run.go: import "C" belongs into lifecycle`},

		{"500 lines", length, "cli/run.go", strings.Repeat("\n", 500), ""},
		{"501 lines", length, "cli/run.go", strings.Repeat("\n", 501), "cli/run.go: 501 lines are more than 500"},
		{"501 lines of C", length, "lifecycle/a.c", strings.Repeat("\n", 501), "lifecycle/a.c: 501 lines are more than 500"},
		{"501 lines of tests", length, "cli/run_test.go", strings.Repeat("\n", 501), ""},

		{"package util", names, "fpm/util/x.go", "", `fpm/util/x.go: "util" says nothing`},
		{"file helpers.go", names, "fpm/helpers.go", "", `fpm/helpers.go: "helpers" says nothing`},
		{"a name with common in it", names, "cli/commonlog.go", "", ""},

		{"an unknown directory", entries, "scripts/x", "", "scripts: does not belong into the top directory"},
		{"a dot file", entries, ".editorconfig", "", ""},
		{"what make leaves", entries, "build/x", "", ""},

		{"a field by its macro", fields, "lifecycle/a.c", "EG(exit_status) = 1; sapi_module_struct *m;", ""},
		{"a field directly", fields, "lifecycle/a.c", "executor_globals.exit_status = 1;", "lifecycle/a.c: executor_globals is used without its macro in lifecycle/engine/fields.h"},
		{"a callback directly", fields, "lifecycle/a.c", "sapi_module.flush(NULL);", "lifecycle/a.c: sapi_module is used without its macro in lifecycle/engine/fields.h"},

		{"a file in a room", inRooms, "lifecycle/boot_x.c", "", ""},
		{"a file in no room", inRooms, "lifecycle/x.c", "", "lifecycle/x.c: is in none of the rooms of lifecycle: boot, cgi, engine, handover, httpd, start"},
		{"httpd's header in its module", includes, "sapi/apache/module.c", "#include <httpd.h>", ""},
		{"httpd's header in the engine", includes, "lifecycle/engine/web.c", "#include <httpd.h>", "lifecycle/engine/web.c: must not include httpd.h"},
		{"httpd's header in the program", includes, "lifecycle/boot.c", "#include <apr_pools.h>", "lifecycle/boot.c: must not include apr_pools.h"},
		{"the contract in httpd's module", includes, "sapi/apache/apache.h", `#include "engine.h"`, ""},
		{"the loader in httpd's module", includes, "sapi/apache/process.c", `#include "engine_load.h"`, ""},
		{"PHP's header in httpd's module", includes, "sapi/apache/process.c", `#include "main/php.h"`, "sapi/apache/process.c: must not include main/php.h"},
		{"PHP's header in the engine", includes, "lifecycle/engine/php.h", `#include "main/php.h"`, ""},
		{"PHP's header in the program", includes, "lifecycle/boot.c", `#include "main/php.h"`, "lifecycle/boot.c: must not include main/php.h"},
		{"the program's header in the engine", includes, "lifecycle/engine/web.c", `#include "boot.h"`, "lifecycle/engine/web.c: must not include boot.h"},
		{"the contract in the engine", includes, "lifecycle/engine/web.c", `#include "engine.h"`, ""},
		{"the engine's header in the program", includes, "lifecycle/boot.c", `#include "engine/php.h"`, "lifecycle/boot.c: must not include engine/php.h"},
	} {
		t.Run(test.name, func(t *testing.T) {
			wrong, err := test.check(fstest.MapFS{test.file: {Data: []byte(test.text)}})
			if err != nil {
				t.Fatal(err)
			}
			var want []string
			if test.want != "" {
				want = []string{test.want}
			}
			if !slices.Equal(wrong, want) {
				t.Errorf("the lint said %q, want %q", wrong, want)
			}
		})
	}
}

func TestCircleOfFiles(t *testing.T) {
	tree := fstest.MapFS{
		"lifecycle/boot_a.c": {Data: []byte("/* cc */\nint aa(void)\n{\n\treturn bb;\n}\n")},
		"lifecycle/boot_b.c": {Data: []byte("int bb;\n\nstatic int aa(void)\n{\n\treturn cc(\"aa\");\n}\n")},
		"lifecycle/boot_c.c": {Data: []byte("int cc(const char *text)\n{\n\treturn 0;\n}\n")},
	}
	if wrong, err := circles(tree); err != nil || wrong != nil {
		t.Fatalf("without a circle the lint said %q, %v", wrong, err)
	}
	tree["lifecycle/boot_c.c"].Data = []byte("int cc(const char *text)\n{\n\treturn aa();\n}\n")
	want := []string{"a circle: lifecycle/boot_a.c -> lifecycle/boot_b.c -> lifecycle/boot_c.c -> lifecycle/boot_a.c"}
	if wrong, err := circles(tree); err != nil || !slices.Equal(wrong, want) {
		t.Errorf("the lint said %q, %v, want %q", wrong, err, want)
	}
}
