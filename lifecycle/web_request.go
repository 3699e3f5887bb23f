package lifecycle

import "github.com/phpsapi/phpsapi/sapi"

// WebRequest is a request of a web server, as much of it as the engine needs. Slices may be of Go's memory; they and the
// params must not change until the request's shutdown. nil stands for what is absent.
type WebRequest struct {
	// Params hold the text of Pairs: FastCGI's params, or the variables that php's development server adds to $_SERVER, in
	// order; of the latter's the last Headers pairs are the request's header lines instead, for getallheaders().
	Params  []byte
	Pairs   []sapi.Pair
	Headers int
	// These are in Params, and so each is followed by a NUL byte.
	Method, QueryString, ContentType, Cookie, Authorization, PHPValue, PHPAdminValue []byte
	ContentLength                                                                    int64
	// Accepted tells the request from others, for Web.Watch: when it was accepted, of CLOCK_MONOTONIC in nanoseconds.
	Accepted int64
	// Path is the script.
	Path     sapi.ScriptPath
	Protocol int      // 1000 for HTTP/1.0, 1001 for HTTP/1.1
	Argv     []string // $argv of a request that comes from a shell; else nil
	// IsHTTP says that the request named a script at all.
	IsHTTP bool
	// Interim says that the client takes heads with a 1xx status before the response's own.
	Interim bool
	// Direct takes the body from standard input, ContentLength bytes of it, and writes the response to standard output as it
	// comes. The process's environment takes the place of Params.
	Direct bool
	// NoHeaders leaves the response's head out.
	NoHeaders bool
}

// NewWebRequest returns a request of its own memory: what info says, with these variables and header lines.
func NewWebRequest(info *sapi.RequestInfo, variables, headers []sapi.Variable) *WebRequest {
	texts := [...]string{info.Method, info.QueryString, info.ContentType, info.Cookie, info.Authorization, info.URI, info.PathTranslated}
	size := 0
	for _, text := range texts {
		size += len(text) + 1
	}
	for _, list := range [...][]sapi.Variable{variables, headers} {
		for _, v := range list {
			size += len(v.Name) + len(v.Value) + 2
		}
	}
	r := &WebRequest{Params: make([]byte, 0, size), Pairs: make([]sapi.Pair, 0, len(variables)+len(headers)),
		Headers: len(headers), ContentLength: info.ContentLength, Protocol: info.Protocol, Argv: info.Argv}
	for i, to := range [...]*[]byte{&r.Method, &r.QueryString, &r.ContentType, &r.Cookie, &r.Authorization, &r.Path.URI,
		&r.Path.Filename} {
		if at, n := r.add(texts[i]); n > 0 || to == &r.ContentType && info.HasContentType {
			*to = r.Params[at : at+n]
		}
	}
	for _, list := range [...][]sapi.Variable{variables, headers} {
		for _, v := range list {
			var p sapi.Pair
			p.Name, p.NameLen = r.add(v.Name)
			p.Value, p.ValueLen = r.add(v.Value)
			r.Pairs = append(r.Pairs, p)
		}
	}
	r.Path.NotFound = info.Status == 404
	return r
}

// add adds a text, which there is room for, and says where it is.
func (r *WebRequest) add(text string) (at, n uint32) {
	at = uint32(len(r.Params))
	r.Params = append(append(r.Params, text...), 0)
	return at, uint32(len(text))
}
