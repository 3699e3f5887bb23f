// Package conf reads php-fpm.conf exactly as php-fpm does: the same files are
// accepted, the others refused, with the same lines in the log. Options.PHP
// says of which version, where versions differ.
//
//	cfg, err := conf.Load(conf.Options{Path: "/etc/php/8.2/fpm/php-fpm.conf", Log: log})
//
// Load makes a Config, a value: it changes nothing else, so a reload can read
// the new configuration while the old one serves. What php-fpm does to the
// machine on the way (it opens its logs, creating them) happens through the
// functions of a System, which callers and tests may replace. Check is php-fpm -t
// and -tt. Identify and Permissions look up users, groups and modes, for which
// php-fpm has a later step.
//
// The way through the package is php-fpm's: load.go (the file, then the checks),
// parse.go (lines to statements to directives, includes), global.go and pool.go
// (the tables of all directives: they drive parsing, defaults, -tt and
// documentation), settings.go and validate.go (the checks, in php-fpm's order).
//
// A failure is logged in php-fpm's words and returned as an *Error that tells
// file, line and directive. The line numbers in the log are php-fpm's own: it
// keeps counting from an included file's last line. Those in an *Error are
// right.
//
// Not here: settings that php-fpm.conf has no word for, and anything that
// happens once the configuration is known.
package conf
