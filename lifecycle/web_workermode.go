package lifecycle

/*
#include "boot.h"
#include "engine_load.h"
*/
import "C"

import "github.com/phpsapi/phpsapi/sapi"

// WorkerRequests are the requests that a worker script answers.
type WorkerRequests interface {
	// NextRequest waits for the next request. It returns nil if the worker is to end. What it returns must not change until
	// RequestDone.
	NextRequest() *WebRequest
	// RequestDone is called when the script has answered the request and PHP's output has been committed.
	RequestDone()
	// Renew asks for new workers, with an opcache of their own: no worker lets go of the one that the script wants empty, or
	// that is full.
	Renew()
	// Aside takes what the script prints before its first request. It is valid only during the call.
	Aside(p []byte)
}

// RunWorkerScript runs the worker script at a path until it ends, which may be when the process ends. boot is what the script
// sees before its first request. It returns ErrRequestStartup if PHP is of no more use. within reports whether the script ended
// before it had answered a request: then RequestEnd, RequestShutdown and the response's end are due as after Execute. Otherwise
// RequestShutdown is due alone.
//
// With strict, what a request has changed of the process and of PHP's settings is put back before the next.
//
// The module must have been started with WorkerMode.
func (w *Web) RunWorkerScript(path string, boot *WebRequest, requests WorkerRequests, strict bool) (within bool, err error) {
	w.requests = requests
	w.fill(boot)
	w.ended, w.running = false, false
	w.c.room, w.c.room_size, w.c.room_used = nil, 0, 0
	if C.engine_web_startup(w.c) != 0 {
		return false, ErrRequestStartup
	}
	withText(path, func(c *C.char) { C.engine_script_open_file(c) })
	C.engine_web_run_worker_script(boolean(strict))
	return w.running, nil
}

// ResumeWorkerScript is RunWorkerScript in a process that was forked within the script, which a zygote's template has booted.
func (w *Web) ResumeWorkerScript(requests WorkerRequests) (within bool) {
	w.requests = requests
	w.ended, w.running = false, false
	C.boot_resume_script()
	return w.running
}

// engineNextRequest waits for the next request of a worker script.
//
//export engineNextRequest
func engineNextRequest() *C.struct_engine_request {
	w := web
	for {
		r := w.requests.NextRequest()
		if r == nil {
			return nil
		}
		w.fill(r)
		w.ended, w.running = false, true
		if w.takeRoom() == nil {
			return w.c
		}
		w.running = false // its client is gone
		w.requests.RequestDone()
	}
}

//export engineRequestDone
func engineRequestDone() {
	w := web
	if !w.ended {
		w.commit()
	}
	w.running = false
	w.requests.RequestDone()
}

// engineRenew asks for new workers, with an opcache of their own.
//
//export engineRenew
func engineRenew() {
	if web.requests != nil {
		web.requests.Renew()
	}
}

// BootRequest returns what a worker script sees before its first request: sapi.BootVariables, and no client.
func BootRequest(script string) *WebRequest {
	r := NewWebRequest(&sapi.RequestInfo{Method: "GET", URI: script, PathTranslated: script, Status: 200}, sapi.BootVariables(script), nil)
	r.NoHeaders = true
	return r
}
