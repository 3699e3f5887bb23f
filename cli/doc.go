// Package cli is the front end that is php's command line: `phpsapi cli`, or phpsapi called as php.
//
// Main reads top to bottom: the options (options.go), what there is to run (run.go), and the run: module startup, one
// script, module shutdown. The exit status is php's. With -S, the development server (serve.go), it hands over to package
// server instead, and this process never loads libphp.
//
// Most command lines never reach this package: C runs them before Go starts (lifecycle/start.c).
//
// Counterpart: sapi/cli/php_cli.c.
package cli
