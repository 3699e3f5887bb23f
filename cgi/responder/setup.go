package responder

import (
	"time"

	"github.com/phpsapi/phpsapi/cgi/fastcgi"
	"github.com/phpsapi/phpsapi/lifecycle"
)

// Sizes of what a connection's bytes go through. As stock PHP does, it sends records when there are 8 KiB of them: nginx,
// whose header buffer is a page or two, discards the messages before a response's head if a record ends where it has read
// the buffer full. A page that is made fast is sent in larger pieces from there on. Of a buffer the system has as much as was used.
const (
	readBuffer  = 64 << 10
	writeBuffer = 64<<10 + fastcgi.TailRoom
	writeAfter  = 8 << 10
)

// New makes this process ready for requests. The engine's module must have been started. Configure is to be called before the
// first request.
func New(engine *lifecycle.Engine, frontEnd FrontEnd) *Responder {
	r := &Responder{}
	r.Prepare(frontEnd)
	r.Start(engine)
	return r
}

// Prepare is the part of New that needs no PHP: the process that forks this one may have called it. r must be zero before.
func (r *Responder) Prepare(frontEnd FrontEnd) {
	r.frontEnd, r.PHP, r.conn, r.Sent = frontEnd, &r.own.php, &r.own.conn, &r.own.sent
	r.io.onBegin, r.io.onTry = frontEnd.Reading, frontEnd.Receiving
	r.io.wake, r.io.hurry = -1, [...]int32{-1, -1}
	r.own.files.home = r.PHP.GoHome
	r.own.stat = r.own.files.stat
}

// Start is the other part of New.
func (r *Responder) Start(engine *lifecycle.Engine) {
	r.engine = engine
	r.PHP.Start(r)
	r.io.inForks = &lifecycle.GivenUpInForks(1)[0]
	r.io.take(-1)
}

// StartForApache is Start in a worker that answers requests of Apache's httpd, by PHP.AnswerApache. Such a worker uses the responder
// for its connections alone.
func (r *Responder) StartForApache(engine *lifecycle.Engine) {
	r.engine = engine
	r.PHP.StartForApache()
	r.io.inForks = &lifecycle.GivenUpInForks(1)[0]
	r.io.take(-1)
}

// WakeBy makes a descriptor that becomes readable end the wait for a request: Read returns false, and the connection is idle.
func (r *Responder) WakeBy(fd int) { r.io.wake = fd }

// Place points to the descriptor of the present connection, in C's memory; the value is -1 while there is no connection.
func (r *Responder) Place() *int32 { return r.io.inForks }

// HurryBy names two descriptors, or -1. While one of them is readable, a client that is silent for a second is given up.
func (r *Responder) HurryBy(a, b int) { r.io.hurry = [...]int32{int32(a), int32(b)} }

// AnswerOverdue has o answer requests that take too long, from the moment on that Due names; nil: nobody does.
func (r *Responder) AnswerOverdue(o *lifecycle.Overdue) { r.io.overdue = o }

// Configure is to be called when php.ini's settings are final. quirks is sapi.PathRules' ServerQuirks, and values answer
// GET_VALUES.
func (r *Responder) Configure(quirks bool, values map[string]string) {
	r.rules = r.engine.PathRules()
	r.rules.ServerQuirks = quirks
	r.rules.Stat = r.own.stat
	r.own.files.base = time.Now()
	r.conn.Init(fastcgi.Config{
		ReadBuffer:  r.own.buffer[:],
		WriteBuffer: lifecycle.CBuffer(writeBuffer),
		WriteAfter:  writeAfter,
		Values:      values,
	})
}
