package cli

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/phpsapi/phpsapi/lifecycle"
	"github.com/phpsapi/phpsapi/sapi"
)

// ordinary reports whether the run is one script and nothing that is asked or said between PHP's startup and the script:
// the engine can run it to the end of the process.
func (r run) ordinary() bool {
	return r.conflict == "" && len(r.extensions) == 0 && r.repeat <= 1 && !r.shell && len(r.lint) == 0 && r.work() != lifecycle.NoWork
}

// work is what the engine does in the run's request.
func (r run) work() lifecycle.Work {
	switch r.mode {
	case modeScript:
		if r.shell {
			return lifecycle.Shell
		}
		return lifecycle.Execute
	case modeLint:
		return lifecycle.Lint
	case modeStrip:
		return lifecycle.Strip
	case modeHighlight:
		return lifecycle.Highlight
	case modeCode:
		return lifecycle.Code
	case modeLines:
		return lifecycle.Lines
	}
	return lifecycle.NoWork
}

// phpMode is the run's mode as php numbers it for extensions (php_cli_mode).
func (r run) phpMode() int {
	if r.mode == modeReflect {
		return map[byte]int{optReflectFunction: 8, optReflectClass: 9, optReflectExtension: 10, optReflectZendExtension: 12}[r.reflection]
	}
	return map[mode]int{modeScript: 1, modeHighlight: 2, modeLint: 4, modeStrip: 5, modeCode: 6, modeLines: 7, modeExtensionInfo: 11,
		modeINIFiles: 13, modeINIChanges: 14}[r.mode]
}

// forEngine returns the run as the engine wants it.
func (r run) forEngine() lifecycle.Script {
	s := lifecycle.Script{
		Work:          r.work(),
		Mode:          r.phpMode(),
		Argv:          append([]string{lifecycle.StandardInput}, r.args...),
		File:          r.script,
		FromStdin:     r.mode.readsScript() && !r.shell,
		Code:          r.code,
		Lines:         lifecycle.LineCode{Begin: r.begin, Run: r.line, End: r.end},
		HideArguments: r.hideArgs,
		CannotStart:   lifecycle.CannotStart,
	}
	if r.script != nil {
		s.Argv[0] = *r.script
		if r.line == nil {
			s.Lines.File = r.script
		}
	}
	return s
}

// commandLine is the one run of a started engine.
type commandLine struct {
	lifecycle.CommandLine
	engine *lifecycle.Engine
	module sapi.Module
	php    sapi.PHPVersion
}

// run does what the options ask for and returns the exit status. end is the mode that ended the options, if one did.
func (c *commandLine) run(args []string, end mode) int {
	switch end {
	case modeInfo:
		return c.inRequest(c.engine.PrintInfo)
	case modeModules:
		return c.inRequest(c.engine.PrintModules)
	case modeVersion:
		c.engine.Print(c.engine.Build().VersionText(sapi.CLI))
		c.Deactivate()
		return c.engine.ExitStatus()
	}
	r := parseRun(args, c.HasShell(), c.php)
	for _, path := range r.extensions {
		c.engine.LoadZendExtension(path)
	}
	if r.conflict != "" {
		return c.fail(r.conflict)
	}
	if r.shell {
		fmt.Print("Interactive shell\n\n")
	}
	if r.repeat > 1 {
		fmt.Println("Executing for the first time...")
	}
	status := c.once(r)
	for ; len(r.lint) > 0; r.lint = r.lint[1:] {
		r.script = &r.lint[0]
		if s := c.once(r); s != 0 {
			status = s
		}
	}
	for i := 1; i < r.repeat; i++ {
		fmt.Println("Finished execution, repeating...")
		status = c.once(r)
	}
	return status
}

// inRequest runs print in a request of its own.
func (c *commandLine) inRequest(print func()) int {
	if c.engine.RequestStartup() != nil {
		c.RequestFailed()
		return c.engine.ExitStatus()
	}
	print()
	c.RequestShutdown()
	return c.engine.ExitStatus()
}

// fail prints message and returns the exit status of a run that was not begun.
func (c *commandLine) fail(message string) int {
	c.engine.Print(message)
	c.RequestFailed()
	return c.engine.ExitStatus()
}

// once runs r in a request of its own, from its startup to its shutdown.
func (c *commandLine) once(r run) int {
	script := c.Prepare(r.forEngine())
	if script.Begin() {
		switch r.mode {
		case modeReflect:
			c.engine.Reflect(reflection(r.reflection), r.what)
		case modeExtensionInfo:
			c.extensionInfo(r.what)
		case modeINIFiles:
			c.engine.Print(iniFilesText(c.engine.INIFiles(), c.php))
		case modeINIChanges:
			c.engine.PrintChangedSettings()
		default:
			script.Work()
		}
		script.End()
	}
	return c.engine.ExitStatus()
}

// reflection is what --rf, --rc, --re and --rz describe.
func reflection(option byte) lifecycle.Reflection {
	switch option {
	case optReflectFunction:
		return lifecycle.ReflectFunction
	case optReflectClass:
		return lifecycle.ReflectClass
	case optReflectExtension:
		return lifecycle.ReflectExtension
	}
	return lifecycle.ReflectZendExtension
}

func (c *commandLine) extensionInfo(name string) {
	switch {
	case c.engine.PrintExtensionInfo(strings.ToLower(name)):
	case name == "main":
		c.engine.PrintSettings()
	default:
		c.engine.Print("Extension '" + name + "' not present.\n")
		c.engine.SetExitStatus(1)
	}
}

// iniFilesText is what --ini prints. Since 8.5 the paths are in quotes, but for those of the files that were scanned.
func iniFilesText(files lifecycle.INIFiles, php sapi.PHPVersion) string {
	quoted := func(text string) string {
		if text != "" && php.AtLeast(8, 5) {
			return `"` + text + `"`
		}
		return cmp.Or(text, "(none)")
	}
	return "Configuration File (php.ini) Path: " + quoted(files.Dir) + "\n" +
		"Loaded Configuration File:         " + quoted(files.Loaded) + "\n" +
		"Scan for additional .ini files in: " + quoted(files.ScanDir) + "\n" +
		"Additional .ini files parsed:      " + cmp.Or(files.Scanned, "(none)") + "\n"
}
