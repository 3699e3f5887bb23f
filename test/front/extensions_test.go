package front

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/phpsapi/phpsapi/test/files"
	"github.com/phpsapi/phpsapi/test/serve"
)

// By default PHP displays what it says at its start, as HTML on stdout, and does not log it. A reload with an extension that
// PHP could not load succeeded, and its log had no word of it.
func TestReloadWithABadExtensionFailsWhateverPHPDisplays(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ extension, ini, want string }{
		"by default":                {"nosuch", "", "PHP Startup: Unable to load dynamic library 'nosuch'"},
		"as text":                   {"nosuch", "html_errors=0\n", "PHP Startup: Unable to load dynamic library 'nosuch'"},
		"logged and displayed":      {"nosuch", "log_errors=1\n", "PHP Startup: Unable to load dynamic library 'nosuch'"},
		"logged":                    {"nosuch", "log_errors=1\ndisplay_errors=0\n", "PHP Startup: Unable to load dynamic library 'nosuch'"},
		"neither":                   {"nosuch", "log_errors=0\ndisplay_startup_errors=0\n", "PHP Startup: Unable to load dynamic library 'nosuch'"},
		"a library, not of PHP":     {"/lib/x86_64-linux-gnu/libm.so.6", "", "PHP Startup: Invalid library (maybe not a PHP library)"},
		"a Zend extension's place":  {"opcache.so", "", "PHP Startup: Invalid library"},
		"a Zend extension, missing": {"nosuch\nzend_extension=nosuch", "", "Failed loading Zend extension 'nosuch'"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if matches, _ := filepath.Glob(c.extension); strings.HasPrefix(c.extension, "/") && matches == nil {
				t.Skip(c.extension + " is not on this machine")
			}
			address := serve.Address(t)
			conf := configured(t, "http: {listen: '"+address+"', root: .}\n")
			ini := filepath.Dir(conf) + "/php.ini"
			files.Write(t, ini, c.ini)
			s := start(t, address, []string{"PHP_INI_SCAN_DIR="}, "-y", conf, "-F", "-O", "-c", ini)
			s.said("ready to handle connections", 1)
			files.Write(t, ini, c.ini+"extension="+c.extension+"\n")
			s.Signal(syscall.SIGUSR2)
			s.said("reload failed, the old configuration keeps serving: php.ini: PHP Warning:  ", 1)
			if log := s.Log(); strings.Count(log, "NOTICE: PHP message: PHP Warning:  "+c.want) != 1 || strings.Contains(log, "<b>") {
				t.Errorf("want one message %q, as text:\n%s", c.want, log)
			}
			files.Write(t, ini, c.ini)
			s.Signal(syscall.SIGUSR2)
			s.said("ready to handle connections", 2)
		})
	}
}

// php-fpm starts with the other extensions.
func TestStartWithABadExtensionLogsItAsText(t *testing.T) {
	t.Parallel()
	address := serve.Address(t)
	conf := configured(t, "http: {listen: '"+address+"', root: .}\n")
	s := start(t, address, nil, "-y", conf, "-F", "-O", "-n", "-d", "extension=nosuch")
	s.said("ready to handle connections", 1)
	s.Signal(syscall.SIGUSR2)
	s.said("ready to handle connections", 2)
	if log := s.Log(); strings.Count(log, "NOTICE: PHP message: PHP Warning:  PHP Startup: Unable to load") != 2 || strings.Contains(log, "<b>") {
		t.Errorf("want the message of each start, as text:\n%s", log)
	}
}
