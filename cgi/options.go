package cgi

import (
	"net/url"
	"slices"
	"strings"

	"github.com/phpsapi/phpsapi/sapi"
	"github.com/phpsapi/phpsapi/sapi/getopt"
)

// optionsOf are the options of php-cgi of that version.
func optionsOf(php sapi.PHPVersion) []getopt.Option {
	if !php.AtLeast(8, 5) {
		return options
	}
	return slices.DeleteFunc(slices.Clone(options), func(o getopt.Option) bool { return o.Letter == 'z' })
}

// options are those of php-cgi before 8.5.
var options = []getopt.Option{
	{Letter: 'a', Name: "interactive"},
	{Letter: 'b', Parameter: true, Name: "bindpath"},
	{Letter: 'C', Name: "no-chdir"},
	{Letter: 'c', Parameter: true, Name: "php-ini"},
	{Letter: 'd', Parameter: true, Name: "define"},
	{Letter: 'e', Name: "profile-info"},
	{Letter: 'f', Parameter: true, Name: "file"},
	{Letter: 'h', Name: "help"},
	{Letter: 'i', Name: "info"},
	{Letter: 'l', Name: "syntax-check"},
	{Letter: 'm', Name: "modules"},
	{Letter: 'n', Name: "no-php-ini"},
	{Letter: 'q', Name: "no-header"},
	{Letter: 's', Name: "syntax-highlight"},
	{Letter: 's', Name: "syntax-highlighting"},
	{Letter: 'w', Name: "strip"},
	{Letter: '?', Name: "usage"},
	{Letter: 'v', Name: "version"},
	{Letter: 'z', Parameter: true, Name: "zend-extension"},
	{Letter: 'T', Parameter: true, Name: "timing"},
}

// mode is what a run does.
type mode int

const (
	modeScript mode = iota
	modeHighlight
	modeLint
	modeStrip
	modeInfo
	modeModules
	modeVersion
)

// startup is what the options say before PHP is started.
type startup struct {
	iniOverride string // -c
	ignoreINI   bool   // -n
	entries     string // -d, as lines of php.ini
	bound       bool   // -b is given,
	bind        string // with this address
	highlight   bool   // -s
	ignored     bool   // the arguments come from a URL and are not options
}

// fromURL reports whether the arguments may be a query string, which a web server passes as arguments where it has no
// `=` in it, and which would then be options (CVE-2012-1823). query is QUERY_STRING.
func fromURL(query string, set bool) bool {
	if !set || strings.Contains(query, "=") {
		return false
	}
	decoded := decode(query)
	return strings.HasPrefix(strings.TrimLeftFunc(decoded, func(c rune) bool { return c <= ' ' }), "-")
}

// decode decodes what can be decoded of a query string, as php_url_decode does: a `%` that is not an escape stays.
func decode(query string) string {
	var decoded strings.Builder
	for i := 0; i < len(query); i++ {
		switch c := query[i]; {
		case c == '+':
			decoded.WriteByte(' ')
		case c == '%' && i+2 < len(query):
			text, err := url.PathUnescape(query[i : i+3])
			if err != nil {
				decoded.WriteByte(c)
				continue
			}
			decoded.WriteString(text)
			i += 2
		case c == 0:
			return decoded.String()
		default:
			decoded.WriteByte(c)
		}
	}
	// C's string ends at a NUL.
	text, _, _ := strings.Cut(decoded.String(), "\x00")
	return text
}

// parseStartup makes php-cgi's first pass over the options: it takes what module startup needs, and no notice of
// errors.
func parseStartup(args []string, php sapi.PHPVersion, query string, querySet bool) startup {
	if fromURL(query, querySet) {
		return startup{ignored: true}
	}
	var s startup
	g := getopt.Reader{Args: args, Options: optionsOf(php)}
	for {
		o, ok, err := g.Next()
		if err == nil && !ok {
			return s
		}
		switch o.Letter {
		case 'c':
			s.iniOverride = o.Value
		case 'n':
			s.ignoreINI = true
		case 'd':
			s.entries += sapi.Define(o.Value)
		case 'b':
			s.bound, s.bind = true, o.Value
		case 's':
			s.highlight = true
		}
	}
}

// timing is -T: how often to run, after how many runs that do not count.
type timing struct {
	measured bool
	warmup   int
	repeats  int
}

// parseTiming makes the second pass. usage says that the usage text is asked for, err that an option is wrong.
func parseTiming(args []string, php sapi.PHPVersion) (t timing, usage bool, err error) {
	t.repeats = 1
	g := getopt.Reader{Args: args, Options: optionsOf(php)}
	for {
		o, ok, err := g.Next()
		switch {
		case err != nil:
			return t, true, err
		case !ok:
			return t, false, nil
		}
		switch o.Letter {
		case 'h', '?':
			return t, true, nil
		case 'T':
			t.measured = true
			if warmup, repeats, found := strings.Cut(o.Value, ","); found {
				t.warmup, t.repeats = sapi.Atoi(warmup), sapi.Atoi(repeats)
			} else {
				t.repeats = sapi.Atoi(o.Value)
			}
		}
	}
}

// run is what the options of a call from a shell ask for.
type run struct {
	mode         mode
	interactive  bool
	noChdir      bool
	extendedInfo bool
	noHeaders    bool
	script       string   // -f
	extensions   []string // -z
	args         []string // what follows the options
}

// parseRun makes the third pass, for a call from a shell.
func parseRun(args []string, php sapi.PHPVersion, highlight bool) run {
	var r run
	if highlight {
		r.mode = modeHighlight
	}
	g := getopt.Reader{Args: args, Options: optionsOf(php)}
	for {
		o, ok, err := g.Next()
		if err == nil && !ok {
			r.args = g.Rest()
			return r
		}
		switch o.Letter {
		case 'a':
			r.interactive = true
		case 'C':
			r.noChdir = true
		case 'e':
			r.extendedInfo = true
		case 'f':
			r.script, r.noHeaders = o.Value, true
		case 'l':
			r.mode, r.noHeaders = modeLint, true
		case 'q':
			r.noHeaders = true
		case 'w':
			r.mode = modeStrip
		case 'z':
			r.extensions = append(r.extensions, o.Value)
		case 'i', 'm', 'v':
			r.mode = map[byte]mode{'i': modeInfo, 'm': modeModules, 'v': modeVersion}[o.Letter]
			return r
		}
	}
}
