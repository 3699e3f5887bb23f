package cgi

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/phpsapi/phpsapi/cgi/handover"
	"github.com/phpsapi/phpsapi/lifecycle"
	"github.com/phpsapi/phpsapi/sapi"
	"github.com/phpsapi/phpsapi/sapi/engines"
)

// phpsapi's own options come before php-cgi's. A query string is none of them. They are these and engines.Option.
const (
	optionZygote = "--zygote"        // hand requests over to the zygote at the path that follows
	optionListen = "--zygote-listen" // be the zygote
	optionStart  = "--zygote-start"  // start it in the background; for this program's own use
)

// zygoteEnvironment is --zygote for a web server that sets no arguments.
const zygoteEnvironment = "PHPSAPI_CGI_ZYGOTE"

// ownOptions are what phpsapi's own options say.
type ownOptions struct {
	engine string // --engine
	zygote string // one of the options with a path; empty if none is given
	path   string
}

// takeOptions takes phpsapi's own options from the beginning of the arguments, in any order.
func takeOptions(args []string) (o ownOptions, rest []string, err error) {
	for {
		engine, rest, err := engines.TakeOption(args)
		if err != nil {
			return o, nil, err
		}
		o.engine = cmp.Or(engine, o.engine)
		if len(rest) == 0 || o.zygote != "" || rest[0] != optionZygote && rest[0] != optionListen && rest[0] != optionStart {
			return o, rest, nil
		}
		if len(rest) == 1 || rest[1] == "" {
			return o, nil, fmt.Errorf("%s needs the path of the zygote's socket, such as %[1]s /run/php/cgi.sock", rest[0])
		}
		o.zygote, o.path, args = rest[0], rest[1], rest[2:]
	}
}

// takeOwn takes phpsapi's own options from the arguments and does what they say. ended reports that this was all.
//
// The request was not handed over: that is done before Go starts (lifecycle/handover_client.c). If there is no zygote, it is
// started for the next.
func (call *Invocation) takeOwn() (status int, ended bool) {
	query, set := os.LookupEnv("QUERY_STRING")
	if fromURL(query, set) {
		startZygote(os.Getenv(zygoteEnvironment))
		return 0, false
	}
	own, rest, err := takeOptions(call.Args)
	if err != nil {
		fmt.Fprintln(os.Stderr, "phpsapi cgi:", err)
		return failure, true
	}
	call.Args, call.Engine.Option = rest, cmp.Or(own.engine, call.Engine.Option)
	switch own.zygote {
	case optionListen:
		return resident(own.path), true
	case optionStart:
		lifecycle.RestoreScheduling() // the resident has what this process was given, and so have all its children
		if err := handover.Background(lifecycle.Self(), "cgi", optionListen, own.path); err != nil {
			fmt.Fprintln(os.Stderr, "phpsapi cgi:", err)
			return failure, true
		}
		return 0, true
	case optionZygote:
		startZygote(own.path)
	default:
		startZygote(os.Getenv(zygoteEnvironment))
	}
	return 0, false
}

func startZygote(path string) {
	if path == "" || !lifecycle.IsCGIRequest() || !hasProc() {
		return
	}
	lifecycle.RestoreScheduling()
	_ = handover.Start(lifecycle.Self(), path, "cgi", optionStart, path) // without one this request is answered all the same
}

// hasProc reports whether /proc is there, by which a resident finds a client's files and compares its place with its own.
func hasProc() bool {
	_, err := os.Stat("/proc/self/fd")
	return err == nil
}

// neededByResident is how many files the resident opens to start, and for a first request.
const neededByResident = 16

// resident is the life of the resident. It returns the exit status.
func resident(path string) int {
	if !hasProc() {
		fmt.Fprintf(os.Stderr, "phpsapi cgi: %s needs /proc, which is not mounted here\n", optionListen)
		return failure
	}
	if err := sapi.NeedFiles(neededByResident); err != nil {
		fmt.Fprintln(os.Stderr, "phpsapi cgi:", err)
		return failure
	}
	runtime.GOMAXPROCS(1) // it only passes on: what another processor would win, its waking costs
	idle, err := handover.IdleTime()
	var socket *handover.Socket
	if err == nil {
		socket, err = handover.Listen(path, handover.InheritedLock(path))
	}
	if err == nil {
		log := func(text string) { fmt.Fprintln(os.Stderr, "phpsapi cgi:", text) }
		s := handover.Resident{Module: callModule, Program: lifecycle.Self(), Idle: idle, Log: log}
		err = s.Run(socket)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "phpsapi cgi:", err)
		return failure
	}
	return 0
}

// callArguments returns php-cgi's arguments of a call, PHP_BINARY, and the value of --engine.
func callArguments(call *handover.Call) (args []string, binary, engine string) {
	args, binary = call.Argv[1:], lifecycle.Self()
	if strings.HasPrefix(filepath.Base(call.Argv[0]), "php-cgi") {
		binary = callBinary(call)
	} else if engine, args, _ = engines.TakeOption(args); len(args) > 0 { // it is "cgi"
		args = args[1:]
	}
	if query, set := call.Env.Lookup("QUERY_STRING"); !fromURL(query, set) {
		var own ownOptions
		own, args, _ = takeOptions(args)
		engine = cmp.Or(own.engine, engine)
	}
	return args, binary, engine
}

