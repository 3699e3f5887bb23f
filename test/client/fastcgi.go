// Package client asks servers as web servers and browsers do, by FastCGI and by HTTP/1.1, on kept connections or on new ones,
// and never asks twice for what has failed once. What an answer should be its user knows.
package client

import (
	"bytes"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/phpsapi/phpsapi/cgi/fastcgi"
)

// Patience is how long an answer may take.
const Patience = 20 * time.Second

// FastCGI asks a pool, one request after the other.
type FastCGI struct {
	Dial   func() (net.Conn, error)
	Kept   bool   // after a request that was answered the connection stays open
	Answer []byte // the last one: head and body
	Status fastcgi.EndRequest
	Trail

	conn   net.Conn
	reader *fastcgi.ResponseReader
}

// A Trail is how far the last request has come.
type Trail struct {
	Reused bool // the connection had served a request before
	Began  bool // a part of the answer has come
}

// Encode makes a request as nginx sends it: for the script name in the directory root.
func Encode(root, name, query string, kept bool) []byte {
	return EncodePost(root, name, query, nil, kept)
}

// EncodePost is Encode with a body, in a request whose method is GET if that is nil.
func EncodePost(root, name, query string, body []byte, kept bool) []byte {
	var b bytes.Buffer
	w := fastcgi.NewRequestWriter(&b, make([]byte, 64<<10))
	flags := fastcgi.Flags(0)
	if kept {
		flags = fastcgi.KeepConn
	}
	w.Begin(1, fastcgi.BeginRequest{Role: fastcgi.RoleResponder, Flags: flags})
	uri := "/" + name
	if query != "" {
		uri += "?" + query
	}
	method, kind, length := "GET", "", ""
	if body != nil {
		method, kind, length = "POST", "application/x-www-form-urlencoded", fmt.Sprint(len(body))
	}
	for _, p := range [][2]string{
		{"QUERY_STRING", query}, {"REQUEST_METHOD", method}, {"CONTENT_TYPE", kind}, {"CONTENT_LENGTH", length},
		{"SCRIPT_NAME", "/" + name}, {"REQUEST_URI", uri}, {"DOCUMENT_URI", "/" + name},
		{"DOCUMENT_ROOT", root}, {"SERVER_PROTOCOL", "HTTP/1.1"},
		{"REQUEST_SCHEME", "http"}, {"GATEWAY_INTERFACE", "CGI/1.1"}, {"SERVER_SOFTWARE", "nginx/1.22.1"},
		{"REMOTE_ADDR", "127.0.0.1"}, {"REMOTE_PORT", "40000"}, {"REMOTE_USER", ""}, {"SERVER_ADDR", "127.0.0.1"},
		{"SERVER_PORT", "80"}, {"SERVER_NAME", "localhost"}, {"REDIRECT_STATUS", "200"}, {"SCRIPT_FILENAME", root + "/" + name},
		{"HTTP_HOST", "localhost"}, {"HTTP_USER_AGENT", "load"}, {"HTTP_ACCEPT", "*/*"},
	} {
		w.Param(p[0], p[1])
	}
	w.EndParams()
	if len(body) > 0 {
		w.Write(body)
	}
	w.EndStdin()
	return b.Bytes()
}

// Ask makes one request. An error says that it has no answer, or that something was said on STDERR.
func (c *FastCGI) Ask(request []byte) error {
	err := c.Send(request)
	if err == nil {
		err = c.Receive()
	}
	if err != nil || !c.Kept {
		c.Close()
	}
	return err
}

// Send sends a request, on a new connection if there is none.
func (c *FastCGI) Send(request []byte) (err error) {
	c.Trail = Trail{Reused: c.conn != nil}
	if c.conn == nil {
		if c.conn, err = c.Dial(); err != nil {
			return err
		}
		if c.reader == nil {
			c.reader = fastcgi.NewResponseReader(nil, make([]byte, 64<<10))
		}
		c.reader.Reset(c.conn)
	}
	c.conn.SetDeadline(time.Now().Add(Patience))
	_, err = c.conn.Write(request)
	return err
}

// Receive takes the answer.
func (c *FastCGI) Receive() error {
	c.Answer = c.Answer[:0]
	c.reader.Begin(1)
	for {
		t, b, err := c.reader.Next()
		c.Began = c.Began || err == nil
		switch {
		case err != nil:
			return err
		case t == fastcgi.TypeStdout:
			c.Answer = append(c.Answer, b...)
		case t == fastcgi.TypeStderr:
			return fmt.Errorf("on STDERR: %s", b)
		case t == fastcgi.TypeEndRequest:
			c.Status = c.reader.Status()
			return nil
		}
	}
}

// Body returns the last answer without its head.
func (c *FastCGI) Body() string {
	_, body, _ := strings.Cut(string(c.Answer), "\r\n\r\n")
	return body
}

// Close closes the connection if there is one.
func (c *FastCGI) Close() {
	if c.conn != nil {
		c.conn.Close()
		c.conn = nil
	}
}
