// Package worker is a worker of php's development server: it answers requests, one after the other, each on the
// connection that its parent passes to it.
//
//	Run          one request after the other, until the parent has no more use for the worker
//	  answer     request startup, router, script, request shutdown
//	    variables.go  $_SERVER
//	    response.go   the response's head, and bytes to the client
//
// It owns the engine and, during a request, the client's connection. What it is told and says is in message.go of
// package server. It never parses what a client sent, and never outlives the zygote.
//
// Counterpart: the second half of sapi/cli/php_cli_server.c.
package worker

import (
	"fmt"
	"io"
	"os"
	"syscall"

	"github.com/phpsapi/phpsapi/cli/server"
	"github.com/phpsapi/phpsapi/lifecycle"
	"github.com/phpsapi/phpsapi/sapi"
)

// worker is this process.
type worker struct {
	settings server.Settings
	log      *server.Log
	engine   *lifecycle.Server
	parent   int     // the socket on which tasks come
	inForks  []int32 // parent, and the request's descriptors, as lifecycle.GivenUpInForks
}

// Run answers requests until the parent closes its socket, and gives the exit status. setLog is given what takes
// PHP's own messages.
func Run(w *lifecycle.Worker, setLog func(func(message string, priority int))) int {
	settings, err := server.DecodeSettings(w.Payload)
	if err != nil || len(w.Files) != 1 {
		fmt.Fprintln(os.Stderr, "phpsapi: worker: damaged settings:", err)
		return 1
	}
	log := &server.Log{Out: os.Stderr, Verbosity: settings.Verbosity, WithPid: settings.WithPid}
	setLog(func(message string, _ int) { log.Line(server.LevelMessage, message) })
	endWithZygote()
	self := &worker{settings: settings, log: log, engine: w.Engine.NewServer(), parent: w.Files[0]}
	self.inForks = lifecycle.GivenUpInForks(3)
	self.inForks[0] = int32(self.parent)
	self.say(self.hello())
	for self.next() {
	}
	w.Engine.ModuleShutdown()
	return 0
}

// endWithZygote has the kernel kill the worker when the zygote ends, which itself ends with its parent.
func endWithZygote() {
	const setParentDeathSignal = 1 // PR_SET_PDEATHSIG
	syscall.RawSyscall(syscall.SYS_PRCTL, setParentDeathSignal, uintptr(syscall.SIGKILL), 0)
}

// hello is what the worker says first.
func (w *worker) hello() byte {
	if w.engine.Setting("cli_server.color") != 0 {
		return server.HelloColor
	}
	return server.Hello
}

// say tells the parent. One that is gone needs no word.
func (w *worker) say(letter byte) {
	for {
		if _, err := syscall.Write(w.parent, []byte{letter}); err != syscall.EINTR {
			return
		}
	}
}

// next answers one request; false says that there are no more.
func (w *worker) next() bool {
	var first [1]byte
	space := make([]byte, syscall.CmsgSpace(2*4))
	n, space, err := receive(w.parent, first[:], space)
	if err != nil || n == 0 {
		return false
	}
	files, err := descriptors(space)
	if err != nil || len(files) == 0 {
		return false
	}
	t, err := server.ReadTask(io.MultiReader(newReader(first[:]), socketReader(w.parent)))
	if err != nil {
		return false
	}
	r := &response{client: files[0], task: t, begun: func() { w.say(server.Began) }}
	var body io.Reader
	if len(files) > 1 {
		body = socketReader(files[1])
	} else if t.Length > 0 {
		body = newReader(t.Body)
	}
	for i := range min(len(files), 2) {
		w.inForks[1+i] = int32(files[i])
	}
	said := w.answer(t, body, r)
	w.inForks[1], w.inForks[2] = -1, -1
	for _, fd := range files {
		syscall.Close(fd)
	}
	w.say(said)
	return true
}

// answer runs the request, and gives what to tell the parent.
func (w *worker) answer(t *server.Task, body io.Reader, r *response) byte {
	router := string(w.settings.Router)
	if w.engine.RequestStartup(w.request(t, body, r)) != nil {
		w.engine.RequestShutdown()
		return server.Done
	}
	if router != "" && !w.engine.ExecuteRouter(router) {
		w.engine.RequestShutdown()
		return server.Done
	}
	if !t.Script {
		w.engine.Decline()
		return server.Declined
	}
	w.engine.Execute(t.File)
	w.logResponse(t)
	if w.engine.Status() == 304 {
		w.engine.NoDefaultContentType()
	}
	w.engine.RequestShutdown()
	return server.Done
}

// logResponse writes the request's line of the log.
func (w *worker) logResponse(t *server.Task) {
	status := w.engine.Status()
	effective, detail := status, ""
	if e, ok := w.engine.LastError(); ok && e.Fatal {
		if status == 200 {
			effective = 500 // too late to tell the client
		}
		detail = fmt.Sprintf("%s in %s on line %d", e.Message, e.File, e.Line)
	}
	w.log.Color = w.engine.Setting("cli_server.color") != 0 && server.IsTerminal(1)
	w.log.Response(t.Client, status, effective, t.Method, t.URI, detail)
}

// request is the task in the engine's words.
func (w *worker) request(t *server.Task, body io.Reader, r *response) *sapi.Request {
	request := &sapi.Request{
		RequestInfo: sapi.RequestInfo{
			Method: t.Method, URI: t.URI, PathTranslated: t.File, ContentLength: t.Length, Protocol: t.Protocol,
			Cookie:        server.Header(t.Headers, "cookie"),
			Authorization: server.Header(t.Headers, "authorization"),
		},
		Variables: w.variables(t),
		Headers:   t.Sent,
		Body:      body,
		Response:  r,
	}
	request.ContentType, request.HasContentType = server.LookupHeader(t.Headers, "content-type")
	if t.Query != nil {
		request.QueryString = *t.Query
	}
	return request
}
