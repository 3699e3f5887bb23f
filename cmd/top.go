package cmd

import (
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/phpsapi/phpsapi/fpm/operate"
	"github.com/phpsapi/phpsapi/sapi/engines"
)

func topCommand(asked engines.Asked) *cobra.Command {
	command, operator := operatorCommand(asked, &cobra.Command{
		Use:   "top",
		Short: "Watch the running service",
		Long: `Watch the running service: its pools with workers by state, requests a second, what waits, processor time and memory, and the
requests that run. On a terminal, keys sort, choose a pool, end a request, reload and quit; the last line shows them. Elsewhere each
look is printed, as text or as lines of JSON.`,
	}, 10*time.Second)
	interval := secondsFlag(time.Second)
	command.Flags().VarP(&interval, "interval", "i", "the `time` between two looks")
	once := command.Flags().Bool("once", false, "print one look, after one interval, and end")
	command.Flags().Lookup(jsonFlag).Usage = "print a line of JSON for each look"
	pool := command.Flags().String("pool", "", "only the requests of the pool of this `name`")
	command.RunE = func(*cobra.Command, []string) error {
		if time.Duration(interval) < 100*time.Millisecond {
			return usage(command, fmt.Errorf("--interval %v: at least 100ms", time.Duration(interval)))
		}
		return exitStatus(operator().Top(operate.Top{Interval: time.Duration(interval), Once: *once, Pool: *pool, In: os.Stdin, Out: os.Stdout}))
	}
	return command
}
