package serve

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Library builds a shared object that runs C code when it is loaded. PHP loads it by extension=, and then warns that it
// is not an extension.
func Library(t testing.TB, code string) string {
	t.Helper()
	return Compile(t, "#include <errno.h>\n#include <fcntl.h>\n#include <signal.h>\n#include <stdlib.h>\n#include <string.h>\n#include <unistd.h>\n"+
		"__attribute__((constructor)) static void loaded(void) { "+code+" }\n")
}

// Compile builds a shared object from C.
func Compile(t testing.TB, source string) string {
	t.Helper()
	file := filepath.Join(Dir(t), "library.so")
	cc := exec.Command("cc", "-D_GNU_SOURCE", "-shared", "-fPIC", "-o", file, "-x", "c", "-")
	cc.Stdin = strings.NewReader(source)
	if said, err := cc.CombinedOutput(); err != nil {
		t.Fatalf("cc: %v\n%s", err, said)
	}
	return file
}
