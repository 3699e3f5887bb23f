// Package cmdline implements php-fpm's command line: its options, its usage text, its exit statuses, and phpsapi's own long options, which come from
// the table of package settings. Main reads the options and runs the master (package master), or checks or prints the configuration
// (-t, -tt). What shows PHP itself (-i, -m, -v) needs an engine, and is done by a function that the caller supplies: this package is pure Go.
//
// Counterpart: sapi/fpm/fpm/fpm_main.c.
package cmdline
