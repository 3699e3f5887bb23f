package worker

import (
	"fmt"
	"net"
	"testing"

	"github.com/phpsapi/phpsapi/cgi/fastcgi"
	"github.com/phpsapi/phpsapi/test/exchange"
)

// A request as a test's client sends it.
type testRequest struct{ exchange.Request }

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
	go r.Send(conn)
	return receive(conn)
}

// get is a request for a script of a directory, with further params.
func get(dir, name string, params ...string) *testRequest {
	return &testRequest{exchange.Request{Params: append([]string{"REQUEST_METHOD", "GET", "SCRIPT_NAME", "/" + name, "QUERY_STRING", "",
		"SCRIPT_FILENAME", dir + "/" + name, "DOCUMENT_ROOT", dir, "REQUEST_URI", "/" + name}, params...)}}
}
