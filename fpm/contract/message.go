package contract

// Letters of messages from the master on the control socket.
const (
	// Quit asks for a graceful end, as SIGQUIT does: accept no more, finish the request in hand, Park the kept
	// connections that are idle, exit with status 0.
	Quit = 'Q'
	// WhenIdle asks for one Idle, at once or as soon as the request in hand is finished.
	WhenIdle = 'W'
	// Connection brings a connection whose next request is about to come: it was parked and has become readable. It
	// answers an Idle.
	Connection = 'C'
	// Nothing answers an Idle that came too late: go on accepting.
	Nothing = 'N'
	// AccessLog brings the access log, opened anew, in place of the one the worker has.
	AccessLog = 'A'
)

// Letters of messages from a worker on the control socket.
const (
	// Ready says, once, that the worker is about to accept.
	Ready = 'R'
	// Idle answers WhenIdle. The worker accepts nothing until the master has said Connection or Nothing.
	Idle = 'I'
	// Park hands over an idle kept connection. The worker closes its own descriptor.
	Park = 'P'
	// Log is a message for the error log: a digit, zlog's number of the level, then the text without line end.
	Log = 'L'
)

// Trace is the only letter on the trace socket, both ways. From the master it brings the slow log, opened for
// appending: write PHP's stack to it now, as fpm_php_trace.c words it, if a request is still running. The worker
// answers when it has; a text in the answer is why it could not.
const Trace = 'S'

// MaxMessage is the longest message, in bytes.
const MaxMessage = 8 << 10
