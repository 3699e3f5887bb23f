package sapi

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
	Status     int      // 200 if the script set none
	StatusLine string   // the line the script gave itself, such as "HTTP/1.1 404 Gone Fishing"; else empty
	Lines      [][]byte // "Name: value", without line ends
}

// BootVariables returns what $_SERVER has of a worker script before its first request, besides the environment: its own path.
// Applications without a REQUEST_METHOD take themselves for command-line programs.
func BootVariables(script string) []Variable {
	return []Variable{{"SCRIPT_FILENAME", script}, {"SCRIPT_NAME", script}, {"REQUEST_METHOD", "GET"}}
}
