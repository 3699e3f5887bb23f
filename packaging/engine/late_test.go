package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// The sources of a library and of a program that calls it late: by arguments in all kinds of registers, and as soon as it is open no more
// by what answers ahead. With an argument the program lives on after a call that cannot be made, as PHP does after a fatal error.
var calledSources = map[string]string{
	"library.c": `#include <stdarg.h>
		int variable = 3;
		double weigh(int a, double b, long c, long d, long e, long f, long g, double h) { return a + b + c + d + e + f + g + h; }
		int sum(int n, ...) { va_list l; va_start(l, n); int all = 0; while (n--) all += (int)va_arg(l, double); va_end(l); return all; }
		int answer(void) { return variable + 4; }`,
	"main.c": `#include <setjmp.h>
		#include <stdio.h>
		#include "php_late.h"
		double weigh(int a, double b, long c, long d, long e, long f, long g, double h); int sum(int n, ...); int answer(void);
		extern int *variable_of_library __asm__("variable");
		int ahead_variable = 1;
		int ahead_answer(void) { return 42; }
		const char *ahead_arrived_library_so(void) { printf("open: %d\n", answer()); return 0; }
		static jmp_buf again;
		static void fail(const char *reason) { printf("missing: %s\n", reason); longjmp(again, 1); }
		static double try(void) { return setjmp(again) ? -1 : weigh(1, 2, 3, 4, 5, 6, 7, 8.5); }
		int main(int argc, char **argv)
		{
			if (argc > 1) {
				late_when_missing(fail);
				printf("first: %g\n", try());
				if (rename(argv[1], argv[2])) return 1;
				printf("second: %g\n", try());
				return 0;
			}
			printf("before: %d %d\n", answer(), *variable_of_library);
			printf("%g %d\n", weigh(1, 2, 3, 4, 5, 6, 7, 8.5), sum(3, 1.0, 2.0, 3.0));
			printf("after: %d %d\n", answer(), *variable_of_library);
			return 0;
		}`,
}

func TestALibraryIsOpenedWhenItIsCalled(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		t.Skip("amd64 only")
	}
	dir, engine := t.TempDir(), filepath.Join("..", "..", "lifecycle", "engine")
	engine, err := filepath.Abs(engine)
	if err != nil {
		t.Fatal(err)
	}
	run := func(name string, args ...string) string { t.Helper(); return runIn(t, dir, name, args...) }
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range calledSources {
		write(name, text)
	}
	library := filepath.Join(dir, "library.so")
	run("cc", "-shared", "-fPIC", "-O2", "-o", library, "library.c")
	run("cc", "-O2", "-fPIC", "-I"+engine, "-c", "main.c")
	run("cc", "-O2", "-fPIC", "-D_GNU_SOURCE", "-DENGINE_INSIDE", "-c", filepath.Join(engine, "php_late.c"))
	late, err := newLateTable([]string{filepath.Join(dir, "main.o")})
	if err != nil {
		t.Fatal(err)
	}
	symbols, err := defined(library)
	if err != nil {
		t.Fatal(err)
	}
	late.libraries = []sharedObject{{library, library, "the-package", symbols}}
	for _, name := range []string{"weigh", "sum", "answer", "variable"} {
		late.enter(lateSymbol{name, 0}, symbols[name])
	}
	write("list.c", "#include \"php_late.h\"\n"+late.list())
	run("cc", "-I"+engine, "-o", "program", "main.o", "php_late.o", "list.c")
	if said, want := run("./program"), "before: 42 1\nopen: 7\n36.5 6\nafter: 7 3\n"; said != want {
		t.Errorf("the program said %q, want %q", said, want)
	}
	away := library + ".away"
	if err := os.Rename(library, away); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(filepath.Join(dir, "program"))
	said, _ := cmd.CombinedOutput()
	if cmd.ProcessState.ExitCode() != 127 || !strings.Contains(string(said), "library.so") {
		t.Errorf("without the library: status %d, %q", cmd.ProcessState.ExitCode(), said)
	}
	want := "missing: " + library + ": cannot open shared object file: No such file or directory; install it: apt-get install the-package (its name in " + system() +
		")\nfirst: -1\nopen: 7\nsecond: 36.5\n"
	if said := run("./program", away, library); said != want {
		t.Errorf("a program that lives on without the library said %q, want %q", said, want)
	}
	write("library.c", "int variable; double weigh(int a) { return a; } int sum(int n) { return n; }")
	run("cc", "-shared", "-fPIC", "-o", library, "library.c")
	reason := "missing: undefined symbol: answer: the library " + library + " is not the one that this program was built with\n"
	if said, want := run("./program", library, library), reason+"first: -1\n"+reason+"second: -1\n"; said != want {
		t.Errorf("with a library that lacks a function it said %q, want %q", said, want)
	}
}

func TestPackagesOfLibraries(t *testing.T) {
	if _, err := exec.LookPath("dpkg-query"); err != nil {
		t.Skip(err)
	}
	libc, err := sharedLibrary("-lc")
	if err != nil {
		t.Fatal(err)
	}
	if libc.pkg != "libc6" {
		t.Errorf("%s is of %q", libc.file, libc.pkg)
	}
	if got := debianPackage("/nowhere/libx.so.1"); got != "" {
		t.Errorf("a file of no package is of %q", got)
	}
}
