package cli

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/phpsapi/phpsapi/sapi"
)

// Options that have only a long name.
const (
	optReflectFunction      = 10
	optReflectClass         = 11
	optReflectExtension     = 12
	optReflectZendExtension = 13
	optExtensionInfo        = 14
	optINIFiles             = 15
	optRepeat               = 16
)

// options are php's. -C and -q do nothing: php-cgi has them.
var options = []option{
	{'a', false, "interactive"},
	{'B', true, "process-begin"},
	{'C', false, "no-chdir"},
	{'c', true, "php-ini"},
	{'d', true, "define"},
	{'E', true, "process-end"},
	{'e', false, "profile-info"},
	{'F', true, "process-file"},
	{'f', true, "file"},
	{'h', false, "help"},
	{'i', false, "info"},
	{'l', false, "syntax-check"},
	{'m', false, "modules"},
	{'n', false, "no-php-ini"},
	{'q', false, "no-header"},
	{'R', true, "process-code"},
	{'H', false, "hide-args"},
	{'r', true, "run"},
	{'s', false, "syntax-highlight"},
	{'s', false, "syntax-highlighting"},
	{'S', true, "server"},
	{'t', true, "docroot"},
	{'w', false, "strip"},
	{'?', false, "usage"},
	{'v', false, "version"},
	{'z', true, "zend-extension"},
	{optReflectFunction, true, "rf"},
	{optReflectFunction, true, "rfunction"},
	{optReflectClass, true, "rc"},
	{optReflectClass, true, "rclass"},
	{optReflectExtension, true, "re"},
	{optReflectExtension, true, "rextension"},
	{optReflectZendExtension, true, "rz"},
	{optReflectZendExtension, true, "rzendextension"},
	{optExtensionInfo, true, "ri"},
	{optExtensionInfo, true, "rextinfo"},
	{optINIFiles, false, "ini"},
	{optRepeat, true, "repeat"},
}

// mode is what a run does.
type mode int

const (
	modeScript mode = iota // execute the script
	modeHighlight
	modeLint
	modeStrip
	modeCode  // -r
	modeLines // -B, -R, -F, -E
	modeReflect
	modeExtensionInfo
	modeINIFiles
	modeInfo    // -i
	modeVersion // -v
	modeModules // -m
	modeHelp    // -h
)

// readsScript says whether the mode reads a script from a file or from standard input.
func (m mode) readsScript() bool {
	return m <= modeStrip
}

// startup is what the options say before PHP is started.
type startup struct {
	iniOverride  string // -c
	ignoreINI    bool   // -n
	entries      string // -d, as lines of php.ini
	server       bool   // -S
	extendedInfo bool   // -e
	end          mode   // modeHelp, modeInfo, modeVersion or modeModules, which end the options; else modeScript
}

// run is what the options say to do once PHP is started.
type run struct {
	mode       mode
	what       string // the name for modeReflect and modeExtensionInfo
	reflection byte   // the option of modeReflect
	script     string // -f, -F or the first argument
	code       string // -r
	begin      *string
	line       *string
	end        *string
	shell      bool // -a
	hideArgs   bool
	repeat     int
	extensions []string // -z
	args       []string // $argv without the script's name
	conflict   string   // the message about options that exclude each other
	server     string   // -S
	docroot    string   // -t
}

// parseStartup makes php's first pass over the options. The error is a usageError.
func parseStartup(args []string) (startup, error) {
	var s startup
	g := getopt{args: args, options: options}
	for {
		o, ok, err := g.read()
		if err != nil {
			return s, err
		}
		if !ok {
			return s, nil
		}
		switch o.letter {
		case 'c':
			s.iniOverride = o.value
		case 'n':
			s.ignoreINI = true
		case 'd':
			s.entries += sapi.Define(o.value)
		case 'S':
			s.server = true
		case 'e':
			s.extendedInfo = true
		case 'h', '?':
			s.end = modeHelp
			return s, nil
		case 'i', 'v', 'm':
			s.server = false
			s.end = map[byte]mode{'i': modeInfo, 'v': modeVersion, 'm': modeModules}[o.letter]
			return s, nil
		}
	}
}

const (
	modeConflict  = "Either execute direct code, process stdin or use a file.\n"
	lineConflict  = "You can use -R or -F only once.\n"
	shellMissing  = "Interactive shell (-a) requires the readline extension.\n"
	cannotStartup = "Could not startup.\n"
)

