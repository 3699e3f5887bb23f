package cli

import (
	"fmt"
	"io"
	"slices"

	"github.com/phpsapi/phpsapi/sapi"
	"github.com/phpsapi/phpsapi/sapi/getopt"
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

// optionsOf are the options of php of that version.
func optionsOf(php sapi.PHPVersion) []getopt.Option {
	if !php.AtLeast(8, 5) {
		return options
	}
	since85 := slices.DeleteFunc(slices.Clone(options), func(o getopt.Option) bool { return o.Letter == 'z' })
	for i := range since85 {
		since85[i].Optional = since85[i].Letter == optINIFiles
	}
	return since85
}

// options are those of php before 8.5. -C and -q do nothing: php-cgi has them.
var options = []getopt.Option{
	{Letter: 'a', Name: "interactive"},
	{Letter: 'B', Parameter: true, Name: "process-begin"},
	{Letter: 'C', Name: "no-chdir"},
	{Letter: 'c', Parameter: true, Name: "php-ini"},
	{Letter: 'd', Parameter: true, Name: "define"},
	{Letter: 'E', Parameter: true, Name: "process-end"},
	{Letter: 'e', Name: "profile-info"},
	{Letter: 'F', Parameter: true, Name: "process-file"},
	{Letter: 'f', Parameter: true, Name: "file"},
	{Letter: 'h', Name: "help"},
	{Letter: 'i', Name: "info"},
	{Letter: 'l', Name: "syntax-check"},
	{Letter: 'm', Name: "modules"},
	{Letter: 'n', Name: "no-php-ini"},
	{Letter: 'q', Name: "no-header"},
	{Letter: 'R', Parameter: true, Name: "process-code"},
	{Letter: 'H', Name: "hide-args"},
	{Letter: 'r', Parameter: true, Name: "run"},
	{Letter: 's', Name: "syntax-highlight"},
	{Letter: 's', Name: "syntax-highlighting"},
	{Letter: 'S', Parameter: true, Name: "server"},
	{Letter: 't', Parameter: true, Name: "docroot"},
	{Letter: 'w', Name: "strip"},
	{Letter: '?', Name: "usage"},
	{Letter: 'v', Name: "version"},
	{Letter: 'z', Parameter: true, Name: "zend-extension"},
	{Letter: optReflectFunction, Parameter: true, Name: "rf"},
	{Letter: optReflectFunction, Parameter: true, Name: "rfunction"},
	{Letter: optReflectClass, Parameter: true, Name: "rc"},
	{Letter: optReflectClass, Parameter: true, Name: "rclass"},
	{Letter: optReflectExtension, Parameter: true, Name: "re"},
	{Letter: optReflectExtension, Parameter: true, Name: "rextension"},
	{Letter: optReflectZendExtension, Parameter: true, Name: "rz"},
	{Letter: optReflectZendExtension, Parameter: true, Name: "rzendextension"},
	{Letter: optExtensionInfo, Parameter: true, Name: "ri"},
	{Letter: optExtensionInfo, Parameter: true, Name: "rextinfo"},
	{Letter: optINIFiles, Name: "ini"},
	{Letter: optRepeat, Parameter: true, Name: "repeat"},
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
	modeINIChanges // --ini=diff
	modeInfo       // -i
	modeVersion    // -v
	modeModules    // -m
	modeHelp       // -h
)

// readsScript reports whether the mode reads a script from a file or from standard input.
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
	what       string  // the name for modeReflect and modeExtensionInfo
	reflection byte    // the option of modeReflect
	script     *string // -f, -F or the first argument; nil for standard input
	code       string  // -r
	begin      *string
	line       *string
	end        *string
	shell      bool // -a
	hideArgs   bool
	repeat     int
	extensions []string // -z
	args       []string // $argv without the script's name
	lint       []string // the further scripts that -l checks
	conflict   string   // the message about options that exclude each other
	server     string   // -S
	docroot    string   // -t
}

