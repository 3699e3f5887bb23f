package cmdline

import (
	"sync"

	"github.com/phpsapi/phpsapi/fpm/conf/ini"
	"github.com/phpsapi/phpsapi/sapi"
	"github.com/phpsapi/phpsapi/sapi/engines"
)

// constants knows an engine's constants for php-fpm.conf. php-fpm has started PHP before it reads that; here libphp's file
// tells its version. built is the version whose headers this program was built with.
func (c *commandLine) constants(built string) func(engine engines.Choice) func(name string) (string, bool) {
	return func(engine engines.Choice) func(name string) (string, bool) {
		known := ini.VersionConstant(sync.OnceValue(func() string {
			if version := sapi.EngineVersion(engine.Library); version != "" {
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
}
