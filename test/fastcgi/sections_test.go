package fastcgi_test

import (
	"path/filepath"
	"testing"

	"github.com/phpsapi/phpsapi/test/files"
	"github.com/phpsapi/phpsapi/test/serve"
)

// Opcache put the value of php.ini's section for a host into the script in place of ini_get(): all other hosts read it.
func TestSectionOfOneHostIsNotTheOthers(t *testing.T) {
	t.Parallel()
	dir := files.Make(t, map[string]string{
		"a.php": `<?php echo ini_get("memory_limit");`,
		"b.php": `<?php echo ini_get("memory_limit");`,
		"php.ini": "memory_limit=128M\nopcache.enable=1\nopcache.file_update_protection=0\n" +
			"[HOST=one.test]\nmemory_limit=32M\n",
	})
	bothWays(t, func(t *testing.T, env []string) {
		socket := filepath.Join(serve.Dir(t), "socket")
		cmd := command(binary, env, "-b", socket)
		cmd.Args = []string{cmd.Args[0], "-c", dir + "/php.ini", "-b", socket}
		s := listening(t, "unix", socket, cmd)
		conn := s.dial()
		defer conn.Close()
		for i, c := range []struct{ script, param, value, want string }{
			{"a.php", "SERVER_NAME", "one.test", "32M"},
			{"a.php", "SERVER_NAME", "two.test", "128M"},
			{"a.php", "SERVER_NAME", "one.test", "32M"},
			{"b.php", "SERVER_NAME", "two.test", "128M"},
			{"b.php", "SERVER_NAME", "one.test", "32M"},
			{"b.php", "PHP_ADMIN_VALUE", "memory_limit=64M", "128M"}, // php-fpm's alone
		} {
			if got := get(dir+"/"+c.script, c.param, c.value).kept().on(conn).Body(); got != c.want {
				t.Errorf("request %d, %s=%s: got %q, want %q", i+1, c.param, c.value, got, c.want)
			}
		}
	})
}
