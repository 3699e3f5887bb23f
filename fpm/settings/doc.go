// Package settings is phpsapi's own settings, for what php-fpm.conf has no directive: HTTP, sites, worker mode, metrics and others. It is pure
// Go and starts nothing.
//
//	s, err := settings.Source{Flags: flags, Beside: "/etc/php/8.2/fpm/php-fpm.conf"}.Load()
//
// One table, Table, has all of them: defaults, names in the environment, keys of phpsapi.yaml, flags, help and
// docs/SETTINGS.md come from it. github.com/spf13/viper layers them: flags over PHPSAPI_* over phpsapi.yaml over
// defaults. Load makes a Settings, a value, so a reload can read the new ones while the old ones are at work.
//
// Overrides are php-fpm's directives from elsewhere than php-fpm.conf: --set, PHPSAPI_POOL_* and PHPSAPI_GLOBAL_*.
// Overrides.BuiltIn is the text that stands for php-fpm.conf in a service without that file.
//
// An error names the flag, variable or line that is wrong, and what is allowed.
package settings
