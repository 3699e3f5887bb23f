package cgi

import (
	"fmt"
	"os"
	"runtime/debug"

	"github.com/phpsapi/phpsapi/cgi/handover"
	"github.com/phpsapi/phpsapi/lifecycle"
	"github.com/phpsapi/phpsapi/sapi"
	"github.com/phpsapi/phpsapi/sapi/engines"
)

// Invocation is how php-cgi was called.
type Invocation struct {
	Args    []string // the arguments, without the program's name
	Program string   // what the usage text calls the program
	Binary  string   // PHP_BINARY; empty where unknown
	Engine  engines.Asked
}

// failure is php-cgi's exit status where it could not do its work: C's -1.
const failure = 255

// program is one run of php-cgi on a started engine.
type program struct {
	engine  *lifecycle.Engine
	version sapi.PHPVersion
	php     *lifecycle.Web
	start   startup
	cgi     bool // a web server called
	rules   sapi.PathRules
}

// Main is php-cgi. It ends the process where PHP was started, and else returns the exit status.
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
	if engine.ModuleStartup(start.module(engine.Description().Minor(), call.Binary, os.LookupEnv, !byWebServer(environment{}))) != nil {
		return failure
	}
	p := &program{engine: engine, version: choice.PHP(), php: engine.NewWeb(standardFiles{}), start: start, cgi: byWebServer(environment{})}
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

// main does the program's work and gives its exit status.
func (p *program) main(call Invocation) int {
	settings := readSettings(p.engine)
	p.rules = pathRules(&settings)
	if p.cgi && settings.ForceRedirect && !redirected(settings.RedirectStatusEnv, environment{}) {
		fmt.Print(securityAlert(p.version))
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

// redirected says whether the web server called by a redirect of its own, and not because the program was reached
// through a URL.
func redirected(name string, variables sapi.Params) bool {
	if name == "" {
		name = "REDIRECT_STATUS"
	}
	return variables.Get(name) != nil
}

func readSettings(engine *lifecycle.Engine) handover.Settings {
	rules := engine.PathRules()
	s := handover.Settings{FixPathInfo: rules.FixPathInfo, DiscardPath: rules.DiscardPath, DocRoot: rules.DocRoot}
	s.ForceRedirect, s.RedirectStatusEnv = engine.ForceRedirect()
	return s
}

func pathRules(settings *handover.Settings) sapi.PathRules {
	return sapi.PathRules{FixPathInfo: settings.FixPathInfo, DiscardPath: settings.DiscardPath, DocRoot: settings.DocRoot, Stat: statFile}
}

// securityAlert is the page for a request that was not redirected.
func securityAlert(php sapi.PHPVersion) string {
	manual := "http://php.net"
	if php.AtLeast(8, 4) {
		manual = "https://www.php.net"
	}
	return `<b>Security Alert!</b> The PHP CGI cannot be accessed directly.

<p>This PHP CGI binary was compiled with force-cgi-redirect enabled.  This
means that a page will only be served up if the REDIRECT_STATUS CGI variable is
set, e.g. via an Apache Action directive.</p>
<p>For more information as to <i>why</i> this behaviour exists, see the <a href="` + manual + `/security.cgi-bin">manual page for CGI security</a>.</p>
<p>For more information about changing this behaviour or re-enabling this webserver,
consult the installation file that came with this distribution, or visit 
<a href="` + manual + `/install.windows">the manual page</a>.</p>
`
}