// parseStartup makes php's first pass over the options. The error is a getopt.UsageError.
func parseStartup(args []string, php sapi.PHPVersion) (startup, error) {
	var s startup
	g := getopt.Reader{Args: args, Options: optionsOf(php)}
	for {
		o, ok, err := g.Next()
		if err != nil {
			return s, err
		}
		if !ok {
			return s, nil
		}
		switch o.Letter {
		case 'c':
			s.iniOverride = o.Value
		case 'n':
			s.ignoreINI = true
		case 'd':
			s.entries += sapi.Define(o.Value)
		case 'S':
			s.server = true
		case 'e':
			s.extendedInfo = true
		case 'h', '?':
			s.end = modeHelp
			return s, nil
		case 'i', 'v', 'm':
			s.server = false
			s.end = map[byte]mode{'i': modeInfo, 'v': modeVersion, 'm': modeModules}[o.Letter]
			return s, nil
		}
	}
}

const (
	modeConflict = "Either execute direct code, process stdin or use a file.\n"
	lineConflict = "You can use -R or -F only once.\n"
	shellMissing = "Interactive shell (-a) requires the readline extension.\n"
)

// parseRun makes php's second pass. hasShell reports whether -a can be had.
func parseRun(args []string, hasShell bool, php sapi.PHPVersion) run {
	r := run{repeat: 1}
	g := getopt.Reader{Args: args, Options: optionsOf(php)}
	for {
		o, ok, err := g.Next()
		if !ok && err == nil {
			break
		}
		if conflict := r.apply(o, hasShell); conflict != "" {
			r.conflict = conflict
		}
	}
	rest := g.Rest()
	if len(rest) > 0 && r.script == nil && r.mode != modeCode && r.mode != modeLines && !g.Ended() {
		r.script = &rest[0]
		rest = rest[1:]
	}
	if r.mode == modeLint && r.script != nil && php.AtLeast(8, 3) {
		end := slices.Index(rest, "--")
		if end < 0 {
			end = len(rest)
		}
		r.lint = rest[:end]
	}
	r.args = rest
	return r
}

// apply takes one option, and returns the message about a conflict with an earlier one.
func (r *run) apply(o getopt.Argument, hasShell bool) string {
	switch o.Letter {
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
		case r.script != nil:
			return "You can use -f only once.\n"
		}
		r.script = &o.Value
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
		r.mode, r.code = modeCode, o.Value
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
		r.extensions = append(r.extensions, o.Value)
	case 'H':
		r.hideArgs = true
	case 'S':
		r.server = o.Value
	case 't':
		r.docroot = o.Value
	case optReflectFunction, optReflectClass, optReflectExtension, optReflectZendExtension:
		r.mode, r.reflection, r.what = modeReflect, o.Letter, o.Value
	case optExtensionInfo:
		r.mode, r.what = modeExtensionInfo, o.Value
	case optINIFiles:
		switch o.Value {
		case "":
			r.mode = modeINIFiles
		case "diff":
			r.mode = modeINIChanges
		default:
			return "Unknown argument for --ini\n"
		}
	case optRepeat:
		r.repeat = sapi.Atoi(o.Value)
	}
	return ""
}

// applyLine takes -B, -R, -F and -E.
func (r *run) applyLine(o getopt.Argument) string {
	shellExcludes := o.Letter == 'B' || o.Letter == 'E'
	var once string
	switch o.Letter {
	case 'B':
		if r.begin != nil {
			once = "You can use -B only once.\n"
		}
	case 'E':
		if r.end != nil {
			once = "You can use -E only once.\n"
		}
	default:
		if r.line != nil || r.script != nil {
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
	switch o.Letter {
	case 'B':
		r.begin = &o.Value
	case 'E':
		r.end = &o.Value
	case 'R':
		r.line = &o.Value
	case 'F':
		r.script = &o.Value
	}
	return ""
}

// Usage prints the usage text of php of that version, in which program is the program's name.
func Usage(w io.Writer, program string, php sapi.PHPVersion) {
	for i, form := range usageForms {
		lead := "Usage:"
		if i > 0 {
			lead = "  "
		}
		fmt.Fprintf(w, "%s %s [options] %s\n", lead, program, form)
	}
	fmt.Fprint(w, usageOptions(php))
}
