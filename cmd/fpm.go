package cmd

import (
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/phpsapi/phpsapi/fpm/cmdline"
	"github.com/phpsapi/phpsapi/fpm/settings"
	"github.com/phpsapi/phpsapi/lifecycle"
	"github.com/phpsapi/phpsapi/sapi"
	"github.com/phpsapi/phpsapi/sapi/engines"
)

// fpm runs php-fpm's command line. It is pure Go; what it needs of the engine is passed to it.
func fpm(args []string, program, binary string, asked engines.Asked) int {
	return cmdline.Main(fpmInvocation(args, program, binary, asked))
}

// showService sets the process title of a service that begins.
func showService(title string) {
	lifecycle.WaitForThreads()
	lifecycle.SetProcessTitle(title)
}

func fpmInvocation(args []string, program, binary string, asked engines.Asked) cmdline.Invocation {
	return cmdline.Invocation{
		Argv: os.Args, Args: args, Program: program, Binary: binary, File: lifecycle.Self(),
		Asked: asked, Choose: lifecycle.Choose, Headers: lifecycle.Newest().Version, Release: version(),
		Own: personality(os.Args[0]) == "", Title: showService, Stay: lifecycle.LeaveMainThread,
		Show: showPHP,
	}
}

// showPHP is -i, -m and -v: it runs the engine in this process and ends it.
func showPHP(choice engines.Choice, module sapi.Module, what cmdline.Shown) int {
	engine, err := lifecycle.Load(choice.Library)
	if err != nil {
		fmt.Fprintln(os.Stderr, choice.Refusal(err))
		return cmdline.ExitSoftware
	}
	lifecycle.TakeProcess()
	if engine.ModuleStartup(module) != nil || engine.RequestStartup() != nil {
		return cmdline.ExitSoftware
	}
	switch what {
	case cmdline.ShowInfo:
		engine.PrintInfo()
	case cmdline.ShowModules:
		engine.PrintModules()
	case cmdline.ShowVersion:
		engine.Print(engine.Build().VersionText(module.Name))
	}
	engine.CommandLine().RequestShutdown()
	engine.CommandLine().Exit(0)
	panic("BUG: exit returned")
}

func fpmCommand(asked engines.Asked) *cobra.Command {
	var usage strings.Builder
	cmdline.Usage(&usage, "phpsapi fpm")
	usage.WriteString("\nphpsapi's own options:\n\n")
	settings.Usage(&usage)
	command := php(&cobra.Command{
		Use:   "fpm [php-fpm's options]",
		Short: "Run PHP as the FastCGI server php-fpm does",
		Long: "Run PHP as the FastCGI server php-fpm does: the same options, configuration, log lines and signals.\n\n" +
			"The options are php-fpm's own, and --config is another name for --fpm-config:\n\n" + usage.String(),
		Example: `  phpsapi fpm --http 127.0.0.1:8080 --root public
  phpsapi fpm --config /etc/php/8.2/fpm/php-fpm.conf --nodaemonize
  phpsapi fpm test
  phpsapi fpm reload`,
	}, func(args []string) int { return fpm(args, "phpsapi fpm", lifecycle.Self(), asked) })
	start := command.RunE
	command.RunE = func(command *cobra.Command, args []string) error {
		if isFPMHelp(args) {
			return command.Help()
		}
		return start(command, args)
	}
	command.AddCommand(operatorCommands(asked)...)
	return command
}
