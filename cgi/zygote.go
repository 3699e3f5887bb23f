package cgi

import (
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
)

// phpsapi's own options come before php-cgi's. A query string is none of them.
const (
	optionZygote = "--zygote"        // hand requests over to the zygote at the path that follows
	optionListen = "--zygote-listen" // be the zygote
	optionStart  = "--zygote-start"  // start it in the background; for this program's own use
)

// zygoteEnvironment is --zygote for a web server that sets no arguments.
const zygoteEnvironment = "PHPSAPI_CGI_ZYGOTE"

// takeOption takes an option of phpsapi's own, with its path, from the begin of the arguments. The path is empty where it
// is missing.
func takeOption(args []string) (option, path string, rest []string) {
	if len(args) == 0 || args[0] != optionZygote && args[0] != optionListen && args[0] != optionStart {
		return "", "", args
	}
	if len(args) == 1 {
		return args[0], "", nil
	}
	return args[0], args[1], args[2:]
}

// ownOption does what an option of phpsapi's own says, and gives php-cgi's arguments. ended says that this was all.
//
// The request was not handed over: that is done before Go starts (lifecycle/handover_client.c). Where there is no
// zygote, it is started for the next.
func ownOption(args []string) (rest []string, status int, ended bool) {
	query, set := os.LookupEnv("QUERY_STRING")
	if fromURL(query, set) {
		startZygote(os.Getenv(zygoteEnvironment))
		return args, 0, false
	}
	option, path, rest := takeOption(args)
	if option != "" && path == "" {
		fmt.Fprintf(os.Stderr, "phpsapi cgi: %s needs the path of the zygote's socket, such as %s /run/php/cgi.sock\n", option, option)
		return nil, failure, true
	}
	switch option {
	case optionListen:
		return nil, resident(path), true
	case optionStart:
		lifecycle.RestoreScheduling() // the resident has what this process was given, and so have all its children
		if err := handover.Background(lifecycle.Self(), "cgi", optionListen, path); err != nil {
			fmt.Fprintln(os.Stderr, "phpsapi cgi:", err)
			return nil, failure, true
		}
		return nil, 0, true
	case optionZygote:
		startZygote(path)
	default:
		startZygote(os.Getenv(zygoteEnvironment))
	}
	return rest, 0, false
}

func startZygote(path string) {
	if path == "" || !byWebServer(environment{}) || !hasProc() {
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

// resident is the resident zygote. It returns its exit status.
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
		s := handover.Server{Front: handover.Front{Module: callModule, Request: callRequest}, Program: lifecycle.Self(), Idle: idle, Log: log}
		err = s.Run(socket)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "phpsapi cgi:", err)
		return failure
	}
	return 0
}

// callArguments gives php-cgi's arguments of a call, and PHP_BINARY.
func callArguments(call *handover.Call) (args []string, binary string) {
	args, binary = call.Argv[1:], lifecycle.Self()
	if strings.HasPrefix(filepath.Base(call.Argv[0]), "php-cgi") {
		binary = callBinary(call)
	} else if len(args) > 0 { // it is "cgi"
		args = args[1:]
	}
	if query, set := call.Env.Lookup("QUERY_STRING"); !fromURL(query, set) {
		_, _, args = takeOption(args)
	}
	return args, binary
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
	args, binary := callArguments(call)
	query, set := call.Env.Lookup("QUERY_STRING")
	start := parseStartup(args, query, set)
	if start.bound || start.highlight || !byWebServer(&call.Env) {
		return module, "", false
	}
	if !start.ignored {
		if timing, usage, err := parseTiming(args); err != nil || usage || timing.measured {
			return module, "", false
		}
	}
	engine, _ = call.Env.Lookup("PHPSAPI_ENGINE")
	if engine == "" {
		engine = lifecycle.EnginePath()
	}
	module = start.module(binary, call.Env.Lookup, false)
	module.INI.Path, ok = absolutePlaces(call, module.INI.Path)
	if !ok || slices.ContainsFunc(strings.Split(module.INI.ScanDir, ":"), isRelative) || isRelative(engine) && strings.Contains(engine, "/") {
		return module, "", false
	}
	return module, engine, true
}

func isRelative(path string) bool {
	return path != "" && !filepath.IsAbs(path)
}

// absolutePlaces gives the places where php.ini is looked for without the current directory, which is named where it has
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

// callRequest is the request of a web server's call.
func callRequest(call *handover.Call, settings *handover.Settings) (*handover.Request, bool) {
	if settings.ForceRedirect && !redirected(settings.RedirectStatusEnv, &call.Env) {
		return nil, false
	}
	rules := pathRules(settings)
	rules.Stat = func(path []byte) (exists, regular bool) { return statFile([]byte(call.Path(string(path)))) }
	return &handover.Request{RequestInfo: requestInfo(&rules, &call.Env), Denied: denied, Missing: missing}, true
}

// Report is the worker of a zygote that says what was started.
func Report(w *lifecycle.Worker) int {
	report := handover.Report{Settings: readSettings(w.Engine)}
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