// parseRun makes php's second pass. hasShell says whether -a can be had.
func parseRun(args []string, hasShell bool) run {
	r := run{repeat: 1}
	g := getopt{args: args, options: options}
	for {
		o, ok, err := g.read()
		if !ok && err == nil {
			break
		}
		if conflict := r.apply(o, hasShell); conflict != "" {
			r.conflict = conflict
		}
	}
	rest := args[g.next:]
	if len(rest) > 0 && r.script == "" && r.mode != modeCode && r.mode != modeLines && !(g.next > 0 && args[g.next-1] == "--") {
		r.script = rest[0]
		rest = rest[1:]
	}
	r.args = rest
	return r
}

// apply takes one option, and gives the message about a conflict with an earlier one.
func (r *run) apply(o argument, hasShell bool) string {
	switch o.letter {
	case 'a':
		switch {
		case !hasShell:
			return shellMissing
		case !r.shell && r.mode != modeScript:
			return modeConflict
		}
		r.shell = true
	case 'f':
		switch {
		case r.mode == modeCode || r.mode == modeLines:
			return modeConflict
		case r.script != "":
			return "You can use -f only once.\n"
		}
		r.script = o.value
	case 'l':
		if r.mode == modeScript {
			r.mode = modeLint
		}
	case 'r':
		switch {
		case r.mode == modeCode:
			return "You can use -r only once.\n"
		case r.mode != modeScript || r.shell:
			return modeConflict
		}
		r.mode, r.code = modeCode, o.value
	case 'B', 'E', 'F', 'R':
		return r.applyLine(o)
	case 's':
		if r.mode == modeCode || r.mode == modeLines {
			return "Source highlighting only works for files.\n"
		}
		r.mode = modeHighlight
	case 'w':
		if r.mode == modeCode || r.mode == modeLines {
			return "Source stripping only works for files.\n"
		}
		r.mode = modeStrip
	case 'z':
		r.extensions = append(r.extensions, o.value)
	case 'H':
		r.hideArgs = true
	case 'S':
		r.server = o.value
	case 't':
		r.docroot = o.value
	case optReflectFunction, optReflectClass, optReflectExtension, optReflectZendExtension:
		r.mode, r.reflection, r.what = modeReflect, o.letter, o.value
	case optExtensionInfo:
		r.mode, r.what = modeExtensionInfo, o.value
	case optINIFiles:
		r.mode = modeINIFiles
	case optRepeat:
		r.repeat = atoi(o.value)
	}
	return ""
}

// applyLine takes -B, -R, -F and -E.
func (r *run) applyLine(o argument) string {
	shellExcludes := o.letter == 'B' || o.letter == 'E'
	var once string
	switch o.letter {
	case 'B':
		if r.begin != nil {
			once = "You can use -B only once.\n"
		}
	case 'E':
		if r.end != nil {
			once = "You can use -E only once.\n"
		}
	default:
		if r.line != nil || r.script != "" {
			once = lineConflict
		}
	}
	switch {
	case r.mode == modeLines && once != "":
		return once
	case r.mode != modeLines && (r.mode != modeScript || shellExcludes && r.shell):
		return modeConflict
	}
	r.mode = modeLines
	switch o.letter {
	case 'B':
		r.begin = &o.value
	case 'E':
		r.end = &o.value
	case 'R':
		r.line = &o.value
	case 'F':
		r.script = o.value
	}
	return ""
}

// atoi is C's: the number at the beginning of text, 0 where there is none.
func atoi(text string) int {
	text = strings.TrimLeft(text, " \t\n\v\f\r")
	end := 0
	for end < len(text) && (text[end] >= '0' && text[end] <= '9' || end == 0 && (text[end] == '-' || text[end] == '+')) {
		end++
	}
	n, err := strconv.Atoi(text[:end])
	if err != nil {
		return 0
	}
	return n
}

// Usage prints php's usage text, in which program is the program's name.
func Usage(w io.Writer, program string) {
	for i, form := range usageForms {
		lead := "Usage:"
		if i > 0 {
			lead = "  "
		}
		fmt.Fprintf(w, "%s %s [options] %s\n", lead, program, form)
	}
	fmt.Fprint(w, usageOptions)
}
