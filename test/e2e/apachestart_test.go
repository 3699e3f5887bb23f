//go:build e2e

package e2e

import (
	"strings"
	"testing"
)

// What PHP says while the pool's service starts is in httpd's error log, and a script of opcache.preload finds that there is no request.
func TestApachePoolMessagesOfTheStart(t *testing.T) {
	p := at(t)
	p.give("tmp")
	p.write("www/a.php", `<?php echo 'fine';`)
	p.write("preload.php", `<?php
		error_log('logged while it starts: ' . json_encode([apache_note('a', 'b'), apache_getenv('PATH_INFO'), apache_request_headers(), apache_setenv('A', 'b'), virtual('/a.php')]));
		ob_start();
		phpinfo();
		ob_end_clean();`)
	p.env = append(p.env, "PHP_INI_SCAN_DIR=:"+p.path("ini"))
	p.cgiSettings("extension = nowhere.so\nopcache.enable = 1\nopcache.preload = DIR/preload.php\n" + ifRoot("opcache.preload_user = www-data\n"))
	s, _ := apacheInPool(p, "")
	s.get("/a.php", "fine")
	for _, want := range []string{"PHP Warning:  PHP Startup: Unable to load dynamic library 'nowhere.so'", `logged while it starts: [false,false,[],`} {
		p.eventually(want+" in the log", func() bool { return strings.Contains(p.log("apache-error.log"), want) })
	}
}
