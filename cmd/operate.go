package cmd

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/phpsapi/phpsapi/fpm/cmdline"
	"github.com/phpsapi/phpsapi/fpm/conf"
	"github.com/phpsapi/phpsapi/fpm/master"
	"github.com/phpsapi/phpsapi/fpm/operate"
	"github.com/phpsapi/phpsapi/lifecycle"
	"github.com/phpsapi/phpsapi/sapi/engines"
)

// operatorCommands are the commands for a service in words.
func operatorCommands(asked engines.Asked) []*cobra.Command {
	return []*cobra.Command{startCommand(asked), reloadCommand(asked), upgradeCommand(asked), stopCommand(asked), testCommand(asked), statusCommand(asked),
		incidentsCommand(asked), requestsCommand(asked), killCommand(asked), healthcheckCommand(asked), scaleCommand(asked),
		pauseCommand(asked), resumeCommand(asked), drainCommand(asked), configCommand(asked), logLevelCommand(asked),
		topCommand(asked), opcacheCommand(asked), profileCommand(asked)}
}

func startCommand(asked engines.Asked) *cobra.Command {
	return fpmOptions(asked, &cobra.Command{
		Use:   "start [php-fpm's options]",
		Short: "Start the service",
		Long: `Start the service: the same as phpsapi fpm without a command. It runs in the background if daemonize of php-fpm.conf says
so (that is php-fpm's default; -F prevents it), and in the foreground without a php-fpm.conf. With --json it runs in the background,
and the command prints the outcome when the service serves or has failed.`,
	})
}

// fpmOptions makes a command one that takes php-fpm's options, after those that the command stands for.
func fpmOptions(asked engines.Asked, command *cobra.Command, first ...string) *cobra.Command {
	command.DisableFlagParsing = true
	command.RunE = func(command *cobra.Command, args []string) error {
		if isFPMHelp(args) {
			return command.Help()
		}
		if slices.ContainsFunc(args, isJSON) {
			return exitStatus(withOutcome(command.Name(), append(first, args...), asked))
		}
		return exitStatus(fpm(append(first, args...), "phpsapi fpm", lifecycle.Self(), asked))
	}
	return command
}

func reloadCommand(asked engines.Asked) *cobra.Command {
	command, operator := operatorCommand(asked, &cobra.Command{
		Use:   "reload",
		Short: "Reload the configuration of the running service",
		Long: `Reload the configuration and php.ini of the running service, as the signal USR2 does, and wait until the new workers
serve. If they cannot, the old ones keep serving, and the command shows the reason and fails.`,
	}, 2*time.Minute)
	drained := command.Flags().Bool("wait-drained", false, "also wait until the old workers have finished their requests")
	command.RunE = func(*cobra.Command, []string) error { return exitStatus(operator().Reload(*drained)) }
	return command
}

func upgradeCommand(asked engines.Asked) *cobra.Command {
	command, operator := operatorCommand(asked, &cobra.Command{
		Use:   "upgrade",
		Short: "Replace the program of the running service by the one that is installed now",
		Long: `Replace the program of the running service by the one that is installed now, load the configuration and php.ini, and wait until the
new workers serve. The master keeps its pid, its sockets and its connections, and the old workers finish their requests. The new
program is tried first: if it does not start, the old one keeps serving, and the command shows the reason and fails. A reload (or
the signal USR2) does the same if the program's file was replaced.`,
	}, 3*time.Minute)
	drained := command.Flags().Bool("wait-drained", false, "also wait until the old workers have finished their requests")
	probe := command.Flags().Bool("probe", false, "say what this program can take over from")
	cobra.CheckErr(command.Flags().MarkHidden("probe"))
	command.RunE = func(command *cobra.Command, _ []string) error {
		if *probe {
			return master.WriteProbe(command.OutOrStdout(), version())
		}
		return exitStatus(operator().Upgrade(*drained))
	}
	return command
}

