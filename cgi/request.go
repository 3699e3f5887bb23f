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
	info := p.php.CGIRequest()
	run := run{}
	if p.start.highlight {
		run.mode = modeHighlight
	}
	named := p.cgi || info.PathTranslated != ""
	if !p.cgi {
		run = parseRun(args, p.version, p.start.highlight)
		if status, ended := p.shell(&info, &run); ended {
			return status, true
		}
		named = named || run.script != "" || len(run.args) > 0
	}
	return p.request(direct(&info, run.noHeaders), run.mode, named)
}

// direct is the request for PHP.
func direct(info *sapi.RequestInfo, noHeaders bool) *lifecycle.WebRequest {
	r := lifecycle.NewWebRequest(info, nil, nil)
	r.Direct, r.NoHeaders = true, noHeaders
	return r
}

// shell applies what the arguments of a call from a shell say. ended says that this was all.
func (p *program) shell(r *sapi.RequestInfo, run *run) (status int, ended bool) {
	if run.interactive {
		fmt.Print("Interactive mode enabled\n\n")
	}
	if run.noChdir {
		p.engine.NoChdir()
	}
	if run.extendedInfo {
		p.engine.ExtendedInfo()
	}
	for _, path := range run.extensions {
		p.engine.LoadZendExtension(path)
	}
	switch run.mode {
	case modeModules:
		p.engine.PrintModules()
		return 0, true
	case modeVersion:
		return p.print(r, true, func() { p.engine.Print(p.engine.Build().VersionText(sapi.CGI)) }), true
	case modeInfo:
		return p.print(r, run.noHeaders, p.engine.PrintAllInfo), true
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
		r.QueryString = strings.Join(run.args, p.engine.SettingText("arg_separator.input"))
	}
	return 0, false
}

// print runs text in a request of its own.
func (p *program) print(info *sapi.RequestInfo, noHeaders bool, text func()) int {
	if p.php.RequestStartup(direct(info, noHeaders)) != nil {
		return failure
	}
	text()
	p.php.RequestShutdown()
	return 0
}

// request runs the script from the request's startup to its shutdown: the one that is named, even by an empty name, and
// else standard input.
func (p *program) request(r *lifecycle.WebRequest, mode mode, named bool) (status int, ended bool) {
	if p.php.RequestStartup(r) != nil {
		return failure, true
	}
	if named {
		if err := p.php.OpenScript(); err != nil {
			p.refuse(err)
			return failure, true
		}
	} else {
		p.php.OpenStdin("Standard input code")
	}
	switch mode {
	case modeLint:
		if !p.php.Lint() {
			status = failure
		}
	case modeStrip:
		p.php.Strip()
	case modeHighlight:
		p.php.Highlight()
	default:
		p.php.Execute()
	}
	p.php.RequestShutdown()
	if status == 0 {
		status = p.engine.ExitStatus()
	}
	return status, false
}

// refuse answers a request whose script cannot be opened.
func (p *program) refuse(err error) {
	if err == syscall.EACCES {
		p.php.Answer(403, []byte(lifecycle.CGIDenied))
	} else {
		p.php.Answer(404, []byte(lifecycle.CGIMissing))
	}
	p.php.RequestShutdown()
}

// isListening reports whether the descriptor is a socket that has no peer: a FastCGI server's.
func isListening(fd int) bool {
	_, err := syscall.Getpeername(fd)
	return err == syscall.ENOTCONN
}
