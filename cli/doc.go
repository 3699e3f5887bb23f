// Package cli is the front end that is php's command line: `phpsapi cli`, or phpsapi called as php.
//
// Main reads top to bottom: the options (options.go), what there is to run (run.go), and the run: module startup, one
// script, module shutdown. It ends the process, by the exit status php would give. With -S (serve.go) it hands over to
// package server instead, and this process never loads libphp.
//
// Counterpart: sapi/cli/php_cli.c.
package cli
