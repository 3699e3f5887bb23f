package cli

import (
	"fmt"
	"os"

	"github.com/phpsapi/phpsapi/cli/server"
	"github.com/phpsapi/phpsapi/lifecycle"
	"github.com/phpsapi/phpsapi/sapi"
	"github.com/phpsapi/phpsapi/sapi/engines"
	"github.com/phpsapi/phpsapi/sapi/getopt"
)

// neededFiles is how many files the server of -S opens to start: its socket, Go's poller, a zygote, a worker.
const neededFiles = 9

// serve is php -S. This process only owns the sockets; PHP runs in the zygote and its workers.
func serve(call Invocation, start startup, choice engines.Choice) int {
	if err := sapi.NeedFiles(neededFiles); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	lifecycle.RestoreScheduling()
	o := parseServer(call.Args, choice.PHP())
	o.Workers = os.Getenv("PHP_CLI_SERVER_WORKERS")
	o.Watch = os.Getenv("PHPSAPI_WATCH")
	o.Program = lifecycle.Self()
	o.RestoreThread = lifecycle.RestoreScheduling
	o.Engine = choice
	o.PHP = choice.PHP()
	o.Module = start.serverModule(call, choice.Minor(), o.zendExtensions)
	return server.Main(o.Options)
}

// serverOptions are the options of -S.
type serverOptions struct {
	server.Options
	zendExtensions []string // -z
}

// parseServer makes the pass over the options that php makes for -S: the first argument behind them is the router.
func parseServer(args []string, php sapi.PHPVersion) serverOptions {
	var o serverOptions
	g := getopt.Reader{Args: args, Options: optionsOf(php)}
	for {
		option, ok, err := g.Next()
		if !ok && err == nil {
			break
		}
		switch option.Letter {
		case 'S':
			o.Address = option.Value
		case 't':
			o.Root = option.Value
		case 'q':
			o.Quiet++
		case 'z':
			o.zendExtensions = append(o.zendExtensions, option.Value)
		}
	}
	if rest := g.Rest(); len(rest) > 0 {
		o.Router = rest[0]
	}
	return o
}

// serverModule is the development server's module: the command line's, without the settings that are forced there.
func (s startup) serverModule(call Invocation, version string, zendExtensions []string) sapi.Module {
	m := s.module(call, version)
	m.Name = sapi.CLIServer
	m.PrettyName = "Built-in HTTP server"
	m.InfoAsText = false
	m.INI.Entries = s.entries
	for _, path := range zendExtensions {
		m.INI.Entries += sapi.Define("zend_extension=" + path)
	}
	return m
}
