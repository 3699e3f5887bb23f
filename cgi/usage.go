package cgi

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/phpsapi/phpsapi/sapi"
)

// printUsage prints the usage text, because it is asked for or an option is wrong, and returns the exit status.
func printUsage(call Invocation, php sapi.PHPVersion, err error) int {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	Usage(os.Stdout, call.Program, php)
	if err != nil {
		return 1
	}
	return 0
}

// Usage prints the usage text of php-cgi of that version, in which program is the program's name.
func Usage(w io.Writer, program string, php sapi.PHPVersion) {
	fmt.Fprintf(w, "Usage: %s [-q] [-h] [-s] [-v] [-i] [-f <file>]\n       %s <file> [args...]\n", program, program)
	text := usageOptions82
	if php.AtLeast(8, 5) {
		text = strings.Replace(text, "  -z <file>        Load Zend extension <file>.\n", "", 1)
	}
	fmt.Fprint(w, text)
}

const usageOptions82 = `  -a               Run interactively
  -b <address:port>|<port> Bind Path for external FASTCGI Server mode
  -C               Do not chdir to the script's directory
  -c <path>|<file> Look for php.ini file in this directory
  -n               No php.ini file will be used
  -d foo[=bar]     Define INI entry foo with value 'bar'
  -e               Generate extended information for debugger/profiler
  -f <file>        Parse <file>.  Implies ` + "`-q'" + `
  -h               This help
  -i               PHP information
  -l               Syntax check only (lint)
  -m               Show compiled in modules
  -q               Quiet-mode.  Suppress HTTP Header output.
  -s               Display colour syntax highlighted source.
  -v               Version number
  -w               Display source with stripped comments and whitespace.
  -z <file>        Load Zend extension <file>.
  -T <count>       Measure execution time of script repeated <count> times.
`
