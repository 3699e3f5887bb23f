package serve

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sync"

	"github.com/phpsapi/phpsapi/test/stock"
)

// A StockPHP is a PHP of Debian's, with the names that its packages give to programs and directories.
type StockPHP struct {
	Version string // MAJOR.MINOR, such as 8.2
	CLI     string // the paths of its programs
	CGI     string
	FPM     string
	Config  string // php-config
	Etc     string // the directory of its settings, such as /etc/php/8.2
	Libphp  string // the engine that phpsapi takes by itself
}

// Stock is the PHP of this machine, which phpsapi is compared with: the one whose engine PHPSAPI_ENGINE names, else the one
// that php is, else the newest. That is what phpsapi itself chooses. Without a PHP its names are those of no version, and
// Installed returns an error if they are missing.
var Stock = sync.OnceValue(func() StockPHP {
	php, _ := exec.LookPath("php")
	php, _ = filepath.EvalSymlinks(php)
	programs, _ := filepath.Glob("/usr/bin/php*")
	return stockPHP(os.Getenv("PHPSAPI_ENGINE"), php, programs)
})

var (
	engineVersion  = regexp.MustCompile(`(?:^|/libphp)(\d+\.\d+)(?:\.so)?$`)
	programVersion = regexp.MustCompile(`/php(\d+\.\d+)$`)
)

func stockPHP(engine, php string, programs []string) StockPHP {
	version := ""
	if match := engineVersion.FindStringSubmatch(engine); match != nil {
		version = match[1]
	} else if match := programVersion.FindStringSubmatch(php); match != nil {
		version = match[1]
	} else {
		for _, program := range programs {
			if match := programVersion.FindStringSubmatch(program); match != nil && (version == "" || stock.Older(version, match[1])) {
				version = match[1]
			}
		}
	}
	return StockPHP{
		Version: version,
		CLI:     "/usr/bin/php" + version,
		CGI:     "/usr/bin/php-cgi" + version,
		FPM:     "/usr/sbin/php-fpm" + version,
		Config:  "/usr/bin/php-config" + version,
		Etc:     "/etc/php/" + version,
		Libphp:  "/usr/lib/libphp" + version + ".so",
	}
}

// API returns the number that extensions and the engine must agree in, such as 20220829.
func (s StockPHP) API() (number uint32) {
	said, _ := exec.Command(s.Config, "--phpapi").Output()
	fmt.Sscan(string(said), &number)
	return number
}

// Installed returns an error that names the packages if a program of s is missing.
func (s StockPHP) Installed() error {
	for _, program := range []string{s.CLI, s.CGI, s.FPM} {
		if _, err := os.Stat(program); err != nil {
			return fmt.Errorf("the comparison needs Debian's php%[1]s-cli, php%[1]s-cgi and php%[1]s-fpm: %[2]w", s.Version, err)
		}
	}
	return nil
}
