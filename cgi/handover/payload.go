package handover

import (
	"strconv"

	"github.com/phpsapi/phpsapi/sapi"
)

// Request is what a child is to answer.
type Request struct {
	sapi.Request
	SkipShebang bool // the script's first line is none of its text where it begins with #!
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
	list := func(variables []sapi.Variable) {
		add(strconv.Itoa(len(variables)))
		for _, v := range variables {
			add(v.Name, v.Value)
		}
	}
	shebang := "0"
	if r.SkipShebang {
		shebang = "1"
	}
	add(shebang, r.Denied, r.Missing)
	add(r.Method, r.URI, r.QueryString, r.PathTranslated, r.ContentType, r.Cookie, r.Authorization, r.ServerName, r.DocumentRoot)
	add(strconv.FormatInt(r.ContentLength, 10), strconv.Itoa(r.Protocol), strconv.Itoa(r.Status))
	list(r.Variables)
	list(r.Headers)
	add(strconv.Itoa(len(call.Env)))
	add(call.Env...)
	return p
}
