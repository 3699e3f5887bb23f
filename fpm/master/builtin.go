package master

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/phpsapi/phpsapi/fpm/companion"
	"github.com/phpsapi/phpsapi/fpm/conf"
	"github.com/phpsapi/phpsapi/fpm/machine"
	"github.com/phpsapi/phpsapi/fpm/settings"
)

// wantsBuiltIn reports whether the built-in configuration is to be used: where none is named, and either --http or --root
// says what to serve, or there is none and the program's own name allows it.
func (o *Options) wantsBuiltIn(c *conf.Options) bool {
	if c.Path != "" || c.Prefix.Set {
		return false
	}
	if len(o.Settings.Flags["http.listen"])+len(o.Settings.Flags["http.root"]) > 0 {
		return true
	}
	_, err := os.Stat(c.File())
	return o.Own && os.IsNotExist(err)
}

// buildIn makes the options those for the built-in configuration.
func (o *Options) buildIn(c *conf.Options, source *settings.Source) {
	name, group := "", ""
	if os.Geteuid() == 0 {
		if u, err := companion.Unprivileged(); err == nil {
			name, group = u.Username, u.Gid
		}
	}
	text := o.Overrides.BuiltIn(machine.Read(), name, group, c.Daemonize != nil && *c.Daemonize)
	c.Path = settings.BuiltInName
	open := c.System.Open
	c.System.Open = func(path string) (io.ReadCloser, error) {
		if path == settings.BuiltInName {
			return io.NopCloser(strings.NewReader(text)), nil
		}
		if open != nil {
			return open(path)
		}
		return os.Open(path)
	}
	source.Defaults = map[string]string{"http.listen": settings.DefaultListen, "http.root": ".", "http.pool": settings.BuiltInPool,
		settings.MetricsKey: settings.DefaultMetrics}
}

// reachable says why nobody could reach the built-in pool.
func (o *Options) reachable(own *settings.Settings) error {
	if own.Front() {
		return nil
	}
	said, err := o.Overrides.Resolve([]string{settings.BuiltInPool})
	if err != nil || slices.ContainsFunc(said, func(s conf.Setting) bool { return s.Name == "listen" }) {
		return err
	}
	return fmt.Errorf("http.listen is empty, and there is no php-fpm.conf: nobody could reach the service; say --http ADDRESS, "+
		"--fpm-config FILE, or --set %s.listen=ADDRESS", settings.BuiltInPool)
}
