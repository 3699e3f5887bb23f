package main

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"
)

// An application is a program of a distribution's packages, whose page an engine is trained by.
type application struct {
	name     string
	packages []string // what stands in the distribution's packages, and those that they need
	needed   string   // the names of these, of which nothing is installed
	from, to string   // a directory of the packages, and where it goes below the root of pages
	page     string   // its address
	has      string   // what the page says
	needs    []string // extensions
}

// applications are one that asks a database and has thousands of functions, and one of classes: a container, events, routes, templates.
// They are Debian's, so that every build of a release has the same.
var applications = []application{
	{
		name: "WordPress", packages: []string{"wordpress", "wordpress-theme-twentytwentythree"}, needed: `^(wordpress.*|php-getid3)$`,
		from: "usr/share/wordpress", to: "wordpress", page: "/wordpress/", has: "Hello world!", needs: []string{"mysqli"},
	},
	{
		name: "Symfony", packages: []string{"php-symfony-framework-bundle", "php-symfony-twig-bundle"}, needed: `^php-(symfony|twig|psr)\b`,
		from: "usr/share/php", to: "symfony/php", page: "/symfony/public/index.php/plants/7", has: "BED 25", needs: []string{"ctype", "mbstring", "xml"},
	},
}

// suits reports whether the engine has the extensions that an application needs.
func (w *work) suits(a application) bool {
	names := extensionNames(w.extensions)
	return !slices.ContainsFunc(a.needs, func(name string) bool { return !slices.Contains(names, name) })
}

// unpackApplication lays an application below root, out of packages that are fetched, and not installed.
func (w *work) unpackApplication(log *os.File, a application, root string) error {
	dir := filepath.Join(w.root, "build", "packages", a.name)
	tree := filepath.Join(dir, "tree")
	if !exists(tree) {
		packages, err := neededPackages(a)
		if err != nil {
			return err
		}
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
		if err := execute(log, dir, nil, "apt-get", append([]string{"-q", "download"}, packages...)...); err != nil {
			return err
		}
		archives, _ := filepath.Glob(filepath.Join(dir, "*.deb"))
		for _, archive := range archives {
			if err := execute(log, dir, nil, "dpkg", "-x", archive, tree+".new"); err != nil {
				return err
			}
		}
		if err := os.Rename(tree+".new", tree); err != nil {
			return err
		}
	}
	to := filepath.Join(root, a.to)
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	return execute(log, dir, nil, "cp", "-r", filepath.Join(tree, a.from), to)
}

// neededPackages returns an application's packages and those that they need, as far as needed names them.
func neededPackages(a application) ([]string, error) {
	args := []string{"depends", "--recurse"}
	for _, kind := range []string{"recommends", "suggests", "conflicts", "breaks", "replaces", "enhances", "pre-depends"} {
		args = append(args, "--no-"+kind)
	}
	said, err := exec.Command("apt-cache", append(args, a.packages...)...).Output()
	if err != nil {
		return nil, fmt.Errorf("apt-cache: %w", err)
	}
	needed, packages := regexp.MustCompile(a.needed), slices.Clone(a.packages)
	for line := range strings.Lines(string(said)) {
		if name := strings.TrimSuffix(line, "\n"); needed.MatchString(name) {
			packages = append(packages, name)
		}
	}
	slices.Sort(packages)
	return slices.Compact(packages), nil
}

// A database is a MariaDB of this build's own.
type database struct {
	cmd    *exec.Cmd
	socket string
}

// How long a database may take to start, and to end.
const databasePatience = 2 * time.Minute

