package contract

// Letters of messages from the master on the control socket.
const (
	// Quit asks for a graceful end, as SIGQUIT does: accept no more, finish the current request, Park the kept
	// connections that are idle, exit with status 0.
	Quit = 'Q'
	// Yield asks for the same, of a worker that another generation replaces: a connection that it was woken for is handed
	// over by Park, and not answered. Yielded says that this is so.
	Yield = 'Y'
	// WhenIdle asks for one Idle, at once or as soon as the current request is finished.
	WhenIdle = 'W'
	// Connection brings a connection whose next request is about to come: it was parked and has become readable. It
	// answers an Idle.
	Connection = 'C'
	// Nothing answers an Idle that came too late: keep accepting.
	Nothing = 'N'
	// StandIn answers an Unbooted: the worker is Ready all the same, and until it is told to Quit it answers requests for the
	// script by 503 and hands on the others.
	StandIn = 'S'
	// LogLevel tells the level from which messages are logged: the text is a digit, zlog's number of it.
	LogLevel = 'V'
	// Caches has the worker ask opcache and APCu how they are, which it then tells in the scoreboard. With a number as its text opcache is
	// reset before that, unless the scoreboard says that this order is obsolete. The worker answers with Caches.
	Caches = 'O'
	// Profile has the worker take samples of PHP's stack while its requests run, and tell them by Samples. The text is ProfileOrder's. A worker that takes
	// samples already continues by the new order. It comes on the trace socket if there is one: a worker with a request hears it then, too.
	Profile = 'D'
	// AccessLog brings the access log, which was opened again, in place of the one the worker has.
	AccessLog = 'A'
)

// Letters of messages from a worker on the control socket.
const (
	// Caches, which is above, says that the worker has done what the oldest Caches has asked for that it has not answered yet. The text is a digit: 1 if
	// opcache has been reset.

	// Ready says, once, that the worker is about to accept.
	Ready = 'R'
	// Idle answers WhenIdle. The worker accepts nothing until the master has said Connection or Nothing.
	Idle = 'I'
	// Yielded answers Yield, once: no request that begins from now on is this worker's.
	Yielded = 'Y'
	// Park hands over an idle kept connection. The worker closes its own descriptor.
	Park = 'P'
	// Retire asks for a successor: a worker in worker mode has answered as many requests as it may, or has grown too large.
	// The text is why: a word of scoreboard's. It keeps answering until it is told to Quit.
	Retire = 'X'
	// Heedless says that a worker script has ignored that it was to end, and is ended.
	Heedless = 'H'
	// Unbooted says that a worker script ended before its first request. The text is why. The worker waits for StandIn or Quit.
	Unbooted = 'B'
	// Samples are lines of text, each of which ends in \n, with fields between tabs:
	//
	//	b                             it has begun to take samples
	//	f	number	function	file      what a number of a function means in this worker from now on. The file is empty of a function of C, and the function of a file's code
	//	r	host	URI	script        the request of the samples that follow
	//	s	n	number:line number:line ...  the stack, the newest frame first, which was seen n times; 0:0 stands for further frames that are not known
	//	d	n                           so many samples were dropped, as the stack was not known for certain
	//	e                             it takes no more
	Samples = 'D'
	// Renew asks for a new generation: opcache's memory is to be empty, which workers in worker mode never let go of.
	Renew = 'G'
	// Ended says, once, that a worker script in worker mode has ended within a request, or by an error. The text is a word of scoreboard's,
	// ByExit or ByFatal, then "request" or "outside", then what PHP said, with spaces between them.
	Ended = 'E'
	// Interrupted says that a request was interrupted. The text is Interruption's.
	Interrupted = 'T'
	// Log is a message for the error log: a digit, zlog's number of the level, then the text without line end. The master
	// says before it whose it is. A worker has a few of them in a second, and the rest are dropped.
	Log = 'L'
	// Say is a script's message for the error log, of the same form. A worker has a hundred of them in a second.
	Say = 'S'
)

// Why a request was interrupted.
const (
	InterruptedForTime   = "time"   // it has taken longer than request_soft_timeout
	InterruptedForClient = "client" // its client has left
)

// Letters on the trace socket.
const (
	// Trace, from the master, asks for PHP's stack if a request is still running. The worker answers with TraceLines, as
	// many as it takes, and then Trace; a text in that is why it could not.
	Trace = 'S'
	// TraceLines are lines of the slow log, as fpm_php_trace.c words them, but for the first, which is the master's. A
	// message may end within a line.
	TraceLines = 'T'
)

// MaxMessage is the longest message, in bytes.
const MaxMessage = 8 << 10
