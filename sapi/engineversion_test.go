package sapi

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

func TestEngineVersion(t *testing.T) {
	path := filepath.Join(t.TempDir(), "libphp.so")
	for content, want := range map[string]string{
		"\x7fELF...\x00X-Powered-By: PHP/8.2.36-1+x\x00and more": "8.2.36-1+x",
		"\x7fELF...\x00X-Powered-By: PHP/8.2.36":                 "8.2.36",
		"\x7fELF...\x00X-Powered-By: ":                           "",
		"":                                                       "",
	} {
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		if got := EngineVersion(path); got != want {
			t.Errorf("%q: got %q, want %q", content, got, want)
		}
	}
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := EngineVersion(pipe); got != "" { // it waited for a writer
		t.Errorf("a pipe: got %q", got)
	}
	if got := EngineVersion("libphp8.2.so"); got != "" {
		t.Errorf("a bare name: got %q", got)
	}
}