// startDatabase starts MariaDB in dir, with a database and a user wordpress, by a unix socket alone.
func startDatabase(log *os.File, dir string) (*database, error) {
	if err := errors.Join(os.RemoveAll(dir), os.MkdirAll(dir, 0o755)); err != nil {
		return nil, err
	}
	user := "--skip-name-resolve"
	if os.Geteuid() == 0 {
		user = "--user=root" // these are files of its own
	}
	data := filepath.Join(dir, "data")
	if err := execute(log, dir, nil, "mariadb-install-db", "--no-defaults", user, "--auth-root-authentication-method=normal", "--skip-test-db",
		"--datadir="+data); err != nil {
		return nil, err
	}
	// The path of a socket is short.
	place, err := os.MkdirTemp("", "phpsapi-engine-")
	if err != nil {
		return nil, err
	}
	db := &database{socket: filepath.Join(place, "db.sock")}
	db.cmd = exec.Command("/usr/sbin/mariadbd", "--no-defaults", user, "--datadir="+data, "--socket="+db.socket,
		"--pid-file="+filepath.Join(dir, "db.pid"), "--skip-networking", "--character-set-server=utf8mb4")
	db.cmd.Stdout, db.cmd.Stderr = log, log
	if err := db.cmd.Start(); err != nil {
		os.RemoveAll(place)
		return nil, err
	}
	const grant = "CREATE DATABASE wordpress; GRANT ALL ON wordpress.* TO wordpress@localhost IDENTIFIED BY 'secret'"
	for deadline := time.Now().Add(databasePatience); ; time.Sleep(200 * time.Millisecond) {
		err := execute(log, dir, nil, "mariadb", "--no-defaults", "--socket="+db.socket, "--user=root", "-e", grant)
		if err == nil {
			return db, nil
		}
		if time.Now().After(deadline) {
			return nil, errors.Join(fmt.Errorf("MariaDB does not answer: %w", err), db.stop())
		}
	}
}

// stop ends it.
func (db *database) stop() error {
	defer os.RemoveAll(filepath.Dir(db.socket))
	if err := db.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- db.cmd.Wait() }()
	select {
	case err := <-ended:
		return err
	case <-time.After(databasePatience):
		return errors.Join(errors.New("MariaDB did not end"), db.cmd.Process.Kill())
	}
}

// wordpressSettings is wp-config.php. Its address is the one that the client has asked for.
const wordpressSettings = `<?php
foreach (['DB_NAME' => 'wordpress', 'DB_USER' => 'wordpress', 'DB_PASSWORD' => 'secret', 'DB_HOST' => 'localhost:%s', 'DB_CHARSET' => 'utf8mb4',
    'DB_COLLATE' => '', 'WP_HOME' => 'http://' . ($_SERVER['HTTP_HOST'] ?? 'localhost') . '/wordpress',
    'WP_SITEURL' => 'http://' . ($_SERVER['HTTP_HOST'] ?? 'localhost') . '/wordpress', 'WP_HTTP_BLOCK_EXTERNAL' => true,
    'DISABLE_WP_CRON' => true, 'AUTOMATIC_UPDATER_DISABLED' => true, 'AUTH_KEY' => 'a', 'SECURE_AUTH_KEY' => 'b', 'LOGGED_IN_KEY' => 'c',
    'NONCE_KEY' => 'd', 'AUTH_SALT' => 'e', 'SECURE_AUTH_SALT' => 'f', 'LOGGED_IN_SALT' => 'g', 'NONCE_SALT' => 'h'] as $name => $value) {
    define($name, $value);
}
$table_prefix = 'wp_';
defined('ABSPATH') || define('ABSPATH', __DIR__ . '/');
require_once ABSPATH . 'wp-settings.php';
`

// configureWordPress writes wp-config.php, in place of Debian's own.
func configureWordPress(root, socket string) error {
	config := filepath.Join(root, "wordpress", "wp-config.php")
	if err := os.Remove(config); err != nil && !os.IsNotExist(err) {
		return err
	}
	return os.WriteFile(config, fmt.Appendf(nil, wordpressSettings, socket), 0o644)
}

// installWordPress has it make its tables and its first post, by its own page.
func installWordPress(client *http.Client, address string) error {
	form := url.Values{
		"weblog_title": {"A site"}, "user_name": {"admin"}, "admin_password": {"correct horse"}, "admin_password2": {"correct horse"},
		"admin_email": {"admin@example.org"}, "blog_public": {"0"}, "pw_weak": {"on"}, "language": {""},
	}
	response, err := client.PostForm(address+"/wordpress/wp-admin/install.php?step=2", form)
	if err != nil {
		return err
	}
	return response.Body.Close()
}