func stopCommand(asked engines.Asked) *cobra.Command {
	command, operator := operatorCommand(asked, &cobra.Command{
		Use:   "stop",
		Short: "Stop the running service",
		Long: `Stop the running service after its current requests, and wait until it has ended. The requests have as long as
process_control_timeout of php-fpm.conf says. If that is not set, their only limits are request_terminate_timeout and, for HTTP,
http.limits.drain_timeout; the signal QUIT, which systemd sends, aborts them after a second in that case. --now aborts the requests, also
while another stop waits for them. If requests were aborted, the last line says how many.`,
	}, 0)
	now := command.Flags().Bool("now", false, "abort the requests, as the signal TERM does")
	command.RunE = func(*cobra.Command, []string) error { return exitStatus(operator().Stop(*now)) }
	return command
}

func statusCommand(asked engines.Asked) *cobra.Command {
	command, operator := operatorCommand(asked, &cobra.Command{
		Use:   "status",
		Short: "Show the status of the running service",
		Long: `Show the status of the running service: the numbers of php-fpm's status page for each pool. The master answers, even while all
workers are busy.`,
	}, 10*time.Second)
	full := command.Flags().Bool("full", false, "also show each worker")
	command.RunE = func(*cobra.Command, []string) error { return exitStatus(operator().Status(*full)) }
	return command
}

func incidentsCommand(asked engines.Asked) *cobra.Command {
	command, operator := operatorCommand(asked, &cobra.Command{
		Use:   "incidents",
		Short: "Show the last abnormal ends of workers and requests",
		Long: `Show the last abnormal ends of workers and requests: crashes, kills, requests that took too long, exits in the middle of a
request, worker scripts that fail. Each is shown with its request, PHP's stack and what the client got, as far as that is known. The
master remembers the last 256; the setting incident_log keeps all in a file.`,
	}, 10*time.Second)
	pool := command.Flags().String("pool", "", "only those of the pool of this `name`")
	n := command.Flags().IntP("number", "n", 10, "how many; 0 for all that the master remembers")
	command.RunE = func(*cobra.Command, []string) error {
		if *n < 0 {
			return usage(command, fmt.Errorf("-n %d: write how many incidents, or 0 for all", *n))
		}
		return exitStatus(operator().Incidents(*pool, *n))
	}
	return command
}

func requestsCommand(asked engines.Asked) *cobra.Command {
	command, operator := operatorCommand(asked, &cobra.Command{
		Use:   "requests",
		Short: "Show the requests that run",
		Long: `Show the requests that the workers have at the moment, the longest first: the worker's pid, its pool and generation (a number that
each reload raises), what it does, for how long, for which client, the request with its host, the script, the request's id.`,
	}, 10*time.Second)
	pool := command.Flags().String("pool", "", "only those of the pool of this `name`")
	command.RunE = func(*cobra.Command, []string) error { return exitStatus(operator().Requests(*pool)) }
	return command
}

func killCommand(asked engines.Asked) *cobra.Command {
	command, operator := operatorCommand(asked, &cobra.Command{
		Use:   "kill PID",
		Short: "End the request of a worker",
		Long: `End the request of a worker, and wait until the worker has ended; another takes its place. PID is the worker's, as phpsapi fpm
requests shows it. The worker gets SIGTERM, and after request_kill_timeout (2 seconds by default) SIGKILL. The client gets 502 if
nothing of the response was sent, and phpsapi fpm incidents shows where PHP was.`,
	}, 10*time.Second)
	now := command.Flags().Bool("now", false, "by SIGKILL at once, which leaves PHP no time to say where it was")
	pid := 0
	command.Args = arguments(argument{"the pid of a worker", func(text string) (err error) {
		if pid, err = strconv.Atoi(text); err == nil && pid <= 0 {
			err = strconv.ErrRange
		}
		return err
	}})
	command.RunE = func(*cobra.Command, []string) error { return exitStatus(operator().Kill(pid, *now)) }
	return command
}

func scaleCommand(asked engines.Asked) *cobra.Command {
	command, operator := operatorCommand(asked, &cobra.Command{
		Use:   "scale POOL N",
		Short: "Change how many workers a pool may have",
		Long: `Set the most workers that a pool may have to N, in place of pm.max_children, until the next reload; a pool with pm = static has as many.
If it has more, some end after their requests. N is at most twice pm.max_children; for a small pool it is at most pm.max_children + 16, and
for a large one at most pm.max_children + 1024.`,
	}, time.Minute)
	pool, n := "", 0
	command.Args = arguments(poolArgument(&pool), argument{"a number of workers", func(text string) (err error) {
		n, err = strconv.Atoi(text)
		return err
	}})
	command.RunE = func(*cobra.Command, []string) error { return exitStatus(operator().Scale(pool, n)) }
	return command
}

