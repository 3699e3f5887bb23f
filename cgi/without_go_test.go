package cgi

import (
	"os"
	"regexp"
	"testing"
)

// C reads some of the options without Go (lifecycle/start_options.c): they must be those that Go knows.
func TestOptionsOfStartsWithoutGo(t *testing.T) {
	source, err := os.ReadFile("../lifecycle/start_options.c")
	if err != nil {
		t.Fatal(err)
	}
	for name, parameter := range map[string]bool{"CGI_FLAGS": false, "CGI_PARAMETERS": true} {
		letters := regexp.MustCompile(`#define ` + name + ` "(\w+)"`).FindSubmatch(source)
		if letters == nil {
			t.Fatalf("start_options.c has no %s", name)
		}
		for _, letter := range letters[1] {
			known := false
			for _, o := range options {
				known = known || o.Letter == letter && o.Parameter == parameter
			}
			if !known {
				t.Errorf("%s: -%c is not an option of php-cgi's of that kind", name, letter)
			}
		}
	}
}
