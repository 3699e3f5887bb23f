package main

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// A Symfony is an application of Symfony's, as Debian packages it: a route, a controller, a Twig template.
type Symfony struct {
	Application
	php string // that fills its cache
}

func ofSymfony(o Options) Symfony {
	s := Symfony{php: "/usr/bin/php" + o.Stock}
	s.Application = Application{name: "Symfony", write: s.copy}
	return s
}

// installed reports whether this machine has what the application needs. Its parts name each other's files, so that its page is
// the answer.
func (s Symfony) installed() bool {
	dir, err := os.MkdirTemp("", "phpsapi-bench-")
	if err != nil {
		return false
	}
	defer os.RemoveAll(dir)
	return s.copy(dir) == nil
}

// copy copies the application and fills its cache, as its installation does. It returns an error if its page is not shown.
func (s Symfony) copy(dir string) error {
	if err := copyApplication("symfony", dir); err != nil {
		return err
	}
	page := exec.Command(s.php, "-r", `$_SERVER = ['REQUEST_METHOD' => 'GET', 'HTTP_HOST' => 'localhost', 'REQUEST_URI' => $argv[2]] + $_SERVER;
		require $argv[1];`, filepath.Join(dir, "public", "index.php"), item)
	if said, err := page.CombinedOutput(); err != nil || !strings.HasSuffix(string(said), itemEnd) {
		return fmt.Errorf("the page of Symfony: %w\n%.1000s", err, said)
	}
	return filepath.WalkDir(filepath.Join(dir, "var"), func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Chmod(path, 0o777) // the pool's user writes there, too
	})
}
