package upstream

import (
	"cmp"
	"net/http"

	"github.com/phpsapi/phpsapi/fpm/scripthead"
)

// ServeNamed answers a request by the file that named names, the head of a response in CGI's form. The worker that made it is not this
// package's. The error is as Serve's.
func (p *Pool) ServeNamed(w http.ResponseWriter, r *Request, named []byte, sendfile Sendfile) error {
	var h head
	err := h.parse(named, w.Header())
	if err == nil && h.Kind != "" {
		sendfile(w, r.HTTP, h.Status, h.Kind, h.Path)
		return nil
	}
	err = because(ErrAnswer, cmp.Or(err, scripthead.ErrNone))
	p.report(r, err)
	for _, name := range h.names {
		delete(w.Header(), name)
	}
	return err
}
