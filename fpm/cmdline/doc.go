// Package cmdline is php-fpm's command line: its options, its usage text, its exit statuses. What shows PHP itself
// (-i, -m, -v) is the caller's, who has an engine; everything else is the master's. Pure Go.
//
// Counterpart: sapi/fpm/fpm/fpm_main.c.
package cmdline
