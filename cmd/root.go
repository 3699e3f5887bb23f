package cmd

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/phpsapi/phpsapi/cgi"
	"github.com/phpsapi/phpsapi/cli"
	"github.com/phpsapi/phpsapi/fpm/cmdline"
	"github.com/phpsapi/phpsapi/lifecycle"
	"github.com/phpsapi/phpsapi/sapi"
	"github.com/phpsapi/phpsapi/sapi/engines"
)

// exitStatus carries a front end's exit status out of cobra.
type exitStatus int

func (exitStatus) Error() string { return "" }

// execute runs the cobra command that args name, on the engine that was asked for, and returns the exit status.
func execute(args []string, asked engines.Asked) int {
	root := rootCommand(asked)
	if len(args) > 0 && !isCommand(args[0]) && !strings.HasPrefix(args[0], "-") {
		fmt.Fprintf(os.Stderr, "phpsapi: unknown command %q; %s\n", args[0], meant(root, args[0]))
		return 1
	}
	if len(args) > 1 && args[0] == "help" {
		if _, rest, err := root.Find(args[1:]); err != nil || len(rest) > 0 {
			fmt.Fprintf(os.Stderr, "phpsapi: there is no help for %q; phpsapi --help lists the commands\n", strings.Join(args[1:], " "))
			return 1
		}
	}
	if len(args) > 1 && args[0] == "fpm" && !strings.HasPrefix(args[1], "-") && args[1] != "help" && !slices.Contains(cmdline.Commands, args[1]) {
		fmt.Fprintf(os.Stderr, "phpsapi fpm: %q is neither an option nor a command; %s\n", args[1], meantOfFPM(root, args[1]))
		return cmdline.ExitUsage
	}
	if len(args) > 1 && args[0] == "fpm" && strings.HasPrefix(args[1], "-") && !isFPMHelp(args[1:]) {
		// After php-fpm's options comes no command; cobra, which does not know them, would look for one.
		if command, _, err := root.Find(args[:1]); err == nil {
			command.ResetCommands()
		}
	}
	root.SetArgs(args)
	command, err := root.ExecuteC()
	if status, ok := err.(exitStatus); ok {
		return int(status)
	}
	if err != nil && errors.As(err, new(*fs.PathError)) { // of the output, and not of how the command was called
		fmt.Fprintf(os.Stderr, "%s: %v\n", command.CommandPath(), err)
		return 1
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v; %[1]s --help lists what there is\n", command.CommandPath(), err)
		return 1
	}
	return 0
}

// meant is what somebody may have meant who typed a word that is not a command.
func meant(root *cobra.Command, word string) string {
	if command, _, err := root.Find([]string{"fpm", word}); err == nil && command.Name() == word {
		return fmt.Sprintf("did you mean \"phpsapi fpm %s\"?", word)
	}
	root.SuggestionsMinimumDistance = 2
	if close := root.SuggestionsFor(word); len(close) > 0 {
		return fmt.Sprintf("did you mean %q?", close[0])
	}
	return "phpsapi --help lists the commands"
}

// meantOfFPM is what somebody may have meant who typed a word that is not a command of phpsapi fpm.
func meantOfFPM(root *cobra.Command, word string) string {
	if command, _, err := root.Find([]string{"fpm"}); err == nil {
		command.SuggestionsMinimumDistance = 2
		if close := command.SuggestionsFor(word); len(close) > 0 {
			return fmt.Sprintf("did you mean \"phpsapi fpm %s\"?", close[0])
		}
	}
	return "phpsapi fpm --help lists them"
}

// isCommand reports whether word is the name of one of phpsapi's commands.
func isCommand(word string) bool {
	switch word {
	case "help", "completion", cobra.ShellCompRequestCmd, cobra.ShellCompNoDescRequestCmd:
		return true
	}
	return slices.Contains(commands, word)
}

// commands are the names of rootCommand's commands. To make those takes longer than a script may run.
var commands = []string{"cgi", "cli", "engines", "fpm", "version"}

func rootCommand(asked engines.Asked) *cobra.Command {
	root := &cobra.Command{
		Use:   "phpsapi",
		Short: "Runs PHP as a command line, as a CGI program and as a FastCGI server",
		Long: `phpsapi runs PHP on the real Zend Engine, in place of php, php-cgi and php-fpm.

Called under one of these names (a symbolic link is enough) it takes that program's arguments directly. A file or one of
php's options directly after phpsapi means "phpsapi cli".

` + enginesHelp(lifecycle.Machine().OfProgram),
		SilenceUsage:  true,
		SilenceErrors: true,
		Version:       version(),
	}
	root.AddCommand(cliCommand(asked), cgiCommand(asked), enginesCommand(asked), fpmCommand(asked), versionCommand(asked))
	root.Flags().Bool("version", false, "version for phpsapi") // cobra's own has -v, which is php's
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	return root
}

