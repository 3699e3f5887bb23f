package worker

import (
	"fmt"
	"net"
	"testing"

	"github.com/phpsapi/phpsapi/cgi/fastcgi"
)

// A request as a test's client sends it.
type testRequest struct {
	role   fastcgi.Role
	keep   bool
	flags  fastcgi.Flags // besides that of keep
	params []string      // name and value in turn
	body   string
}

// A response as it came.
type testResponse struct {
	stdout, stderr string
	status         fastcgi.EndRequest
	records        []fastcgi.Type // each change of stream
	err            error
}

func (r testResponse) String() string {
	return fmt.Sprintf("%v stdout %q stderr %q %v %v", r.records, r.stdout, r.stderr, r.status, r.err)
}

// send sends a request on a connection.
func (r *testRequest) send(t testing.TB, conn net.Conn) {
	t.Helper()
	role := r.role
	if role == 0 {
		role = fastcgi.RoleResponder
	}
	flags := r.flags
	if r.keep {
		flags |= fastcgi.KeepConn
	}
	w := fastcgi.NewRequestWriter(conn, make([]byte, 64<<10))
	w.Begin(1, fastcgi.BeginRequest{Role: role, Flags: flags})
	for i := 0; i+1 < len(r.params); i += 2 {
		w.Param(r.params[i], r.params[i+1])
	}
	w.EndParams()
	w.Write([]byte(r.body))
	w.EndStdin()
}

// receive takes the response.
func receive(conn net.Conn) (got testResponse) {
	r := fastcgi.NewResponseReader(conn, make([]byte, 64<<10))
	r.Begin(1)
	for {
		kind, piece, err := r.Next()
		if err != nil {
			got.err = err
			return got
		}
		if n := len(got.records); n == 0 || got.records[n-1] != kind {
			got.records = append(got.records, kind)
		}
		switch kind {
		case fastcgi.TypeStdout:
			got.stdout += string(piece)
		case fastcgi.TypeStderr:
			got.stderr += string(piece)
		case fastcgi.TypeEndRequest:
			got.status = r.Status()
			return got
		}
	}
}

// do sends a request on a new connection.
func (r *testRequest) do(t testing.TB, socket string) testResponse {
	t.Helper()
	conn := dial(t, socket)
	defer conn.Close()
	go r.send(t, conn)
	return receive(conn)
}

// get is a request for a script of a directory, with further params.
func get(dir, name string, params ...string) *testRequest {
	return &testRequest{params: append([]string{"REQUEST_METHOD", "GET", "SCRIPT_NAME", "/" + name, "QUERY_STRING", "",
		"SCRIPT_FILENAME", dir + "/" + name, "DOCUMENT_ROOT", dir, "REQUEST_URI", "/" + name}, params...)}
}
