package sapi

import "io"

// Request is one request of a web server: what the engine must know to answer it. Its strings must not change until
// the request's shutdown.
type Request struct {
	RequestInfo
	// Variables are what the front end adds to $_SERVER, in order; later ones win.
	Variables []Variable
	// Headers are the request's header lines as the client wrote them: getallheaders().
	Headers []Variable
	// Body gives the request's body. nil stands for an empty one.
	Body io.Reader
	// Response takes the answer.
	Response ResponseWriter
	// Environment makes the process's environment part of $_SERVER, before Variables.
	Environment bool
	// Direct takes the body from standard input, ContentLength bytes of it, instead of Body, and writes the answer's to
	// standard output as it comes, instead of gathering it for Response.Write.
	Direct bool
	// NoHeaders leaves the response's head out.
	NoHeaders bool
}

// RequestInfo is PHP's sapi_request_info (main/SAPI.h). A string that is empty is absent, apart from ContentType.
type RequestInfo struct {
	Method         string
	URI            string
	QueryString    string
	PathTranslated string // the script's file
	ContentType    string
	HasContentType bool     // PHP reads the body of a POST that has a type, even an empty one, before the script starts
	Cookie         string   // the Cookie header
	Authorization  string   // the Authorization header, from which PHP takes PHP_AUTH_USER and its like
	ServerName     string   // for php.ini's [HOST=] sections
	DocumentRoot   string   // where the search for .user.ini files begins
	ContentLength  int64    // bytes
	Status         int      // the response's status before the script sets one; 0 for 200
	Protocol       int      // 1000 for HTTP/1.0, 1001 for HTTP/1.1
	Argv           []string // $argv of a request that comes from a shell; else nil
}

// Variable is a name with its value.
type Variable struct {
	Name, Value string
}

// ResponseHead is a response's status and header lines. It is valid only during the call that passes it.
type ResponseHead struct {
	Status     int      // 200 where the script set none
	StatusLine string   // the line the script gave itself, such as "HTTP/1.1 404 Gone Fishing"; else empty
	Lines      [][]byte // "Name: value", without line ends
}

// ResponseWriter takes a response from the engine: the head once, before the first byte of the body. An error says
// that the client is gone; PHP then treats the connection as aborted.
type ResponseWriter interface {
	WriteHead(head *ResponseHead) error
	// Write takes a piece of the body. The bytes are valid only during the call.
	Write(p []byte) (int, error)
	// Flush sends what was written so far to the client.
	Flush() error
}
