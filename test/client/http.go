package client

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// HTTP asks a web server, one request after the other.
type HTTP struct {
	Dial   func() (net.Conn, error)
	Kept   bool // after a request that was answered the connection stays open, unless the server closes it
	Status int  // of the last answer
	Text   string
	Body   []byte
	Trail

	conn   net.Conn
	reader *bufio.Reader
}

// Get makes a request for a path.
func Get(path string, kept bool) []byte {
	return fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: %s\r\n\r\n", path, connection(kept))
}

// Post makes a request for a path, with a body.
func Post(path string, body []byte, kept bool) []byte {
	return fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: localhost\r\nConnection: %s\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%s",
		path, connection(kept), len(body), body)
}

func connection(kept bool) string {
	if kept {
		return "keep-alive"
	}
	return "close"
}

// Ask makes one request. An error says that it has no answer, or not all of it.
func (c *HTTP) Ask(request []byte) error {
	err := c.exchange(request)
	if err != nil || !c.Kept {
		c.Close()
	}
	return err
}

func (c *HTTP) exchange(request []byte) (err error) {
	c.Trail, c.Status, c.Text, c.Body = Trail{Reused: c.conn != nil}, 0, "", nil
	if c.conn == nil {
		if c.conn, err = c.Dial(); err != nil {
			return err
		}
		c.reader = bufio.NewReader(c.conn)
	}
	c.conn.SetDeadline(time.Now().Add(Patience))
	if _, err := c.conn.Write(request); err != nil {
		return err
	}
	if _, err := c.reader.Peek(1); err != nil {
		return err
	}
	c.Began = true
	response, err := http.ReadResponse(c.reader, nil)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	c.Status, c.Text = response.StatusCode, response.Status
	c.Body, err = io.ReadAll(response.Body)
	if err == nil && response.Close {
		c.Close()
	}
	return err
}

// Connected reports whether there is a connection.
func (c *HTTP) Connected() bool { return c.conn != nil }

// Close closes the connection if there is one.
func (c *HTTP) Close() {
	if c.conn != nil {
		c.conn.Close()
		c.conn = nil
	}
}
