package server

import (
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"

	"github.com/phpsapi/phpsapi/sapi"
)

// answerFile answers with a file that is not for PHP, or says that there is none.
func (c *connection) answerFile(h *head, headers []sapi.Variable, at location) {
	switch h.method {
	case "DELETE", "PUT", "PATCH":
		c.answerError(h, headers, 405, syscall.ENOENT)
		return
	}
	if at.file == "" {
		c.answerError(h, headers, 404, syscall.ENOENT)
		return
	}
	if strings.Contains(at.file, "\x00") {
		c.answerError(h, headers, 400, syscall.ENOENT)
		return
	}
	file, err := os.Open(at.file)
	if err != nil {
		c.answerError(h, headers, 404, err)
		return
	}
	defer file.Close()
	var lines []string
	if t := contentType(at.extension()); t != "" {
		lines = append(lines, "Content-Type: "+t)
	}
	lines = append(lines, "Content-Length: "+strconv.FormatInt(at.size, 10))
	c.server.log.Response(c.name, 200, 200, h.method, h.uri, "")
	if _, err := c.conn.Write(responseHead(h.protocol, 200, headers, lines...)); err != nil || h.method == "HEAD" {
		return
	}
	sendFile(c.conn, file, at.size)
}

// sendFile sends the file's first size bytes. The kernel copies them.
func sendFile(conn *net.TCPConn, file *os.File, size int64) {
	conn.ReadFrom(io.LimitReader(file, size)) // a client that is gone has no more to be told
}

// answerError answers with an error page. php logs the last error the system reported to it, whatever it was of;
// for lack of one it is ENOENT.
func (c *connection) answerError(h *head, headers []sapi.Variable, status int, why error) {
	c.server.log.Response(c.name, status, status, h.method, h.uri, cause(why))
	c.conn.Write(c.server.errorResponse(h, headers, status))
}
