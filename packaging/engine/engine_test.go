package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/phpsapi/phpsapi/sapi/engines"
)

func TestExtensionsAreChosenWithWhatTheyNeed(t *testing.T) {
	chosen, err := chooseExtensions("pdo_mysql, xsl")
	if err != nil {
		t.Fatal(err)
	}
	if got := extensionNames(chosen); !slices.Equal(got, []string{"dom", "mysqlnd", "pdo", "pdo_mysql", "xsl"}) {
		t.Errorf("chosen: %v", got)
	}
	if _, err := chooseExtensions("pdo,nonsense"); err == nil || !strings.Contains(err.Error(), `no extension "nonsense"`) {
		t.Errorf("an extension that there is not: %v", err)
	}
	if all, _ := chooseExtensions(""); len(all) != len(extensions) {
		t.Errorf("%d extensions without a list, want all %d", len(all), len(extensions))
	}
}

func TestAnExtensionFollowsWhatItNeeds(t *testing.T) {
	for i, e := range extensions {
		for _, needed := range e.needs {
			at := slices.IndexFunc(extensions, func(e extension) bool { return e.name == needed })
			if at < 0 || at > i && e.name != "exif" { // exif's need is optional at load time
				t.Errorf("%s needs %s, which is at %d, after %d", e.name, needed, at, i)
			}
		}
	}
}

func TestOptionsOfExtensions(t *testing.T) {
	chosen, _ := chooseExtensions("gd,mysqli")
	want := []string{"--enable-gd=shared", "--with-external-gd", "--enable-mysqlnd=shared", "--with-mysqli=shared,mysqlnd"}
	if got := shared(chosen); !slices.Equal(got, want) {
		t.Errorf("options %q, want %q", got, want)
	}
}

func TestATextIsReplacedOnlyIfItIsThereOnce(t *testing.T) {
	w := &work{dir: t.TempDir()}
	if err := os.MkdirAll(w.src(), 0o755); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(w.src(), "a.c")
	if err := os.WriteFile(file, []byte("one two two"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := w.edit("a.c", "one", "1"); err != nil {
		t.Error(err)
	}
	for _, text := range []string{"two", "three"} {
		if err := w.edit("a.c", text, "2"); err == nil {
			t.Errorf("%q was replaced", text)
		}
	}
	if got, _ := os.ReadFile(file); string(got) != "1 two two" {
		t.Errorf("the file is %q", got)
	}
}

// The sources of a program whose extension, part.c, calls a function that the program gives it later, reads a variable in this way,
// and has a table of such addresses.
var lateSources = map[string]string{
	"part.c": `extern int late_function(int); extern int late_variable; extern char late_text[];
		char *volatile table[] = {late_text, late_text + 2};
		int part(void) { return late_function(late_variable) + table[1][0]; }`,
	"list.c": `__attribute__((visibility("hidden"))) void *function __asm__("late_function"), *variable __asm__("late_variable");
		extern char section_of_part[];`,
	"main.c": `#include <stdio.h>
		extern void *function __asm__("late_function"), *variable __asm__("late_variable"); extern char *section_of_part; int part(void);
		static int twice(int n) { return 2 * n; }
		static int number = 21; static char text[] = "..\n";
		int main(void) { function = twice; variable = &number; (&section_of_part)[1] = text + 2; printf("%d\n", part()); return 0; }`,
}

// runIn runs a program in a directory and returns its output. A failure of the program is one of the test.
func runIn(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	said, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, said)
	}
	return string(said)
}

func TestSymbolsAreBoundLater(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		t.Skip("amd64 only")
	}
	dir := t.TempDir()
	run := func(name string, args ...string) string { t.Helper(); return runIn(t, dir, name, args...) }
	for name, text := range lateSources {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		run("cc", "-O2", "-fPIC", "-fno-plt", "-c", name)
	}
	part := filepath.Join(dir, "part.o")
	if missing, err := undefined(part); err != nil || !slices.Contains(missing, "late_function") {
		t.Fatalf("undefined: %v, %v", missing, err)
	}
	fixups, err := bindLater(part, func(symbol string) bool { return strings.HasPrefix(symbol, "late_") })
	if err != nil {
		t.Fatal(err)
	}
	if len(fixups) != 2 || fixups[1].symbol != "late_text" || fixups[1].offset != 8 || fixups[1].addend != 2 {
		t.Fatalf("fixups: %+v", fixups)
	}
	run("objcopy", "--add-symbol", "section_of_part="+fixups[0].section+":0,global", "part.o")
	run("objcopy", "--rename-section", fixups[0].section+"=.data.late,alloc,load,data,contents", "part.o")
	run("cc", "-o", "program", "main.o", "part.o", "list.o")
	if said := run("./program"); said != "52\n" { // 2 * 21, and the code of a new line
		t.Errorf("the program said %q", said)
	}
}

func TestCodeThatIsBoundByTheLoaderIsRefused(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		t.Skip("amd64 only")
	}
	dir := t.TempDir()
	source, object := filepath.Join(dir, "a.c"), filepath.Join(dir, "a.o")
	if err := os.WriteFile(source, []byte("extern int late(void); int part(void) { return late() + 1; }"), 0o644); err != nil {
		t.Fatal(err)
	}
	if said, err := exec.Command("cc", "-O2", "-fPIC", "-c", "-o", object, source).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	_, err := bindLater(object, func(symbol string) bool { return symbol == "late" })
	if err == nil || !strings.Contains(err.Error(), "compile it with -fno-plt") {
		t.Errorf("a call through the procedure linkage table: %v", err)
	}
}

func TestLicenseTextIsC(t *testing.T) {
	if got, want := licenseText("a \"b\" \\ ??)\n"), `"a \"b\" \\ \?\?)\n"`; !strings.Contains(got, want) {
		t.Errorf("%s lacks %s", got, want)
	}
}

// make engine built 8.2 on a Debian that has 8.4.
func TestPHPOfTheMachine(t *testing.T) {
	root := t.TempDir()
	m := engines.Machine{Root: root, Path: "/usr/bin", Self: root + "/phpsapi"}
	if got := machinePHP(m); got != "8.2" {
		t.Errorf("a machine without PHP has %q", got)
	}
	for _, file := range []string{"usr/bin/php8.4", "usr/lib/libphp8.4.so"} {
		path := filepath.Join(root, file)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("php8.4", filepath.Join(root, "usr/bin/php")); err != nil {
		t.Fatal(err)
	}
	if got := machinePHP(m); got != "8.4" {
		t.Errorf("a machine with 8.4 has %q", got)
	}
}
