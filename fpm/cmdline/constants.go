package cmdline

import (
	"sync"

	"github.com/phpsapi/phpsapi/fpm/conf/ini"
	"github.com/phpsapi/phpsapi/sapi"
)

// constants knows PHP's constants for php-fpm.conf. php-fpm has started PHP before it reads that; here libphp's file tells
// its version. built is the version whose headers this program was built with.
func (c *commandLine) constants(engine, built string) func(name string) (string, bool) {
	known := ini.VersionConstant(sync.OnceValue(func() string {
		if version := sapi.EngineVersion(engine); version != "" {
			return version
		}
		return built
	}))
	return func(name string) (string, bool) {
		if name == "PHP_BINARY" && c.binary != "" {
			return c.binary, true
		}
		return known(name)
	}
}
