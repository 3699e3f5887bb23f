package cgi

import (
	"fmt"
	"os"
	"runtime/debug"

	"github.com/phpsapi/phpsapi/lifecycle"
	"github.com/phpsapi/phpsapi/sapi"
	"github.com/phpsapi/phpsapi/sapi/engines"
)

// Invocation is how php-cgi was called.
type Invocation struct {
	Args    []string // the arguments, without the program's name
	Program string   // what the usage text calls the program
	Binary  string   // PHP_BINARY; empty if it is not known
	Engine  engines.Asked
}

const failure = lifecycle.CGIFailed

// program is one run of php-cgi on a started engine.
type program struct {
	engine  *lifecycle.Engine
	version sapi.PHPVersion
	php     *lifecycle.Web
	start   startup
	cgi     bool // a web server called
}

// Main is php-cgi. It ends the process if it has started PHP, and otherwise returns the exit status.
func Main(call Invocation) int {
	status, ended := call.takeOwn()
	if ended {
		return status
	}
	// The process serves one request: the collector would only cost.
	debug.SetGCPercent(-1)

	choice, err := lifecycle.Choose(call.Engine)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return failure
	}
	query, querySet := os.LookupEnv("QUERY_STRING")
	start := parseStartup(call.Args, choice.PHP(), query, querySet)
	if start.bound || isListening(0) {
		return serve(call, start, choice)
	}
	engine, err := lifecycle.Load(choice.Library)
	if err != nil {
		fmt.Fprintln(os.Stderr, choice.Refusal(err))
		return failure
	}
	lifecycle.TakeProcess()
	called := lifecycle.IsCGIRequest()
	if engine.ModuleStartup(start.module(engine.Description().Minor(), call.Binary, os.LookupEnv, !called)) != nil {
		return failure
	}
	p := &program{engine: engine, version: choice.PHP(), php: engine.NewCGI(), start: start, cgi: called}
	engine.CommandLine().Exit(p.main(call))
	panic("BUG: exit returned")
}

func (s startup) module(version, binary string, getenv func(string) (string, bool), dl bool) sapi.Module {
	m := sapi.Module{Name: sapi.CGI, PrettyName: "CGI/FastCGI", Binary: binary, DL: dl}
	m.INI = sapi.INISource{
		Version:   version,
		Package:   "cgi",
		Override:  s.iniOverride,
		Ignore:    s.ignoreINI,
		Binary:    binary,
		SearchCWD: true,
		Getenv:    getenv,
	}.Locate()
	m.INI.Entries = s.entries
	return m
}

// main does the program's work and returns its exit status.
func (p *program) main(call Invocation) int {
	if p.cgi && p.php.Refuses() {
		return failure
	}
	timing := timing{repeats: 1}
	if !p.start.ignored {
		var usage bool
		var err error
		timing, usage, err = parseTiming(call.Args, p.version)
		if usage {
			return printUsage(call, p.version, err)
		}
	}
	return p.repeat(call.Args, timing)
}