// callEngine returns the engine that a call means: it has an environment of its own.
func callEngine(call *handover.Call, option string) (engines.Choice, error) {
	asked := engines.Asked{Option: option, Name: call.Argv[0]}
	asked.Environment, _ = call.Env.Lookup(engines.Variable)
	machine := lifecycle.Machine()
	machine.Path, _ = call.Env.Lookup("PATH")
	machine.LibraryPath, _ = call.Env.Lookup("LD_LIBRARY_PATH")
	return machine.Choose(asked, lifecycle.Versions())
}

// callBinary is sapi.Binary as the client would find it.
func callBinary(call *handover.Call) string {
	name := call.Argv[0]
	if strings.Contains(name, "/") {
		if !filepath.IsAbs(name) {
			name = filepath.Join(call.WorkingDirectory(), name)
		}
		return sapi.Binary(name)
	}
	search, _ := call.Env.Lookup("PATH")
	for _, dir := range filepath.SplitList(search) {
		path := filepath.Join(dir, name)
		if _, err := exec.LookPath(call.Path(path)); err == nil {
			if !filepath.IsAbs(path) {
				return ""
			}
			return path
		}
	}
	return ""
}

// callModule is the module that a call starts. A call that does not come from a web server, or whose options ask for
// more than a page, is none for the zygote.
func callModule(call *handover.Call) (module sapi.Module, engine string, ok bool) {
	args, binary, option := callArguments(call)
	choice, err := callEngine(call, option)
	if err != nil {
		return module, "", false
	}
	query, set := call.Env.Lookup("QUERY_STRING")
	start := parseStartup(args, choice.PHP(), query, set)
	if start.bound || start.highlight || !byWebServer(call.Env) {
		return module, "", false
	}
	if !start.ignored {
		if timing, usage, err := parseTiming(args, choice.PHP()); err != nil || usage || timing.measured {
			return module, "", false
		}
	}
	engine = choice.Library
	module = start.module(choice.Minor(), binary, call.Env.Lookup, false)
	module.INI.Path, ok = absolutePlaces(call, module.INI.Path)
	if !ok || slices.ContainsFunc(strings.Split(module.INI.ScanDir, ":"), isRelative) || isRelative(engine) && strings.Contains(engine, "/") {
		return module, "", false
	}
	return module, engine, true
}

// byWebServer reports whether a web server called: one of the variables that each of them sets is there.
func byWebServer(env handover.Environment) bool {
	for _, name := range [...]string{"SERVER_SOFTWARE", "SERVER_NAME", "GATEWAY_INTERFACE", "REQUEST_METHOD"} {
		if _, set := env.Lookup(name); set {
			return true
		}
	}
	return false
}

func isRelative(path string) bool {
	return path != "" && !filepath.IsAbs(path)
}

// absolutePlaces returns the places where php.ini is looked for without the current directory, which is named where it has
// a php.ini. ok is false where others are relative to it.
func absolutePlaces(call *handover.Call, places string) (absolute string, ok bool) {
	var list []string
	for _, place := range strings.Split(places, ":") {
		switch {
		case place == ".":
			if hasINI(call) {
				dir := call.WorkingDirectory()
				if dir == "" || strings.Contains(dir, ":") {
					return "", false
				}
				list = append(list, dir)
			}
		case isRelative(place):
			return "", false
		default:
			list = append(list, place)
		}
	}
	return strings.Join(list, ":"), true
}

func hasINI(call *handover.Call) bool {
	for _, name := range [...]string{"php-" + sapi.CGI + ".ini", "php.ini"} {
		if _, err := os.Stat(call.Path(name)); err == nil {
			return true
		}
	}
	return false
}

// Report is the life of a worker that the resident has forked to ask which files PHP was started from: it writes a handover.Report to
// its first descriptor. It returns the exit status.
func Report(w *lifecycle.Worker) int {
	files := w.Engine.INIFiles()
	report := handover.Report{INIDir: files.Dir, ScanDir: files.ScanDir}
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		fmt.Fprintln(os.Stderr, "phpsapi cgi:", err)
		return failure
	}
	for line := range strings.Lines(string(maps)) {
		if slash := strings.IndexByte(line, '/'); slash >= 0 {
			file := strings.TrimSpace(line[slash:])
			if !slices.Contains(report.Maps, file) && isLibrary(file) {
				report.Maps = append(report.Maps, file)
			}
		}
	}
	text, _ := json.Marshal(report)
	out := os.NewFile(uintptr(w.Files[0]), "report")
	if _, err := out.Write(text); err != nil {
		fmt.Fprintln(os.Stderr, "phpsapi cgi:", err)
		return failure
	}
	return 0
}

// isLibrary leaves out what is mapped without being there under its name: shared memory, and what opcache made.
func isLibrary(file string) bool {
	info, err := os.Stat(file)
	return err == nil && info.Mode().IsRegular() && !strings.HasPrefix(file, "/dev/")
}