func pauseCommand(asked engines.Asked) *cobra.Command {
	return poolCommand(asked, 10*time.Second, (*operate.Operator).Pause, &cobra.Command{
		Use:   "pause POOL",
		Short: "Stop a pool from taking connections",
		Long: `Stop a pool from taking connections, until phpsapi fpm resume or the next reload. Its workers finish their requests and end. New
connections wait in the listen queue, and new requests by HTTP wait for http.limits.queue_timeout. Files are still sent by HTTP.`,
	})
}

func resumeCommand(asked engines.Asked) *cobra.Command {
	return poolCommand(asked, time.Minute, (*operate.Operator).Resume, &cobra.Command{
		Use:   "resume POOL",
		Short: "Let a paused pool take connections again",
		Long:  "Let a paused pool take connections again, those that wait first, and wait until a worker is ready.",
	})
}

func drainCommand(asked engines.Asked) *cobra.Command {
	return poolCommand(asked, 0, (*operate.Operator).Drain, &cobra.Command{
		Use:   "drain POOL",
		Short: "Pause a pool and wait until its requests have ended",
		Long: `Stop a pool from taking connections, as phpsapi fpm pause does, and wait until all of its workers have finished their requests and
ended, also those that are left from before a reload.`,
	})
}

func configCommand(asked engines.Asked) *cobra.Command {
	command, operator := operatorCommand(asked, &cobra.Command{
		Use:   "diff",
		Short: "Show what a reload would change",
		Long: `Show what a reload would change: the difference between the configuration that runs, with the changes of commands such as phpsapi fpm
scale, and the files: php-fpm.conf, phpsapi.yaml and php.ini. Passwords, keys and other secrets are not shown.`,
	}, 30*time.Second)
	command.RunE = func(*cobra.Command, []string) error { return exitStatus(operator().ConfigDiff()) }
	return family(&cobra.Command{
		Use:   "config diff",
		Short: "Show what a reload would change",
		Long:  "Commands for the configuration of the running service.",
	}, command)
}

func logLevelCommand(asked engines.Asked) *cobra.Command {
	command, operator := operatorCommand(asked, &cobra.Command{
		Use:   "log-level [alert|error|warning|notice|debug]",
		Short: "Show or change from which level messages are logged",
		Long: `Show from which level messages are logged, or change it until the next reload. It is the level of the error log, for the master and the
workers; the process that serves HTTP keeps the level that it was started with.`,
	}, 10*time.Second)
	level := ""
	command.Args = func(command *cobra.Command, args []string) error {
		if len(args) == 0 {
			return nil
		}
		return arguments(argument{"a level: write alert, error, warning, notice or debug", func(text string) error {
			if _, ok := conf.ParseLogLevel(text); !ok {
				return strconv.ErrSyntax
			}
			level = text
			return nil
		}})(command, args)
	}
	command.RunE = func(*cobra.Command, []string) error { return exitStatus(operator().LogLevel(level)) }
	return command
}

// poolCommand is a command that takes a pool.
func poolCommand(asked engines.Asked, timeout time.Duration, run func(*operate.Operator, string) int, command *cobra.Command) *cobra.Command {
	command, operator := operatorCommand(asked, command, timeout)
	pool := ""
	command.Args = arguments(poolArgument(&pool))
	command.RunE = func(*cobra.Command, []string) error { return exitStatus(run(operator(), pool)) }
	return command
}

// argument is one that a command must have: what it is, as messages say it, and what takes it.
type argument struct {
	what string
	set  func(string) error
}

func poolArgument(pool *string) argument {
	return argument{"the name of a pool", func(text string) error {
		*pool = text
		if text == "" {
			return strconv.ErrSyntax
		}
		return nil
	}}
}

// arguments returns what takes the arguments that a command must have.
func arguments(all ...argument) cobra.PositionalArgs {
	return func(command *cobra.Command, args []string) error {
		for i, a := range all {
			switch {
			case i >= len(args):
				return usage(command, fmt.Errorf("%s is missing", a.what))
			case a.set(args[i]) != nil:
				return usage(command, fmt.Errorf("%q is not %s", args[i], a.what))
			}
		}
		if len(args) > len(all) {
			return usage(command, fmt.Errorf("%q is not an option", args[len(all)]))
		}
		return nil
	}
}

