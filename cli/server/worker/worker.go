// Package worker is a worker of php's development server: it answers requests, one after the other, each on the
// connection that its parent passes to it.
//
//	Run          one request after the other, until the parent has no more use for the worker
//	  answer     request startup, router, script, request shutdown
//	    variables.go  $_SERVER
//	    response.go   the response's head, and bytes to the client
//
// It owns the engine and, during a request, the client's connection. The messages between it and the parent are in message.go
// of package server. The zygote that forked it has started PHP. It never parses what a client sent, and never outlives the zygote.
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
	php      *lifecycle.Web
	client   response // of the present request
	parent   int      // the socket on which tasks come
	inForks  []int32  // parent, and the request's descriptors, as lifecycle.GivenUpInForks
}

// Run answers requests until the parent closes its socket, and returns the exit status. It calls setLog once, with the function that
// is to take PHP's own messages from then on.
func Run(w *lifecycle.Worker, setLog func(func(message string))) int {
	settings, err := server.DecodeSettings(w.Payload)
	if err != nil || len(w.Files) != 1 {
		fmt.Fprintln(os.Stderr, "phpsapi: worker: damaged settings:", err)
		return 1
	}
	log := &server.Log{Out: os.Stderr, Verbosity: settings.Verbosity, WithPid: settings.WithPid}
	setLog(func(message string) { log.Line(server.LevelMessage, message) })
	endWithZygote()
	self := &worker{settings: settings, log: log, parent: w.Files[0]}
	self.client.log = log
	self.php = w.Engine.NewWeb(&self.client)
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
	if w.php.Color() {
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
	w.client = response{client: files[0], log: w.log, task: t, begun: func() { w.say(server.Began) }}
	if len(files) > 1 {
		w.client.body = socketReader(files[1])
	} else if t.Length > 0 {
		w.client.body = newReader(t.Body)
	}
	for i := range min(len(files), 2) {
		w.inForks[1+i] = int32(files[i])
	}
	said := w.answer(t)
	w.inForks[1], w.inForks[2] = -1, -1
	for _, fd := range files {
		syscall.Close(fd)
	}
	w.say(said)
	return true
}

// answer runs the request, and returns what to tell the parent.
func (w *worker) answer(t *server.Task) byte {
	router := string(w.settings.Router)
	if w.php.RequestStartup(w.request(t)) != nil {
		w.php.RequestShutdown()
		return server.Done
	}
	if router != "" && !w.php.ExecuteRouter(router) {
		w.php.RequestShutdown()
		return server.Done
	}
	if !t.Script {
		w.client.declined = true
		w.php.NoDefaultContentType()
		w.php.RequestShutdown()
		return server.Declined
	}
	w.php.ExecuteFile(t.File)
	w.logResponse(t)
	if w.php.RequestEnd().Status == 304 {
		w.php.NoDefaultContentType()
	}
	w.php.RequestShutdown()
	return server.Done
}

// logResponse writes the request's line of the log.
func (w *worker) logResponse(t *server.Task) {
	status := w.php.RequestEnd().Status
	effective, detail := status, ""
	if e, ok := w.php.LastError(); ok && e.Fatal {
		if status == 200 {
			effective = 500 // too late to tell the client
		}
		detail = fmt.Sprintf("%s in %s on line %d", e.Message, e.File, e.Line)
	}
	w.log.Color = w.php.Color() && server.IsTerminal(1)
	w.log.Response(t.Client, status, effective, t.Method, t.URI, detail)
}

// request is the task in the engine's words.
func (w *worker) request(t *server.Task) *lifecycle.WebRequest {
	info := sapi.RequestInfo{
		Method: t.Method, URI: t.URI, PathTranslated: t.File, ContentLength: t.Length, Protocol: t.Protocol,
		Cookie:        server.Header(t.Headers, "cookie"),
		Authorization: server.Header(t.Headers, "authorization"),
	}
	info.ContentType, info.HasContentType = server.LookupHeader(t.Headers, "content-type")
	if t.Query != nil {
		info.QueryString = *t.Query
	}
	return lifecycle.NewWebRequest(&info, w.variables(t), t.Sent)
}
