package fastcgi

import "strconv"

// Version1 is the only protocol version there is (FCGI_VERSION_1, §8).
// Stock PHP accepts any version above 0; this package accepts 1 alone, so that
// a client speaking something else is told apart at its first byte.
const Version1 = 1

const (
	// HeaderLen is the size of a record's header (FCGI_HEADER_LEN, §3.3).
	HeaderLen = 8
	// MaxContent is the most content one record can carry (FCGI_MAX_LENGTH, §8).
	MaxContent = 65535
	// MaxPadding is the most padding one record can carry (§3.3).
	MaxPadding = 255

	// fullContent is how much a long stream puts into each record: the largest
	// multiple of eight, so that only its last record needs padding.
	fullContent = MaxContent &^ 7

	// NullRequestID marks a management record (FCGI_NULL_REQUEST_ID, §3.3).
	NullRequestID = 0
)

// Type is a record's type (§8). The value is the one on the wire.
type Type uint8

// The record types of §8, in the specification's words.
const (
	TypeBeginRequest    Type = 1
	TypeAbortRequest    Type = 2
	TypeEndRequest      Type = 3
	TypeParams          Type = 4
	TypeStdin           Type = 5
	TypeStdout          Type = 6
	TypeStderr          Type = 7
	TypeData            Type = 8
	TypeGetValues       Type = 9
	TypeGetValuesResult Type = 10
	TypeUnknownType     Type = 11
)

var typeNames = [...]string{
	TypeBeginRequest:    "BEGIN_REQUEST",
	TypeAbortRequest:    "ABORT_REQUEST",
	TypeEndRequest:      "END_REQUEST",
	TypeParams:          "PARAMS",
	TypeStdin:           "STDIN",
	TypeStdout:          "STDOUT",
	TypeStderr:          "STDERR",
	TypeData:            "DATA",
	TypeGetValues:       "GET_VALUES",
	TypeGetValuesResult: "GET_VALUES_RESULT",
	TypeUnknownType:     "UNKNOWN_TYPE",
}

// Known reports whether t is one of the types of §8.
func (t Type) Known() bool { return t >= TypeBeginRequest && t <= TypeUnknownType }

// String returns the specification's name without its FCGI_ prefix, or "type 42".
func (t Type) String() string {
	if t.Known() {
		return typeNames[t]
	}
	return "type " + strconv.Itoa(int(t))
}

// Role is what a BEGIN_REQUEST record asks the application to be (§6).
type Role uint16

// The roles of §6.
const (
	RoleResponder  Role = 1
	RoleAuthorizer Role = 2
	RoleFilter     Role = 3
)

// Known reports whether r is one of the roles of §6.
func (r Role) Known() bool { return r >= RoleResponder && r <= RoleFilter }

// String returns the value php-fpm and php-cgi give the param FCGI_ROLE, or "role 42".
func (r Role) String() string {
	switch r {
	case RoleResponder:
		return "RESPONDER"
	case RoleAuthorizer:
		return "AUTHORIZER"
	case RoleFilter:
		return "FILTER"
	}
	return "role " + strconv.Itoa(int(r))
}

// Flags are the flags of a BEGIN_REQUEST record (§5.1).
type Flags uint8

// KeepConn asks the application to leave the connection open after the
// response (FCGI_KEEP_CONN, §5.1). It is the only flag of the specification.
const KeepConn Flags = 1

// Interim says that the client takes heads with a 1xx status before the
// response's own, "Status: 103 Early Hints", and minds Closing; and that it
// takes a request back by shutting down its sending side before that was read.
// It is this package's own; applications that do not know it pay it no
// attention.
const Interim Flags = 1 << 7

// TellRead asks the application to say, by a GET_VALUES_RESULT record without
// content, that it has read the request up to its body. It is this package's
// own, too.
const TellRead Flags = 1 << 6

// Closing in an application status (§5.5) is this package's own, for clients
// that sent Interim: the application closes the connection after this
// response, though KeepConn asked it not to. Where it does so because there are
// more connections than workers for them, the number of workers is added.
const Closing uint32 = 1 << 31

// ProtocolStatus says in an END_REQUEST record how a request ended (§5.5).
type ProtocolStatus uint8

// The protocol statuses of §5.5. Stock PHP only ever sends RequestComplete.
const (
	RequestComplete ProtocolStatus = 0
	CantMpxConn     ProtocolStatus = 1
	Overloaded      ProtocolStatus = 2
	UnknownRole     ProtocolStatus = 3
)

// String returns the specification's name without its FCGI_ prefix, or "status 42".
func (s ProtocolStatus) String() string {
	switch s {
	case RequestComplete:
		return "REQUEST_COMPLETE"
	case CantMpxConn:
		return "CANT_MPX_CONN"
	case Overloaded:
		return "OVERLOADED"
	case UnknownRole:
		return "UNKNOWN_ROLE"
	}
	return "status " + strconv.Itoa(int(s))
}

// The variables a GET_VALUES record may ask for (§4.1).
const (
	MaxConns  = "FCGI_MAX_CONNS"
	MaxReqs   = "FCGI_MAX_REQS"
	MpxsConns = "FCGI_MPXS_CONNS"
)
