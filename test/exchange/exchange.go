// Package exchange is what tests send to FastCGI servers of PHP, phpsapi's and stock ones, to compare what comes back.
package exchange

import (
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/phpsapi/phpsapi/cgi/fastcgi"
	"github.com/phpsapi/phpsapi/test/wait"
)

// Request is a request as it is sent.
type Request struct {
	Role   fastcgi.Role // 0: a responder
	Keep   bool
	Flags  fastcgi.Flags // besides that of Keep
	Params []string      // name and value in turn
	Body   string
}

// Send sends the request. A server may close the connection before it has all: errors show in the response.
func (r *Request) Send(conn io.Writer) {
	role, flags := r.Role, r.Flags
	if role == 0 {
		role = fastcgi.RoleResponder
	}
	if r.Keep {
		flags |= fastcgi.KeepConn
	}
	w := fastcgi.NewRequestWriter(conn, make([]byte, 64<<10))
	w.Begin(1, fastcgi.BeginRequest{Role: role, Flags: flags})
	for i := 0; i+1 < len(r.Params); i += 2 {
		w.Param(r.Params[i], r.Params[i+1])
	}
	w.EndParams()
	w.Write([]byte(r.Body))
	w.EndStdin()
}

// Response is what comes back for a request.
type Response struct {
	Stdout, Stderr string
	Status         fastcgi.EndRequest
	Err            error // why the response has no end; Stdout and Stderr are what came before
}

// Receive takes the response to a request.
func Receive(conn io.Reader) (got Response) {
	r := fastcgi.NewResponseReader(conn, make([]byte, 64<<10))
	r.Begin(1)
	for {
		kind, piece, err := r.Next()
		switch {
		case err != nil:
			got.Err = err
			return got
		case kind == fastcgi.TypeStdout:
			got.Stdout += string(piece)
		case kind == fastcgi.TypeStderr:
			got.Stderr += string(piece)
		case kind == fastcgi.TypeEndRequest:
			got.Status = r.Status()
			return got
		}
	}
}

// Ask sends a request to the server at a unix socket, on a connection of its own, and takes the response.
func Ask(socket string, r *Request) Response {
	conn, err := net.DialTimeout("unix", socket, 10*time.Second)
	if err != nil {
		return Response{Err: err}
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(wait.Patience))
	r.Send(conn)
	return Receive(conn)
}

// Body returns what follows the response's head.
func (r Response) Body() string {
	_, body, _ := strings.Cut(r.Stdout, "\r\n\r\n")
	return body
}

func (r Response) String() string {
	return fmt.Sprintf("stdout %q stderr %q %v %v", r.Stdout, r.Stderr, r.Status, r.Err)
}

// Records lists the records of a response as they lie on the wire, until its end: "STDERR 16, STDOUT 70, END_REQUEST 8".
func Records(conn io.Reader) (list string, err error) {
	var head [fastcgi.HeaderLen]byte
	for separator := ""; ; separator = ", " {
		if _, err := io.ReadFull(conn, head[:]); err != nil {
			return list, err
		}
		h := fastcgi.ParseHeader(head[:])
		list += fmt.Sprintf("%s%v %d", separator, h.Type, h.ContentLength)
		if _, err := io.CopyN(io.Discard, conn, int64(h.ContentLength)+int64(h.PaddingLength)); err != nil {
			return list, err
		}
		if h.Type == fastcgi.TypeEndRequest {
			return list, nil
		}
	}
}

// Difference says from where on the response of phpsapi is not that of stock PHP, and what they have there; empty: it is.
func Difference(ours, stock string) string {
	if ours == stock {
		return ""
	}
	at := 0
	for at < min(len(ours), len(stock)) && ours[at] == stock[at] {
		at++
	}
	from := max(0, at-60)
	return fmt.Sprintf("at byte %d\nours  %.400s\nstock %.400s", at, ours[from:], stock[from:])
}
