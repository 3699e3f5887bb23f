// Package cmd decides which of its programs phpsapi was called as, and holds the cobra commands. It has no logic of
// its own beyond that.
package cmd

import (
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/phpsapi/phpsapi/cgi"
	"github.com/phpsapi/phpsapi/cli"
	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/fpm/front"
	"github.com/phpsapi/phpsapi/lifecycle"
	"github.com/phpsapi/phpsapi/sapi"
	"github.com/phpsapi/phpsapi/sapi/timezone"
)

// Main runs phpsapi with the arguments of the process and returns its exit status. What is executed often gets there
// without cobra's commands, which take longer to make than a script may run.
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
		return front.Main()
	}
	argv := os.Args
	called := personality(argv[0])
	switch {
	case called == "php":
		return cli.Main(cli.Invocation{Args: argv[1:], Program: usageName(argv[0], called), Binary: sapi.Binary(argv[0])})
	case called == "php-cgi":
		return cgi.Main(cgi.Invocation{Args: argv[1:], Program: usageName(argv[0], called), Binary: sapi.Binary(argv[0])})
	case called == "php-fpm":
		return fpm(argv[1:], usageName(argv[0], "php"), sapi.Binary(argv[0]))
	case isPHPCommandLine(argv[1:]):
		return runCLI(argv[1:])
	case len(argv) > 1 && argv[1] == "cli" && !isHelp(argv[2:]):
		return runCLI(argv[2:])
	case len(argv) > 1 && argv[1] == "cgi" && !isHelp(argv[2:]):
		return runCGI(argv[2:])
	}
	return execute(argv[1:])
}

// usageName is what PHP's usage texts call a program started as argv0: its name where it came with a path, else name.
func usageName(argv0, name string) string {
	if strings.Contains(argv0, "/") {
		return filepath.Base(argv0)
	}
	return name
}

func runCLI(args []string) int {
	return cli.Main(cli.Invocation{Args: args, Program: "phpsapi cli", Binary: lifecycle.Self()})
}

func runCGI(args []string) int {
	return cgi.Main(cgi.Invocation{Args: args, Program: "phpsapi cgi", Binary: lifecycle.Self()})
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

// isPHPCommandLine reports whether phpsapi itself was called with php's arguments: options that php has and cobra has not,
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
