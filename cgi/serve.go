package cgi

import (
	"fmt"
	"os"
	"runtime/debug"

	"github.com/phpsapi/phpsapi/cgi/server"
	"github.com/phpsapi/phpsapi/cgi/worker"
	"github.com/phpsapi/phpsapi/lifecycle"
	"github.com/phpsapi/phpsapi/sapi"
	"github.com/phpsapi/phpsapi/sapi/engines"
)

// listen returns the listening socket.
func listen(bind string, settings server.Settings) (*server.Socket, error) {
	if isListening(0) {
		return server.StandardInput()
	}
	socket, err := server.Listen(bind, settings)
	if err != nil {
		return nil, fmt.Errorf("%w\nCouldn't create FastCGI listen socket on port %s", err, bind)
	}
	return socket, nil
}

// neededFiles is how many files the server opens to start: its socket, Go's poller, a zygote; or those of one process
// that answers.
func neededFiles(settings server.Settings) int {
	if settings.Children > 0 {
		return 9
	}
	return 5
}

// serve is php-cgi as a FastCGI server, on the address of -b or on a listening socket that is standard input. With
// PHP_FCGI_CHILDREN this process only has children; PHP runs in them.
func serve(call Invocation, start startup, choice engines.Choice) int {
	if !start.ignored {
		if _, usage, err := parseTiming(call.Args, choice.PHP()); usage {
			return printUsage(call, choice.PHP(), err)
		}
	}
	settings, err := server.ReadSettings(os.LookupEnv, func(warning string) { fmt.Fprintln(os.Stderr, warning) })
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return failure
	}
	if err := sapi.NeedFiles(neededFiles(settings)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return failure
	}
	if err := settings.CheckChildren(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return failure
	}
	socket, err := listen(start.bind, settings)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return failure
	}
	settings.Highlight = start.highlight
	module := start.module(choice.Minor(), call.Binary, os.LookupEnv, false)
	if settings.Children > 0 {
		debug.SetGCPercent(100)
		lifecycle.RestoreScheduling()
		return server.Main(server.Options{Settings: settings, Listen: socket, Program: lifecycle.Self(),
			Engine: choice, Module: module, RestoreThread: lifecycle.RestoreScheduling})
	}
	engine, err := lifecycle.Load(choice.Library)
	if err != nil {
		socket.Close()
		fmt.Fprintln(os.Stderr, choice.Refusal(err))
		return failure
	}
	lifecycle.TakeProcess()
	if engine.ModuleStartup(module) != nil {
		socket.Close()
		return failure
	}
	status := worker.Only(engine, settings, int(socket.File.Fd()))
	socket.Close()
	engine.CommandLine().Exit(status)
	panic("BUG: exit returned")
}
