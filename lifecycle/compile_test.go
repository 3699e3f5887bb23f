package lifecycle_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// compileC compiles a program by the C compiler, with further arguments: flags, and the files that it tests. It returns where the program is.
func compileC(t *testing.T, source string, arguments ...string) string {
	t.Helper()
	file, program := filepath.Join(t.TempDir(), "program.c"), filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(file, []byte(source), 0o644); err != nil {
		t.Fatal(err)
	}
	cc := os.Getenv("CC")
	if cc == "" {
		cc = "cc"
	}
	build := exec.Command(cc, append([]string{"-D_GNU_SOURCE", "-Wall", "-I.", "-o", program, file}, arguments...)...)
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return program
}
