// Package cmd decides which program phpsapi was called as: php, php-cgi or php-fpm, each of them a front end (packages cli, cgi, fpm), or phpsapi
// itself, whose commands are here (cobra). It passes the engine, package lifecycle, to front ends that are pure Go and may not import it.
//
//	main.go      the name in argv[0], the first argument, and which process of a service this is
//	root.go      phpsapi's own commands, and what is said about a word that is not a command
//	fpm.go       php-fpm, with what of it needs PHP in this process
//	operate.go   the commands for a running service: phpsapi fpm reload and others
//	worker.go    a process that a zygote forked
//	engines.go   phpsapi engines; version.go: phpsapi version
//
// It decides nothing else: what a program does is in its front end, what a command does in package operate.
package cmd

import (
	"cmp"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/phpsapi/phpsapi/cgi"
	"github.com/phpsapi/phpsapi/cli"
	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/fpm/front"
	"github.com/phpsapi/phpsapi/fpm/observe"
	"github.com/phpsapi/phpsapi/lifecycle"
	"github.com/phpsapi/phpsapi/sapi"
	"github.com/phpsapi/phpsapi/sapi/engines"
	"github.com/phpsapi/phpsapi/sapi/timezone"
)

// Main runs phpsapi with the arguments of the process and returns its exit status. PHP's programs are called without cobra: its
// commands take longer to make than many a script runs.
func Main() int {
	// Go ends a process that writes to descriptor 1 or 2 if nobody reads it any more. In PHP's programs such a message is
	// lost, and the script and the server continue.
	signal.Ignore(syscall.SIGPIPE)
	timezone.Adopt()
	if lifecycle.IsWorker() {
		return runWorker()
	}
	if os.Getenv(contract.FrontEnvironment) != "" {
		lifecycle.LeaveMainThread()
		lifecycle.WaitForThreads()
		if os.Args[0] == contract.ObserverTitle {
			return observe.Main()
		}
		return front.Main()
	}
	argv0, args := os.Args[0], os.Args[1:]
	asked := engines.Asked{Environment: os.Getenv(engines.Variable), Name: argv0}
	called := personality(argv0)
	if called == "php-cgi" { // its arguments may come from a URL
		return cgi.Main(cgi.Invocation{Args: args, Program: usageName(argv0, called), Binary: sapi.Binary(argv0), Engine: asked})
	}
	var err error
	if asked.Option, args, err = engines.TakeOption(args); err != nil {
		fmt.Fprintln(os.Stderr, "phpsapi:", err)
		return 1
	}
	switch {
	case called == "php":
		return cli.Main(cli.Invocation{Args: args, Program: usageName(argv0, called), Binary: sapi.Binary(argv0), Engine: asked})
	case called == "php-fpm":
		return fpm(args, usageName(argv0, "php"), sapi.Binary(argv0), asked)
	case isPHPCommandLine(args):
		return runCLI(args, asked)
	case len(args) > 0 && args[0] == "cli" && !isHelp(args[1:]):
		return runCLI(args[1:], asked)
	case len(args) > 0 && args[0] == "cgi" && !isHelp(args[1:]):
		return runCGI(args[1:], asked)
	}
	return execute(args, asked)
}

// usageName is what PHP's usage texts call a program started as argv0: its name where it came with a path, else name.
func usageName(argv0, name string) string {
	if strings.Contains(argv0, "/") {
		return filepath.Base(argv0)
	}
	return name
}

func runCLI(args []string, asked engines.Asked) int {
	option, args, err := engines.TakeOption(args)
	if err != nil {
		fmt.Fprintln(os.Stderr, "phpsapi cli:", err)
		return 1
	}
	asked.Option = cmp.Or(option, asked.Option)
	return cli.Main(cli.Invocation{Args: args, Program: "phpsapi cli", Binary: lifecycle.Self(), Engine: asked})
}

func runCGI(args []string, asked engines.Asked) int {
	return cgi.Main(cgi.Invocation{Args: args, Program: "phpsapi cgi", Binary: lifecycle.Self(), Engine: asked})
}

// personality is the program that phpsapi was called as by argv[0]: php, php-cgi or php-fpm, with or without a
// version after it; empty for phpsapi itself.
func personality(argv0 string) string {
	switch name := strings.TrimRight(filepath.Base(argv0), "0123456789."); name {
	case "php", "php-cgi", "php-fpm":
		return name
	}
	return ""
}

// isPHPCommandLine reports whether phpsapi itself was called with php's arguments: options that php has and cobra does not,
// or a file. PHP_BINARY is phpsapi itself in a script that `phpsapi cli` runs, and programs execute PHP_BINARY with php's
// arguments. A word that is written as a file's name is one, even if there is no such file, so that php says so.
func isPHPCommandLine(args []string) bool {
	if len(args) == 0 {
		return false
	}
	switch args[0] {
	case "-h", "--help", "--version", "-":
		return args[0] == "-"
	}
	if strings.HasPrefix(args[0], "-") {
		return true
	}
	if isCommand(args[0]) {
		return false
	}
	if strings.ContainsAny(args[0], "./") { // the name of a file, and PHP says so if there is none
		return true
	}
	info, err := os.Stat(args[0])
	return err == nil && !info.IsDir()
}
