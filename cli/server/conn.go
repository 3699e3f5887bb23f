package server

import (
	"bufio"
	"net"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/phpsapi/phpsapi/sapi"
)

// silence is how long a client may say nothing once it has begun to send a request.
const silence = time.Minute

// connection is a client's connection, from accept to close. It brings one request.
type connection struct {
	server *Server
	conn   *net.TCPConn
	name   string // the client's address and port, as the log shows it
	begun  bool   // a byte of the request has come
}

// clientName words a client's address as php does: IPv4 over an IPv6 socket keeps its IPv6 form.
func clientName(remote *net.TCPAddr, overIPv6 bool) string {
	if v4 := remote.IP.To4(); v4 != nil && overIPv6 {
		return "[::ffff:" + v4.String() + "]:" + strconv.Itoa(remote.Port)
	}
	return remote.String()
}

// serve reads the request and has it answered.
func (c *connection) serve() {
	defer c.conn.Close()
	r := bufio.NewReaderSize(c, 16<<10)
	h, err := readHead(r)
	var b *body
	if err == nil {
		c.sendContinue(h, r)
		b, err = readBody(r, h)
	}
	if !c.server.begin(c) { // the server ends, and has closed the connection
		return
	}
	defer c.server.end(c)
	if err != nil {
		c.server.log.noRequest(c.name, err)
	} else {
		defer b.close()
		c.answer(h, b)
	}
	c.server.log.closing(c.name)
	c.shutdown()
}

// Read reads from the client, which must not fall silent in the middle of its request.
func (c *connection) Read(p []byte) (int, error) {
	if c.begun {
		c.conn.SetReadDeadline(time.Now().Add(silence))
	}
	n, err := c.conn.Read(p)
	c.begun = c.begun || n > 0
	return n, err
}

// shutdown ends the connection for every process that has it.
func (c *connection) shutdown() {
	c.conn.CloseRead()
	c.conn.CloseWrite()
}

// sendContinue tells a client that waits for it to send its body.
func (c *connection) sendContinue(h *head, r *bufio.Reader) {
	if h.protocol < 101 || r.Buffered() > 0 || h.length == 0 && !h.chunked {
		return
	}
	for _, f := range h.fields {
		if strings.EqualFold(f.name, "expect") && strings.EqualFold(strings.TrimSpace(f.value), "100-continue") {
			c.conn.Write([]byte("HTTP/1.1 100 Continue\r\n\r\n"))
			return
		}
	}
}

// answer has the request answered: by a worker if it is for a script or there is a router, and otherwise here.
func (c *connection) answer(h *head, b *body) {
	lower, sent := h.variables()
	if h.method == notImplemented {
		c.answerError(h, lower, 501, syscall.ENOENT)
		return
	}
	at := locate(c.server.php, c.server.root, normalize(h.path))
	if c.server.router == "" && !at.isScript() {
		c.answerFile(h, lower, at)
		return
	}
	if at.isScript() && strings.Contains(at.file, "\x00") {
		c.answerError(h, lower, 400, syscall.ENOENT)
		return
	}
	t := &Task{
		Client: c.name, Method: h.method, URI: h.uri, Query: h.query, Protocol: h.protocol,
		VPath: at.vpath, PathInfo: at.pathInfo, File: at.file, Script: at.isScript(),
		Headers: lower, Sent: sent, Body: b.memory, Length: b.length,
	}
	if c.execute(h, lower, t, b) == declined {
		c.answerFile(h, lower, at)
	}
}

// execute has a worker answer the request.
func (c *connection) execute(h *head, headers []sapi.Variable, t *Task, b *body) outcome {
	worker, err := c.server.pool.acquire()
	if err != nil {
		c.server.log.noWorker(err)
		c.answerError(h, headers, 500, err)
		return died
	}
	result := died
	if worker.send(t, c.conn, b.file) == nil {
		result = worker.wait()
	}
	switch result {
	case answered, declined:
		c.server.pool.release(worker)
	case died, diedLate:
		why := worker.death()
		c.server.pool.discard(worker)
		c.server.log.Response(c.name, 500, 500, h.method, h.uri, why)
		if result == died {
			c.conn.Write(c.server.errorResponse(h, headers, 500))
		}
	}
	return result
}
