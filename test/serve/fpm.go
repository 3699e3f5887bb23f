package serve

import (
	"fmt"
	"os"
	"path/filepath"
)

// FPMConf returns a php-fpm.conf for php-fpm and phpsapi alike: the pool www, whose socket is Socket(dir), with the error log
// Log(dir). global and pool are more lines for the two sections.
func FPMConf(dir, global, pool string) string {
	user := ""
	if os.Geteuid() == 0 {
		user = "user = nobody\ngroup = nogroup\n"
	}
	return fmt.Sprintf("[global]\nerror_log = %s\npid = %s/pid\n%s\n[www]\nlisten = %s\nlisten.mode = 0666\n%s%s\n",
		Log(dir), dir, global, Socket(dir), user, pool)
}

// Socket returns the path of the unix socket at which the pool of FPMConf(dir, ...) listens.
func Socket(dir string) string { return filepath.Join(dir, "fpm.sock") }

// Log returns the path of the error log of FPMConf(dir, ...).
func Log(dir string) string { return filepath.Join(dir, "log") }
