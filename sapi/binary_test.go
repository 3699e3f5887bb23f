package sapi

import (
	"os"
	"path/filepath"
	"testing"
)

func TestBinary(t *testing.T) {
	dir := t.TempDir()
	program := filepath.Join(dir, "phpsapi")
	if err := os.WriteFile(program, nil, 0o755); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(dir, "php")
	if err := os.Symlink("phpsapi", link); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "text"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	t.Setenv("PATH", "/nowhere:"+dir)
	for argv0, want := range map[string]string{
		program:           program,
		link:              link, // the name decides what the program is
		"./php":           link,
		"../../nonsense":  "",
		"php":             link,
		"text":            "",
		dir + "/text":     "",
		dir:               "",
		"":                "",
		"no-such-program": "",
	} {
		if got := Binary(argv0); got != want {
			t.Errorf("Binary(%q) is %q, want %q", argv0, got, want)
		}
	}
}
