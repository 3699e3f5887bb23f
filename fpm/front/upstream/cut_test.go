package upstream

import (
	"io"
	"net"
	"strings"
	"testing"

	"github.com/phpsapi/phpsapi/fpm/contract"
)

// A body in chunks that was cut short is not a whole one: no script runs with half of it, however much has come.
func TestNoScriptRunsWithHalfABodyInChunks(t *testing.T) {
	f := serve(t, Options{Limits: contract.FrontLimits{}}, func(p *peer) bool {
		t.Errorf("a script ran, CONTENT_LENGTH is %s", p.param("CONTENT_LENGTH"))
		return p.ok("")
	})
	for _, cut := range []string{
		"5\r\nhello\r\nff\r\nhalf", // within a chunk
		"5\r\nhel",                 // within the first
		"5\r\nhello\r\n",           // between two
		"5\r\nhello",               // before a chunk's end
		"ffff\r\n" + strings.Repeat("x", maxLittle),                 // at the end of what needs no buffer
		"fffff\r\n" + strings.Repeat("x", maxLittle+1),              // in the buffer
		"fffff\r\n" + strings.Repeat("x", maxFirst),                 // at its end
		"fffff\r\n" + strings.Repeat("x", maxFirst+1),               // in a file
		"5\r\nhello\r\n0\r\nX-Trailer: a\r\n",                       // within the trailers
		"ffff\r\n" + strings.Repeat("x", 0xffff) + "\r\n5\r\nhello", // at the end of the buffer, in another chunk
	} {
		c := talk(t, f, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"+cut)
		c.(*net.TCPConn).CloseWrite()
		if err := f.err(t); err == nil {
			t.Errorf("%.20q… (%d bytes) was taken for a whole body", cut, len(cut))
		}
		answer, _ := io.ReadAll(c)
		if strings.Contains(string(answer), " 200 ") {
			t.Errorf("%.20q… was answered with %.60q", cut, answer)
		}
	}
}
