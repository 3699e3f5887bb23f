package contract

// WorkerMode is what workers of a pool in worker mode do: they run a worker script, which boots an application once and
// answers one request after another.
type WorkerMode struct {
	Script string   // path of the worker script
	For    []string // paths of the scripts whose requests it answers; those of others are handed on
	Strict bool     // what a request has changed of the process and of PHP's settings is put back before the next

	// Snapshot says that the worker was forked within the script, after its boot. It answers MaxRequests requests and no more.
	Snapshot bool

	// After so many requests, or when it has grown to so many bytes, a worker asks for a successor; 0: never.
	MaxRequests int
	MaxMemory   int64
}

// MaxHanded is the longest message, in bytes, by which a connection is handed on: what was read of its request. Params alone
// may be longer than that; such a request is refused.
const MaxHanded = 192 << 10

// NothingRead is the message that hands on a connection of which nothing was read: a message must have a byte, and no request begins
// with this one.
const NothingRead = "\x00"
