package main

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// documents makes dir/www, which web servers serve: with WordPress and its database, if one of the pages is WordPress's, and the files of
// the others. It returns its path, and what ends the database.
func documents(dir string, asked []page) (root string, stop func(), err error) {
	root, stop = filepath.Join(dir, "www"), func() {}
	if err := os.Chmod(dir, 0o755); err != nil {
		return root, stop, err
	}
	if !haveWordPress(asked) { // which wants a database
		err = os.Mkdir(root, 0o755)
	} else if database, failed := mariadb(dir); failed != nil {
		err = failed
	} else {
		stop = database.Stop
		err = wordpress(dir, root)
	}
	if err != nil {
		return root, stop, err
	}
	files := map[string]string{
		"hello.php":   `<?php echo "Hello, world!\n";`,
		"opcache.php": `<?php echo PHP_MAJOR_VERSION, '.', PHP_MINOR_VERSION, opcache_get_status(false)['opcache_enabled'] ?? false ? " with opcache" : " without opcache";`,
	}
	for _, p := range asked {
		if p.size > 0 {
			files[p.path] = strings.Repeat("a file\n", p.size)[:p.size]
		}
	}
	for name, text := range files {
		err = errors.Join(err, os.WriteFile(filepath.Join(root, name), []byte(text), 0o644))
	}
	return root, stop, err
}

func haveWordPress(asked []page) bool {
	return slices.ContainsFunc(asked, func(p page) bool { return p.path == "/" })
}

// chosenPages are those whose names have o.Page in them. A quick run leaves WordPress out.
func chosenPages(o Options, all []page) []page {
	return slices.DeleteFunc(slices.Clone(all), func(p page) bool { return !strings.Contains(p.name, o.Page) || o.Quick && p.path == "/" })
}
