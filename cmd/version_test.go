package cmd

import (
	"bytes"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/phpsapi/phpsapi/sapi/engines"
)

// What make says of the version is what the program prints; a program of go build alone has what Go knows.
func TestVersionIsThatOfGitDescribe(t *testing.T) {
	t.Cleanup(func() { described = "" })
	for from, want := range map[string]string{"v0.1.0": "phpsapi v0.1.0 (", "v0.1.0-3-g1a2b3c4-dirty": "phpsapi v0.1.0-3-g1a2b3c4-dirty (", "unknown": "phpsapi (devel) ("} {
		described = from
		var out bytes.Buffer
		if err := printVersion(&out, engines.Asked{}); err != nil || !strings.HasPrefix(out.String(), want) {
			t.Errorf("%s: got %v, %s, want %s", from, err, out.String(), want)
		}
	}
}

// The Makefile names the variable, which the linker does not check.
func TestMakeStampsTheVersion(t *testing.T) {
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	commands, err := exec.Command("make", "-n", "-C", root, "build", "VERSION=v1.2.3").Output()
	if err != nil || !strings.Contains(string(commands), "go build") || !strings.Contains(string(commands), "-X github.com/phpsapi/phpsapi/cmd.described=v1.2.3'") {
		t.Errorf("make build: %v\n%s", err, commands)
	}
}
