package handover

import (
	"strconv"

	"github.com/phpsapi/phpsapi/sapi"
)

// Request is what a child is to answer.
type Request struct {
	sapi.RequestInfo
	// What is said where the script cannot be opened: EACCES, and everything else.
	Denied, Missing string
}

// payload encodes the request for the child, which reads it in the same order (lifecycle/handover_child.c): what the
// client is, and then strings that end in NUL. No string has a NUL in it: they come from arguments and environment.
func (r *Request) payload(call *Call) []byte {
	p := append(make([]byte, 0, len(call.process)+8<<10), call.process...)
	add := func(texts ...string) {
		for _, text := range texts {
			p = append(append(p, text...), 0)
		}
	}
	add(r.Denied, r.Missing)
	add(r.Method, r.URI, r.QueryString, r.PathTranslated, r.ContentType, r.Cookie, r.Authorization)
	add(strconv.FormatInt(r.ContentLength, 10), strconv.Itoa(r.Protocol), strconv.Itoa(r.Status))
	add(strconv.Itoa(len(call.Env)))
	add(call.Env...)
	return p
}
