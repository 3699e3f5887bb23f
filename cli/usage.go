package cli

import (
	"strings"

	"github.com/phpsapi/phpsapi/sapi"
)

// The usage text is part of php's command line: scripts and people compare it.

var usageForms = []string{
	"[-f] <file> [--] [args...]",
	"-r <code> [--] [args...]",
	"[-B <begin_code>] -R <code> [-E <end_code>] [--] [args...]",
	"[-B <begin_code>] -F <file> [-E <end_code>] [--] [args...]",
	"-S <addr>:<port> [-t docroot] [router]",
	"-- [args...]",
	"-a",
}

const usageOptions82 = `
  -a               Run as interactive shell (requires readline extension)
  -c <path>|<file> Look for php.ini file in this directory
  -n               No configuration (ini) files will be used
  -d foo[=bar]     Define INI entry foo with value 'bar'
  -e               Generate extended information for debugger/profiler
  -f <file>        Parse and execute <file>.
  -h               This help
  -i               PHP information
  -l               Syntax check only (lint)
  -m               Show compiled in modules
  -r <code>        Run PHP <code> without using script tags <?..?>
  -B <begin_code>  Run PHP <begin_code> before processing input lines
  -R <code>        Run PHP <code> for every input line
  -F <file>        Parse and execute <file> for every input line
  -E <end_code>    Run PHP <end_code> after processing all input lines
  -H               Hide any passed arguments from external tools.
  -S <addr>:<port> Run with built-in web server.
  -t <docroot>     Specify document root <docroot> for built-in web server.
  -s               Output HTML syntax highlighted source.
  -v               Version number
  -w               Output source with stripped comments and whitespace.
  -z <file>        Load Zend extension <file>.

  args...          Arguments passed to script. Use -- args when first argument
                   starts with - or script is read from stdin

  --ini            Show configuration file names

  --rf <name>      Show information about function <name>.
  --rc <name>      Show information about class <name>.
  --re <name>      Show information about extension <name>.
  --rz <name>      Show information about Zend extension <name>.
  --ri <name>      Show configuration for extension <name>.

`

// usageOptions are the lines of the options that php of that version has.
func usageOptions(php sapi.PHPVersion) string {
	text := usageOptions82
	if php.AtLeast(8, 4) {
		text = before(text, "  -n  ", "  -C               Do not chdir to the script's directory (no-op in CLI)\n")
		text = before(text, "  -r <code>", "  -q               Do not output HTTP headers (no-op in CLI)\n")
	}
	if php.AtLeast(8, 5) {
		text = strings.Replace(text, "  -z <file>        Load Zend extension <file>.\n", "", 1)
		text = strings.Replace(text, "configuration file names\n", "configuration file names\n  --ini=diff       Show INI entries that differ from the built-in default\n", 1)
		text += "  --repeat <count> Repeat script execution <count> times.\n                   For internal purposes only.\n\n"
	}
	return text
}

// before puts a line before the one that begins with what.
func before(text, what, line string) string {
	return strings.Replace(text, "\n"+what, "\n"+line+what, 1)
}
