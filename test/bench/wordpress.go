package main

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/phpsapi/phpsapi/test/serve"
)

// mariadb starts MariaDB on dir/db.sock, with an empty database wordpress and a user of that name.
func mariadb(dir string) (*serve.Process, error) {
	user := "--skip-name-resolve"
	if os.Geteuid() == 0 {
		user = "--user=root" // it would become another user, and these are files of our own
	}
	data, socket := filepath.Join(dir, "db"), filepath.Join(dir, "db.sock")
	if said, err := exec.Command("mariadb-install-db", "--no-defaults", user, "--auth-root-authentication-method=normal",
		"--skip-test-db", "--datadir="+data).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("mariadb-install-db: %w\n%s", err, said)
	}
	var said []byte
	ready := func() (ok bool) {
		var err error
		said, err = exec.Command("mariadb", "--no-defaults", "--socket="+socket, "--user=root", "-e", "CREATE DATABASE IF NOT EXISTS "+
			"wordpress; GRANT ALL ON wordpress.* TO wordpress@localhost IDENTIFIED BY 'secret'").CombinedOutput()
		return err == nil
	}
	cmd := exec.Command("/usr/sbin/mariadbd", "--no-defaults", user, "--datadir="+data, "--socket="+socket,
		"--pid-file="+filepath.Join(dir, "db.pid"), "--skip-networking", "--character-set-server=utf8mb4")
	return serve.Start("mariadb", cmd, ready, func() string { return string(said) })
}

// wordpress copies Debian's WordPress to root, for the database in dir.
func wordpress(dir, root string) error {
	// What only the web server's user may read is not needed.
	said, err := exec.Command("cp", "-rL", "/usr/share/wordpress", root).CombinedOutput()
	if _, missing := os.Stat(filepath.Join(root, "wp-settings.php")); missing != nil {
		return fmt.Errorf("cp: %w: %s", err, said)
	}
	// Debian's wp-config.php is for sites that /etc/wordpress describes.
	config := filepath.Join(root, "wp-config.php")
	if err := os.Remove(config); err != nil && !os.IsNotExist(err) {
		return err
	}
	var text strings.Builder
	text.WriteString("<?php\n")
	for name, value := range map[string]string{
		"DB_NAME": "wordpress", "DB_USER": "wordpress", "DB_PASSWORD": "secret", "DB_HOST": "localhost:" + filepath.Join(dir, "db.sock"),
		"DB_CHARSET": "utf8mb4", "DB_COLLATE": "", "WP_HOME": "http://localhost", "WP_SITEURL": "http://localhost",
		"WP_HTTP_BLOCK_EXTERNAL": "1", "DISABLE_WP_CRON": "1", "AUTOMATIC_UPDATER_DISABLED": "1",
		"AUTH_KEY": "a", "SECURE_AUTH_KEY": "b", "LOGGED_IN_KEY": "c", "NONCE_KEY": "d",
		"AUTH_SALT": "e", "SECURE_AUTH_SALT": "f", "LOGGED_IN_SALT": "g", "NONCE_SALT": "h",
	} {
		fmt.Fprintf(&text, "define('%s', '%s');\n", name, value)
	}
	text.WriteString("$table_prefix = 'wp_';\ndefined('ABSPATH') || define('ABSPATH', __DIR__ . '/');\nrequire_once ABSPATH . 'wp-settings.php';\n")
	return os.WriteFile(config, []byte(text.String()), 0o644)
}

// install has WordPress make its tables and its first post, by its own page.
func (s *Stack) install() error {
	form := url.Values{
		"weblog_title": {"A site"}, "user_name": {"admin"}, "admin_password": {"correct horse"}, "admin_password2": {"correct horse"},
		"admin_email": {"admin@example.org"}, "blog_public": {"0"}, "pw_weak": {"on"}, "language": {""},
	}
	request, err := http.NewRequest("POST", s.url("/wp-admin/install.php?step=2"), strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	request.Host = "localhost"
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	page, err := s.get("/")
	if err == nil && !strings.Contains(page, "Hello world!") {
		err = fmt.Errorf("WordPress's front page has no first post (the installation was answered by %s)", response.Status)
	}
	return err
}