// enginesHelp tells which PHP runs. inside is the version of the PHP that is a part of the program; empty if there is none.
func enginesHelp(inside string) string {
	if inside != "" {
		return "PHP " + inside + " is a part of this program, which runs no other."
	}
	return `--engine 8.4, or --engine with the path of a libphp, before all other arguments chooses the PHP that runs; so do PHPSAPI_ENGINE
in the environment and names such as php8.4. Without any of these it is the version of the machine's php. phpsapi engines lists
the PHPs that can run.`
}

// isHelp reports whether args ask for phpsapi's own help: a lone --help does. -h is php's.
func isHelp(args []string) bool { return len(args) == 1 && args[0] == "--help" }

// isFPMHelp reports whether the arguments of fpm ask for its help.
func isFPMHelp(args []string) bool {
	return isHelp(args) || len(args) == 1 && (args[0] == "-h" || args[0] == "help")
}

// php makes a command one that runs one of php's programs, which reads its options itself.
func php(command *cobra.Command, run func(args []string) int) *cobra.Command {
	command.DisableFlagParsing = true
	command.RunE = func(command *cobra.Command, args []string) error {
		if isHelp(args) {
			return command.Help()
		}
		return exitStatus(run(args))
	}
	return command
}

func cliCommand(asked engines.Asked) *cobra.Command {
	var usage strings.Builder
	cli.Usage(&usage, "phpsapi cli", chosenPHP(asked))
	return php(&cobra.Command{
		Use:   "cli [php's options] [file] [args...]",
		Short: "Run PHP as the command line php does",
		Long: "Run PHP as the command line php does: the same options, settings, messages and exit codes.\n\n" +
			"The options are php's own:\n\n" + usage.String(),
		Example: `  phpsapi cli -r 'echo PHP_VERSION, "\n";'
  phpsapi cli script.php one two
  phpsapi cli -S 127.0.0.1:8000 -t public`,
	}, func(args []string) int { return runCLI(args, asked) })
}

func cgiCommand(asked engines.Asked) *cobra.Command {
	var usage strings.Builder
	cgi.Usage(&usage, "phpsapi cgi", chosenPHP(asked))
	return php(&cobra.Command{
		Use:   "cgi [php-cgi's options] [file] [args...]",
		Short: "Run PHP as the CGI program php-cgi does",
		Long: "Run PHP as the CGI program php-cgi does: executed by a web server once per request, or from a shell.\n\n" +
			"With -b, or a listening socket as standard input, it is a FastCGI server. Variables of the environment are its settings:\n" +
			"PHP_FCGI_CHILDREN, PHP_FCGI_MAX_REQUESTS, PHP_FCGI_BACKLOG, FCGI_WEB_SERVER_ADDRS, PHPSAPI_CGI_SOCKET_MODE (0660 by\n" +
			"default) and PHPSAPI_CGI_STOP_TIMEOUT (10 seconds by default).\n\n" +
			"With --zygote PATH before all other options, or PHPSAPI_CGI_ZYGOTE=PATH, a web server's request is handed to a resident,\n" +
			"a process that has PHP started and listens at PATH. The first request starts it. --zygote-listen PATH runs that\n" +
			"process itself, for systemd, or to see its messages. It ends after PHPSAPI_CGI_ZYGOTE_IDLE seconds without a request\n" +
			"(300 by default).\n\n" +
			"The options are php-cgi's own:\n\n" + usage.String(),
		Example: `  phpsapi cgi script.php a=1 b=2
  phpsapi cgi --zygote-listen /run/php/cgi.sock
  PHP_FCGI_CHILDREN=4 phpsapi cgi -b 127.0.0.1:9000
  REDIRECT_STATUS=200 REQUEST_METHOD=GET SCRIPT_FILENAME=/srv/www/x.php phpsapi cgi`,
	}, func(args []string) int { return runCGI(args, asked) })
}

// chosenPHP is the version of the engine that is meant, for texts.
func chosenPHP(asked engines.Asked) sapi.PHPVersion {
	choice, _ := lifecycle.Choose(asked)
	return choice.PHP()
}
