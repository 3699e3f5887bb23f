package main

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/phpsapi/phpsapi/test/serve"
)

// An Arena is a directory of its own in which one user runs tests: php-src's
// tests, and a tree of links for each side. It lies under the system's
// temporary directory, because an unprivileged user must be able to reach it
// and the paths of unix sockets must stay short.
//
//	src/                     php-src's tests, and what they leave behind
//	stock/sapi/cli/php       copies of the distribution's binaries, where
//	stock/sapi/cgi/php-cgi   php-src's tests look for them
//	stock/sapi/fpm/php-fpm
//	phpsapi/phpsapi          a copy of the binary under test
//	phpsapi/sapi/cli/php     links to it
//	...
//	locale/                  LOCPATH
//	tmp/, home/              TMPDIR and HOME
//	SIDE/modules/            extension_dir: the distribution's extensions or the engine's
//	                         own, and php-src's
//	SIDE/php.ini             the only php.ini, for PHPRC
type Arena struct {
	Dir      string
	User     *syscall.Credential // nil: the user who runs this program
	UserName string
}

// A Side is one of the two things that are compared.
type Side string

// The two sides.
const (
	Stock   Side = "stock"
	PHPSAPI Side = "phpsapi"
)

// frontEnds are the binaries of a tree, where php-src's tests look for them,
// and what stock PHP calls them.
var frontEnds = []struct{ path, stock string }{
	{"sapi/cli/php", serve.Stock().CLI},
	{"sapi/cgi/php-cgi", serve.Stock().CGI},
	{"sapi/fpm/php-fpm", serve.Stock().FPM},
}

// newArena makes an arena for the binary under test. With root, the arena is
// root's; otherwise it belongs to the caller, or to the user called name when
// the caller is root.
func newArena(kit Kit, binary string, root bool, name string) (*Arena, error) {
	a := &Arena{}
	if os.Getuid() == 0 && !root {
		credential, err := credentialOf(name)
		if err != nil {
			return nil, err
		}
		a.User, a.UserName = credential, name
	} else if u, err := user.Current(); err == nil {
		a.UserName = u.Username
	}
	var err error
	if a.Dir, err = os.MkdirTemp("", "phpt-"); err != nil {
		return nil, err
	}
	if err := a.fill(kit, binary); err != nil {
		a.remove()
		return nil, err
	}
	return a, nil
}

// fill unpacks the tests and lays out the trees.
func (a *Arena) fill(kit Kit, binary string) error {
	if err := os.Chmod(a.Dir, 0o755); err != nil {
		return err
	}
	for _, dir := range []string{"src", "tmp", "home"} {
		if err := os.Mkdir(a.path(dir), 0o755); err != nil {
			return err
		}
	}
	parts := slices.Clone(included)
	for _, s := range suites {
		parts = append(parts, s.Dirs...)
	}
	slices.Sort(parts)
	if err := kit.Source.Unpack(a.path("src"), slices.Compact(parts)...); err != nil {
		return err
	}
	if !strings.HasPrefix(kit.Source.Release, serve.Stock().Version+".") {
		if err := adapt(a.path("src")); err != nil {
			return err
		}
	}
	if kit.Locales != "" {
		if err := os.CopyFS(a.path("locale"), os.DirFS(kit.Locales)); err != nil {
			return err
		}
	}
	for _, side := range []Side{Stock, PHPSAPI} {
		for _, f := range frontEnds {
			if err := os.MkdirAll(filepath.Dir(a.path(string(side), f.path)), 0o755); err != nil {
				return err
			}
		}
	}
	for _, f := range frontEnds {
		// Copies, not links: PHP_BINARY is the path with links resolved.
		if err := copyFile(f.stock, a.path(string(Stock), f.path), 0o755); err != nil {
			return err
		}
	}
	if err := a.linkPHPSAPI(binary); err != nil {
		return err
	}
	for _, side := range []Side{Stock, PHPSAPI} {
		if err := a.settings(side, kit); err != nil {
			return err
		}
	}
	return a.giveAway()
}

// linkPHPSAPI lays out the tree of the binary under test; an empty name means
// stock's own.
func (a *Arena) linkPHPSAPI(binary string) error {
	for _, f := range frontEnds {
		link := a.path(string(PHPSAPI), f.path)
		if binary == "" {
			if err := copyFile(f.stock, link, 0o755); err != nil {
				return err
			}
		} else if err := os.Symlink("../../phpsapi", link); err != nil {
			return err
		}
	}
	if binary == "" {
		return nil
	}
	return copyFile(binary, a.path(string(PHPSAPI), "phpsapi"), 0o755)
}

// settings makes a side's extension_dir, and writes a php.ini where PHPRC points
// and beside every binary: php-src's tests are made for PHP's built-in settings,
// and some FPM tests start it with an environment that lacks PHPRC. It only
// moves what Debian has moved to where an unprivileged user can write, and
// extension_dir. The distribution's conf.d, which loads the extensions, stays in
// force.
func (a *Arena) settings(side Side, kit Kit) error {
	own, built := Own{}, kit.Modules
	if side == PHPSAPI && kit.Own.Dir != "" {
		own, built = kit.Own, kit.Own.Modules
	}
	modules := a.path(string(side), "modules")
	if err := os.Mkdir(modules, 0o755); err != nil {
		return err
	}
	if err := linkModules(modules, built, own); err != nil {
		return err
	}
	ini := []string{a.path(string(side), "php.ini")}
	for _, f := range frontEnds {
		ini = append(ini, filepath.Join(filepath.Dir(a.path(string(side), f.path)), "php.ini"))
	}
	text := fmt.Sprintf("extension_dir = %s\nsession.save_path = %s\n", modules, a.path("tmp"))
	for _, name := range ini {
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// giveAway makes the arena the property of its user.
func (a *Arena) giveAway() error {
	if a.User == nil {
		return nil
	}
	return filepath.WalkDir(a.Dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, int(a.User.Uid), int(a.User.Gid))
	})
}

// remove deletes the arena.
func (a *Arena) remove() {
	if err := os.RemoveAll(a.Dir); err != nil {
		// A test may leave a directory without write permission.
		exec.Command("chmod", "-R", "u+rwX", a.Dir).Run()
		os.RemoveAll(a.Dir)
	}
}

// path names a file of the arena.
func (a *Arena) path(elements ...string) string {
	return filepath.Join(append([]string{a.Dir}, elements...)...)
}

// tests lists a suite's .phpt files, relative to php-src's root and sorted,
// those whose path match accepts.
func (a *Arena) tests(s Suite, match func(string) bool) ([]string, error) {
	var tests []string
	root := a.path("src")
	for _, dir := range s.Dirs {
		err := filepath.WalkDir(filepath.Join(root, dir), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".phpt") || strings.HasPrefix(d.Name(), ".") {
				return err
			}
			test, err := filepath.Rel(root, path)
			if err == nil && match(test) {
				tests = append(tests, test)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	slices.Sort(tests)
	return tests, nil
}

// credentialOf looks a user up by name.
func credentialOf(name string) (*syscall.Credential, error) {
	u, err := user.Lookup(name)
	if err != nil {
		return nil, err
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return nil, err
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}

// copyFile copies a file.
func copyFile(from, to string, mode fs.FileMode) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	if err := os.WriteFile(to, data, mode); err != nil {
		return err
	}
	return os.Chmod(to, mode)
}
