package cmd

import (
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/phpsapi/phpsapi/fpm/cmdline"
	"github.com/phpsapi/phpsapi/fpm/operate"
	"github.com/phpsapi/phpsapi/lifecycle"
)

// operatorCommands are those that talk to a running service.
func operatorCommands() []*cobra.Command {
	return []*cobra.Command{reloadCommand(), stopCommand(), testCommand(), statusCommand()}
}

func reloadCommand() *cobra.Command {
	command, operator := operatorCommand(&cobra.Command{
		Use:   "reload",
		Short: "Have the running service read its configuration anew",
		Long: `Have the running service read its configuration and php.ini anew, as the signal USR2 does, and wait until the new
workers serve. Where they cannot, the old ones go on serving, and the reason is shown.`,
	}, 2*time.Minute)
	drained := command.Flags().Bool("wait-drained", false, "wait until the old workers have finished their requests, too")
	command.RunE = func(*cobra.Command, []string) error { return exitStatus(operator().Reload(*drained)) }
	return command
}

func stopCommand() *cobra.Command {
	command, operator := operatorCommand(&cobra.Command{
		Use:   "stop",
		Short: "End the running service",
		Long: `End the running service when the requests in hand are finished, as the signal QUIT does, and wait until it is gone.
process_control_timeout of php-fpm.conf says how long they may take.`,
	}, 0)
	now := command.Flags().Bool("now", false, "do not wait for requests, as the signal TERM does")
	command.RunE = func(*cobra.Command, []string) error { return exitStatus(operator().Stop(*now)) }
	return command
}

func statusCommand() *cobra.Command {
	command, operator := operatorCommand(&cobra.Command{
		Use:   "status",
		Short: "Show how the running service is",
		Long: `Show how the running service is: the numbers of php-fpm's status page for each pool, from the master itself. It
answers while all workers are busy.`,
	}, 10*time.Second)
	asJSON := command.Flags().Bool("json", false, "as JSON, for programs")
	full := command.Flags().Bool("full", false, "each worker, too")
	command.RunE = func(*cobra.Command, []string) error { return exitStatus(operator().Status(*asJSON, *full)) }
	return command
}

func testCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "test [php-fpm's options]",
		Short: "Check the configuration",
		Long: `Check the configuration and end, with status 0 where it is good: phpsapi fpm -t in a word. The options are php-fpm's;
-t shows the configuration, too.`,
		DisableFlagParsing: true,
	}
	command.RunE = func(command *cobra.Command, args []string) error {
		if isHelp(args) {
			return command.Help()
		}
		return exitStatus(fpm(append([]string{"-t"}, args...), "phpsapi fpm", lifecycle.Self()))
	}
	return command
}

// operatorCommand gives a command the options that say which service is meant. What it returns beside it is the
// operator they describe, once they are read.
func operatorCommand(command *cobra.Command, timeout time.Duration) (*cobra.Command, func() *operate.Operator) {
	flags := command.Flags()
	flags.SortFlags = false
	pid := flags.Int("master", 0, "the `pid` of the master")
	pidFile := flags.StringP("pid", "g", "", "the `file` with the pid of the master")
	config := flags.StringP("fpm-config", "y", "", "the `file` that is the service's php-fpm.conf")
	alias := flags.String("config", "", "the same as --fpm-config, with a `file`")
	prefix := flags.StringP("prefix", "p", "", "the `directory` that the service was started with as --prefix")
	ini := flags.StringP("php-ini", "c", "", "the php.ini `file`, or its directory, if that says where php-fpm.conf is")
	patience := flags.Duration("timeout", timeout, "how long to wait for the outcome; 0 is without limit")
	cobra.CheckErr(command.MarkFlagDirname("prefix"))
	command.Args = func(command *cobra.Command, args []string) error { return usage(cobra.NoArgs(command, args)) }
	command.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usage(err) })
	return command, func() *operate.Operator {
		var args []string
		for _, o := range []struct{ option, value string }{{"-c", *ini}, {"-p", *prefix}, {"-y", *alias}, {"-y", *config}} {
			if o.value != "" {
				args = append(args, o.option, o.value)
			}
		}
		return &operate.Operator{
			Target: operate.Target{
				Pid: *pid, PidFile: *pidFile, Named: len(args) > 0,
				Locate: func() (string, string) {
					return cmdline.Locate(fpmInvocation(args, "phpsapi fpm", lifecycle.Self()))
				},
			},
			Out: os.Stdout, Err: os.Stderr, Timeout: *patience,
		}
	}
}

// usage says what is wrong with a command line, with php-fpm's exit status for that.
func usage(err error) error {
	if err == nil {
		return nil
	}
	fmt.Fprintln(os.Stderr, "phpsapi:", err)
	return exitStatus(cmdline.ExitUsage)
}
