package cli

import (
	"fmt"
	"strings"

	"github.com/phpsapi/phpsapi/lifecycle"
	"github.com/phpsapi/phpsapi/sapi"
)

// standardInput is what a script that is not a file is called.
const standardInput = "Standard input code"

// commandLine is the one run of a started engine.
type commandLine struct {
	lifecycle.CommandLine
	engine *lifecycle.Engine
	module sapi.Module
}

// run does what the options ask for and gives the exit status. end is the mode that ended the options, if one did.
func (c *commandLine) run(args []string, end mode) int {
	switch end {
	case modeInfo:
		return c.inRequest(c.engine.PrintInfo)
	case modeModules:
		return c.inRequest(c.engine.PrintModules)
	case modeVersion:
		c.engine.Print(c.versionText())
		c.Deactivate()
		return c.engine.ExitStatus()
	}
	r := parseRun(args, c.HasShell())
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

// fail prints message and gives the exit status of a run that was not begun.
func (c *commandLine) fail(message string) int {
	c.engine.Print(message)
	c.RequestFailed()
	c.CloseScript()
	return c.engine.ExitStatus()
}

// once is one request from its startup to its shutdown.
func (c *commandLine) once(r run) int {
	self, filename := standardInput, ""
	if r.script != nil {
		self, filename = *r.script, *r.script
		if !c.OpenScript(filename) {
			return c.fail("Could not open input file: " + filename + "\n")
		}
	} else if r.mode.readsScript() && !r.shell {
		c.OpenStdin(standardInput)
	}
	if c.RequestStartup(append([]string{self}, r.args...), filename) != nil {
		return c.fail(cannotStartup)
	}
	if r.hideArgs {
		lifecycle.HideArguments(1)
	}
	c.execute(r, self)
	c.CloseScript()
	c.RequestShutdown()
	return c.engine.ExitStatus()
}

// execute does the work of the request.
func (c *commandLine) execute(r run, self string) {
	switch r.mode {
	case modeScript:
		if r.shell {
			c.Shell(r.script != nil)
		} else {
			c.Execute(r.script != nil)
		}
	case modeLint:
		c.Lint(self)
	case modeStrip:
		c.Strip()
	case modeHighlight:
		c.Highlight()
	case modeCode:
		c.Eval(r.code, "Command line code")
	case modeLines:
		c.processLines(r)
	case modeReflect:
		c.engine.Reflect(reflections[r.reflection], r.what)
	case modeExtensionInfo:
		c.extensionInfo(r.what)
	case modeINIFiles:
		c.engine.Print(c.iniFilesText())
	}
}

func (c *commandLine) processLines(r run) {
	code := lifecycle.LineCode{Begin: r.begin, Run: r.line, End: r.end}
	if r.script != nil {
		c.CloseScript() // it was opened to see that it can be; every line opens it anew
		if r.line == nil {
			code.File = r.script
		}
	}
	c.ProcessStdin(code)
}

var reflections = map[byte]lifecycle.Reflection{
	optReflectFunction:      lifecycle.ReflectFunction,
	optReflectClass:         lifecycle.ReflectClass,
	optReflectExtension:     lifecycle.ReflectExtension,
	optReflectZendExtension: lifecycle.ReflectZendExtension,
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

func (c *commandLine) versionText() string {
	return fmt.Sprintf("PHP %s (%s) (built: %s) (%s)\nCopyright (c) The PHP Group\n%s", c.engine.PHPVersion(), sapi.CLI,
		c.engine.BuildTime().Format("Jan _2 2006 15:04:05"), c.engine.Build(), c.engine.ZendVersion())
}

func (c *commandLine) iniFilesText() string {
	files := c.engine.INIFiles()
	orNone := func(text string) string {
		if text == "" {
			return "(none)"
		}
		return text
	}
	return "Configuration File (php.ini) Path: " + c.module.INI.Dir + "\n" +
		"Loaded Configuration File:         " + orNone(files.Loaded) + "\n" +
		"Scan for additional .ini files in: " + orNone(files.ScanDir) + "\n" +
		"Additional .ini files parsed:      " + orNone(files.Scanned) + "\n"
}
