package starts

import (
	"os"
	"regexp"
	"testing"

	"github.com/phpsapi/phpsapi/sapi/getopt"
)

// CheckOptions checks that the options which C reads without Go, by a string of lifecycle/start_call.c, are among those that Go
// knows, and take a parameter in both or in neither. The caller is a test of a package that is a directory at the top.
func CheckOptions(t *testing.T, name string, parameter bool, options []getopt.Option) {
	t.Helper()
	source, err := os.ReadFile("../lifecycle/start_call.c")
	if err != nil {
		t.Fatal(err)
	}
	letters := regexp.MustCompile(`#define ` + name + ` "(\w+)"`).FindSubmatch(source)
	if letters == nil {
		t.Fatalf("start_call.c has no %s", name)
	}
	for _, letter := range letters[1] {
		known := false
		for _, o := range options {
			known = known || o.Letter == letter && o.Parameter == parameter
		}
		if !known {
			t.Errorf("%s: -%c is not an option of that kind", name, letter)
		}
	}
}
