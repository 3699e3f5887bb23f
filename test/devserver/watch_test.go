package devserver_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/phpsapi/phpsapi/test/files"
)

// php preloads once. With PHPSAPI_WATCH a change of a preloaded file is seen without a new start, and requests that are under way
// are answered to the end.
func TestChangeOfAFileStartsPHPAgain(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	write := func(name, text string) {
		files.Write(t, filepath.Join(root, name), text)
	}
	write("preload.php", "<?php function version() { return 1; }")
	write("index.php", "<?php if (isset($_GET['slow'])) usleep(500000); echo 'version ', version();")
	write("notes.txt", "")
	args := []string{"-d", "zend_extension=opcache", "-d", "opcache.enable_cli=1", "-d", "opcache.preload=" + root + "/preload.php", "-d", "opcache.preload_user=root"}
	s := start(t, binary, root, []string{"PHPSAPI_WATCH=on"}, args...)
	if got := s.get("/"); !strings.HasSuffix(got, "version 1") {
		t.Fatalf("got %q", got)
	}
	slow := make(chan string)
	go func() { slow <- s.get("/?slow") }()
	write("notes.txt", "no change of the application")
	write("preload.php", "<?php function version() { return 2; }")
	s.Says("preload.php has changed: PHP is started again")
	if got := <-slow; !strings.Contains(got, "version ") {
		t.Errorf("the request that was being answered got %q", got)
	}
	for range 200 {
		if got := s.get("/"); strings.HasSuffix(got, "version 2") {
			return
		}
	}
	t.Error("the change is not seen")
}
