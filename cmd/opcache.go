package cmd

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/phpsapi/phpsapi/fpm/operate"
	"github.com/phpsapi/phpsapi/sapi/engines"
)

func opcacheCommand(asked engines.Asked) *cobra.Command {
	return family(&cobra.Command{
		Use:   "opcache status|reset",
		Short: "Show or reset what opcache has",
		Long:  "Commands for the opcache of the running service. All pools that run the same PHP share one.",
	}, opcacheOf(asked, 10*time.Second, (*operate.Operator).OpcacheStatus, &cobra.Command{
		Use:   "status",
		Short: "Show what opcache and APCu have",
		Long: `Show what opcache and APCu have: memory, scripts, hits, restarts. An idle worker is asked. If none is idle, the figures are the last ones that
a worker has told, with their age.`,
	}), opcacheOf(asked, 40*time.Second, (*operate.Operator).OpcacheReset, &cobra.Command{
		Use:   "reset",
		Short: "Have opcache forget all scripts",
		Long: `Have opcache forget all scripts, as opcache_reset() does: files are compiled again, whatever opcache.validate_timestamps says. An idle worker does
it or, if none is, the first one to end its request; after 30 seconds without one the command fails, and nothing is reset. Requests
that run continue with what they have, and opcache's memory is free when they have ended.

All pools that run the same PHP share an opcache, and it is reset for all of them. Pools in worker mode keep theirs, until phpsapi fpm reload.`,
	}))
}

// opcacheOf is a command for the opcache of a pool or of all pools.
func opcacheOf(asked engines.Asked, timeout time.Duration, run func(*operate.Operator, string) int, command *cobra.Command) *cobra.Command {
	command, operator := operatorCommand(asked, command, timeout)
	pool := command.Flags().String("pool", "", "only the opcache that the pool of this `name` uses")
	command.RunE = func(*cobra.Command, []string) error { return exitStatus(run(operator(), *pool)) }
	return command
}

// family is a command that is nothing without one of those below it. Its Use has their names.
func family(parent *cobra.Command, commands ...*cobra.Command) *cobra.Command {
	words := parent.Use
	parent.RunE = func(_ *cobra.Command, args []string) error {
		if len(args) == 0 {
			return usage(parent, errors.New("write phpsapi fpm "+words))
		}
		return usage(parent, fmt.Errorf("%q is not a command: write phpsapi fpm %s", args[0], words))
	}
	parent.Args = cobra.ArbitraryArgs
	parent.FParseErrWhitelist.UnknownFlags = true
	parent.SetFlagErrorFunc(usage)
	parent.AddCommand(commands...)
	return parent
}
