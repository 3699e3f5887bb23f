package cgi

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/phpsapi/phpsapi/lifecycle"
	"github.com/phpsapi/phpsapi/sapi"
)

// repeat serves the request, and again as often as -T says.
func (p *program) repeat(args []string, t timing) int {
	began := time.Now()
	status := 0
	for i := 0; i < t.warmup+max(t.repeats, 1); i++ {
		if i == t.warmup {
			began = time.Now()
		}
		var ended bool
		if status, ended = p.serve(args); ended {
			break
		}
	}
	if t.measured {
		took := time.Since(began)
		fmt.Fprintf(os.Stderr, "\nElapsed time: %d.%06d sec\n", took/time.Second, took%time.Second/time.Microsecond)
	}
	return status
}

// serve serves one request. ended says that there is to be no other.
func (p *program) serve(args []string) (status int, ended bool) {
	r := &sapi.Request{
		RequestInfo: requestInfo(&p.rules, environment{}),
		Environment: true,
		Direct:      true,
		Response:    &response{p.server},
	}
	r.Headers = headers(os.Environ())
	r.Variables = []sapi.Variable{{Name: "PHP_SELF", Value: phpSelf(&r.RequestInfo, p.rules.FixPathInfo, environment{})}}
	run := run{}
	if p.start.highlight {
		run.mode = modeHighlight
	}
	named := p.cgi || r.PathTranslated != ""
	if !p.cgi {
		run = parseRun(args, p.start.highlight)
		if status, ended := p.shell(r, &run); ended {
			return status, true
		}
		named = named || run.script != "" || len(run.args) > 0
	}
	return p.request(r, run.mode, named)
}

// shell applies what the arguments of a call from a shell say. ended says that this was all.
func (p *program) shell(r *sapi.Request, run *run) (status int, ended bool) {
	if run.interactive {
		fmt.Print("Interactive mode enabled\n\n")
	}
	if run.noChdir {
		p.server.NoChdir()
	}
	if run.extendedInfo {
		p.server.ExtendedInfo()
	}
	for _, path := range run.extensions {
		p.engine.LoadZendExtension(path)
	}
	r.NoHeaders = run.noHeaders
	switch run.mode {
	case modeModules:
		p.engine.PrintModules()
		return 0, true
	case modeVersion:
		r.NoHeaders = true
		return p.print(r, func() { p.engine.Print(p.versionText()) }), true
	case modeInfo:
		return p.print(r, p.engine.PrintAllInfo), true
	}
	switch {
	case run.script != "":
		r.PathTranslated = run.script
		r.Argv = append([]string{run.script}, run.args...)
	case len(run.args) > 0:
		r.PathTranslated = run.args[0]
		r.Argv = run.args
	}
	if r.QueryString == "" && len(run.args) > 0 {
		r.QueryString = strings.Join(run.args, p.server.SettingText("arg_separator.input"))
	}
	return 0, false
}

// print runs text in a request of its own.
func (p *program) print(r *sapi.Request, text func()) int {
	if p.server.RequestStartup(r) != nil {
		return failure
	}
	text()
	p.server.RequestShutdown()
	return 0
}

// request runs the script from the request's startup to its shutdown: the one that is named, even by an empty name, and
// else standard input.
func (p *program) request(r *sapi.Request, mode mode, named bool) (status int, ended bool) {
	if p.server.RequestStartup(r) != nil {
		return failure, true
	}
	if named {
		if err := p.server.OpenPrimary(); err != nil {
			p.refuse(err)
			return failure, true
		}
	} else {
		p.server.OpenStdin("Standard input code")
	}
	if p.server.Setting("cgi.check_shebang_line") != 0 {
		p.server.SkipShebang()
	}
	switch mode {
	case modeLint:
		if !p.server.LintPrimary() {
			status = failure
		}
	case modeStrip:
		p.server.StripPrimary()
	case modeHighlight:
		p.server.HighlightPrimary()
	default:
		p.server.ExecutePrimary()
	}
	p.server.ClosePrimary()
	p.server.RequestShutdown()
	if status == 0 {
		status = p.engine.ExitStatus()
	}
	return status, false
}

// What is said where the script cannot be opened: EACCES, and everything else.
const (
	denied  = "Access denied.\n"
	missing = "No input file specified.\n"
)

// refuse answers a request whose script cannot be opened.
func (p *program) refuse(err error) {
	if err == syscall.EACCES {
		p.server.SetStatus(403)
		p.engine.Print(denied)
	} else {
		p.server.SetStatus(404)
		p.engine.Print(missing)
	}
	p.server.RequestShutdown()
}

func (p *program) versionText() string {
	return fmt.Sprintf("PHP %s (%s) (built: %s)\nCopyright (c) The PHP Group\n%s", p.engine.PHPVersion(), sapi.CGI,
		p.engine.BuildTime().Format("Jan _2 2006 15:04:05"), p.engine.ZendVersion())
}

// response writes the head to standard output. The body goes there from C.
type response struct {
	server *lifecycle.Server
}

func (r *response) WriteHead(head *sapi.ResponseHead) error {
	rules := sapi.HeadRules{ // as the script has left them
		RFC2616: r.server.Setting("cgi.rfc2616_headers") != 0,
		NPH:     r.server.Setting("cgi.nph") != 0,
	}
	_, err := r.Write(rules.AppendHead(nil, head))
	return err
}

func (r *response) Write(b []byte) (int, error) {
	done := 0
	for done < len(b) {
		n, err := syscall.Write(1, b[done:])
		if err == syscall.EINTR {
			continue
		}
		if err != nil {
			return done, err
		}
		done += n
	}
	return done, nil
}

func (r *response) Flush() error { return nil }

// isListening says whether the descriptor is a socket that has no peer: a FastCGI server's.
func isListening(fd int) bool {
	_, err := syscall.Getpeername(fd)
	return err == syscall.ENOTCONN
}