func healthcheckCommand(asked engines.Asked) *cobra.Command {
	command, operator := operatorCommand(asked, &cobra.Command{
		Use:   "healthcheck",
		Short: "Show whether the running service can answer requests",
		Long: `Show whether the running service can answer requests, and the reasons if it cannot, as /readyz of metrics.listen does: see
docs/METRICS.md. The exit status is 0 if it can, and 1 if it cannot or no answer comes, as HEALTHCHECK of a container image needs it. The
command asks the master, or with --address the process that serves metrics.listen there.`,
	}, 5*time.Second)
	pool := command.Flags().String("pool", "", "only the pool of this `name`")
	address := command.Flags().String("address", "", "ask at this `address` of metrics.listen: 127.0.0.1:9253, unix:/path")
	command.RunE = func(*cobra.Command, []string) error {
		return exitStatus(operator().Healthcheck(*pool, *address))
	}
	return command
}

func testCommand(asked engines.Asked) *cobra.Command {
	return fpmOptions(asked, &cobra.Command{
		Use:   "test [php-fpm's options]",
		Short: "Check the configuration",
		Long: `Check the configuration, as phpsapi fpm -t does, and exit with status 0 if it is good. The options are php-fpm's. phpsapi fpm test -t
also shows every value, and where each comes from if one of phpsapi's own settings or overrides is in use. With --json the command
prints the outcome, with the messages.`,
	}, "-t")
}

// jsonFlag is the option of commands that print JSON for programs.
const jsonFlag = "json"

// operatorCommand adds the options that name a service to a command. The function that it returns is for the command's run:
// it returns the operator that the options describe.
func operatorCommand(asked engines.Asked, command *cobra.Command, timeout time.Duration) (*cobra.Command, func() *operate.Operator) {
	flags := command.Flags()
	flags.SortFlags = false
	command.Long += "\n\nIf several services run, one of the options --master, -g, -y, -p and -c says which is meant."
	var pid pidFlag
	flags.Var(&pid, "master", "the `pid` of the master")
	pidFile := flags.StringP("pid", "g", "", "the `file` with the pid of the master")
	config := flags.StringP("fpm-config", "y", "", "the php-fpm.conf `file` of the service")
	alias := flags.String("config", "", "another name for --fpm-config `file`")
	prefix := flags.StringP("prefix", "p", "", "the --prefix `directory` of the service")
	ini := flags.StringP("php-ini", "c", "", "the php.ini `file` of the service, or its directory")
	asJSON := flags.Bool(jsonFlag, false, "print JSON")
	patience := secondsFlag(timeout)
	flags.Var(&patience, "timeout", "how long to wait for the outcome, a `time` such as 30, 90s or 1m30s; 0 for no limit")
	cobra.CheckErr(command.MarkFlagDirname("prefix"))
	command.Args = func(command *cobra.Command, args []string) error {
		if len(args) == 0 {
			return nil
		}
		return usage(command, fmt.Errorf("%q is not an option", args[0]))
	}
	command.SetFlagErrorFunc(usage)
	return command, func() *operate.Operator {
		var args []string
		for _, o := range []struct{ option, value string }{{"-c", *ini}, {"-p", *prefix}, {"-y", *alias}, {"-y", *config}} {
			if o.value != "" {
				args = append(args, o.option, o.value)
			}
		}
		return &operate.Operator{
			Target: operate.Target{
				Pid: int(pid), PidFile: *pidFile, Named: len(args) > 0,
				Locate: func() (string, string) {
					return cmdline.Locate(fpmInvocation(args, "phpsapi fpm", lifecycle.Self(), asked))
				},
			},
			Out: os.Stdout, Err: os.Stderr, JSON: *asJSON, Began: time.Now(), Timeout: time.Duration(patience),
		}
	}
}

// usage prints what is wrong with a command line, and returns php-fpm's exit status for that.
func usage(command *cobra.Command, err error) error {
	fmt.Fprintf(os.Stderr, "%s: %v; %[1]s --help lists the options\n", command.CommandPath(), err)
	return exitStatus(cmdline.ExitUsage)
}
