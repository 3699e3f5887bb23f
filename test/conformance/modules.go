package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/phpsapi/phpsapi/packaging/phpsrc"
	"github.com/phpsapi/phpsapi/test/serve"
)

// testModules are php-src's extensions that exist for its tests, which no
// distribution ships, and what each is compiled from.
var testModules = map[string][]string{
	"zend_test": {"without-libxml.c", "observer.c", "fiber.c", "iterators.c"},
	"dl_test":   {"dl_test.c"},
}

// withoutLibxml stands for zend_test's test.c, which would want the headers of
// libxml2 for the sake of ext/dom's tests.
const withoutLibxml = "#include \"php.h\"\n#undef HAVE_LIBXML\n#include \"test.c\"\n"

// stockModules is buildModules for stock PHP.
func stockModules(source phpsrc.Source, cache string) (string, error) {
	version, err := output(serve.Stock().Config, "--version")
	if err != nil {
		return "", fmt.Errorf("%w; install php%s-dev", err, serve.Stock().Version)
	}
	includes, err := output(serve.Stock().Config, "--includes")
	if err != nil {
		return "", err
	}
	return buildModules(source, cache, "modules-"+version, strings.Fields(includes))
}

// buildModules compiles the extensions that the tests want into a directory
// below cache, unless they are there, and returns the directory. PHP's headers
// are where includes say.
func buildModules(source phpsrc.Source, cache, name string, includes []string) (string, error) {
	dir := filepath.Join(cache, name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	for name, sources := range testModules {
		module := filepath.Join(dir, name+".so")
		if _, err := os.Stat(module); err == nil {
			continue
		}
		if err := source.Unpack(dir, "ext/"+name); err != nil {
			return "", err
		}
		from := filepath.Join(dir, "ext", name)
		if err := os.WriteFile(filepath.Join(from, "without-libxml.c"), []byte(withoutLibxml), 0o644); err != nil {
			return "", err
		}
		args := []string{"-shared", "-fPIC", "-O1", "-w", "-DCOMPILE_DL_" + strings.ToUpper(name), "-I" + from}
		args = append(append(args, includes...), "-o", module+".new")
		for _, source := range sources {
			args = append(args, filepath.Join(from, source))
		}
		if _, err := output("gcc", args...); err != nil {
			return "", err
		}
		if err := os.Rename(module+".new", module); err != nil {
			return "", err
		}
	}
	return dir, nil
}

// linkModules fills dir with links to the distribution's extensions and with
// copies of those in built, so that one extension_dir has them all. Extensions
// that were built with the engine under test take the place of the
// distribution's, which may call what that engine does not have.
func linkModules(dir, built string, own Own) error {
	installed, err := output(frontEnds[0].stock, "-n", "-r", "echo ini_get('extension_dir');")
	if err != nil {
		return err
	}
	modules, _ := filepath.Glob(filepath.Join(installed, "*.so"))
	for _, module := range modules {
		if slices.Contains(own.Names, filepath.Base(module)) {
			continue
		}
		if err := os.Symlink(module, filepath.Join(dir, filepath.Base(module))); err != nil {
			return err
		}
	}
	for _, name := range own.Names {
		if own.Inside {
			break // PHP finds no file, and takes the one inside
		}
		if err := copyFile(filepath.Join(own.Dir, name), filepath.Join(dir, name), 0o644); err != nil {
			return err
		}
	}
	modules, _ = filepath.Glob(filepath.Join(built, "*.so"))
	for _, module := range modules {
		to := filepath.Join(dir, filepath.Base(module))
		if err := copyFile(module, to, 0o644); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	return nil
}

// output runs a program and returns what it prints, trimmed. Its error has the
// first line of what the program said of it.
func output(name string, args ...string) (string, error) {
	out, err := exec.Command(name, args...).Output()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		first, _, _ := strings.Cut(strings.TrimSpace(string(exit.Stderr)), "\n")
		return "", fmt.Errorf("%s: %w: %s", name, err, first)
	}
	return strings.TrimSpace(string(out)), err
}
