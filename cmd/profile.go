package cmd

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/phpsapi/phpsapi/cli/server"
	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/fpm/control"
	"github.com/phpsapi/phpsapi/fpm/operate"
	"github.com/phpsapi/phpsapi/sapi/engines"
)

func profileCommand(asked engines.Asked) *cobra.Command {
	command, operator := operatorCommand(asked, &cobra.Command{
		Use:   "profile",
		Short: "Show where the running requests spend their time",
		Long: `Show where the requests that run spend their time: the workers of a pool look at PHP's stack, up to 100 times a second, for a while. Nothing has to be
installed or switched on for it, and it costs the workers less than 2 % of a processor's time. The result is a flame graph, folded stacks, or a
profile for go tool pprof. Idle workers are not looked at. Ctrl+C ends it early, and writes the result so far.

A worker begins with its next request. In pools with request_slowlog_timeout it begins at once, in the middle of a request. See docs/PROFILER.md.`,
		Example: `  phpsapi fpm profile --pool www --seconds 30 -o www.svg
  phpsapi fpm profile --pool www --url /checkout -o checkout.pb.gz && go tool pprof -top checkout.pb.gz
  phpsapi fpm profile --format folded | sort -k2 -n | tail`,
	}, 0)
	flags := command.Flags()
	cobra.CheckErr(flags.MarkHidden("timeout"))
	pool := flags.String("pool", "", "only the requests of the pool of this `name`")
	seconds := secondsFlag(10 * time.Second)
	flags.Var(&seconds, "seconds", "for how long, a `time` such as 30, 90s or 1m30s")
	rate := flags.Int("rate", 100, "how many `samples` a second of each worker")
	site := flags.String("site", "", "only the requests of this `host`")
	url := flags.String("url", "", "only the requests whose URI begins with this `prefix`, such as /checkout")
	format := flags.String("format", "", "the `format`: svg, folded or pprof; by default what the file's name says (.svg, .folded, .pb.gz), or svg")
	file := flags.StringP("output", "o", "", "the `file` to write; by default standard output")
	command.RunE = func(*cobra.Command, []string) error {
		length := time.Duration(seconds)
		switch {
		case length < time.Second || length > control.LongestProfile*time.Second:
			return usage(command, fmt.Errorf("--seconds %v: from 1 to %d", length, control.LongestProfile))
		case *rate < 1 || *rate > contract.MostSamples:
			return usage(command, fmt.Errorf("--rate %d: from 1 to %d", *rate, contract.MostSamples))
		case *format != "" && !slices.Contains(operate.Formats, *format):
			return usage(command, fmt.Errorf("--format %s: write %s", *format, strings.Join(operate.Formats, ", ")))
		case *file == "" && flags.Lookup(jsonFlag).Changed:
			return usage(command, fmt.Errorf("write -o FILE: --%s has standard output", jsonFlag))
		case *file == "" && *format != "folded" && server.IsTerminal(int(os.Stdout.Fd())):
			return usage(command, fmt.Errorf("write -o FILE: a terminal cannot show that"))
		}
		p := operate.Profiling{Pool: *pool, Length: length.Truncate(time.Second), Rate: *rate, Format: *format, File: *file}
		p.Filter.Site, p.Filter.URL = *site, *url
		return exitStatus(operator().Profile(p))
	}
	return command
}
