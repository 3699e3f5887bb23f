package main

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/phpsapi/phpsapi/cgi/fastcgi"
)

// client asks for one script, again and again. The request's bytes are made once: what is measured is the server.
type client struct {
	s       *server
	kept    bool
	request []byte
	want    []byte // how the answer ends

	conn   net.Conn
	reader *fastcgi.ResponseReader
	answer []byte // of the last request: head and body
}

// patience is how long a client waits for an answer.
const patience = 20 * time.Second

func newClient(s *server, script string, kept bool) *client {
	name, query, _ := strings.Cut(script, "?")
	c := &client{s: s, kept: kept, want: []byte(scripts[name].answer)}
	c.reader = fastcgi.NewResponseReader(nil, make([]byte, 64<<10))
	c.request = encode(s.script(name), name, query, kept)
	return c
}

// encode makes a request as nginx sends it.
func encode(path, name, query string, kept bool) []byte {
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
	for _, p := range [][2]string{
		{"QUERY_STRING", query}, {"REQUEST_METHOD", "GET"}, {"CONTENT_TYPE", ""}, {"CONTENT_LENGTH", ""},
		{"SCRIPT_NAME", "/" + name}, {"REQUEST_URI", uri}, {"DOCUMENT_URI", "/" + name},
		{"DOCUMENT_ROOT", strings.TrimSuffix(path, "/"+name)}, {"SERVER_PROTOCOL", "HTTP/1.1"},
		{"REQUEST_SCHEME", "http"}, {"GATEWAY_INTERFACE", "CGI/1.1"}, {"SERVER_SOFTWARE", "nginx/1.22.1"},
		{"REMOTE_ADDR", "127.0.0.1"}, {"REMOTE_PORT", "40000"}, {"REMOTE_USER", ""}, {"SERVER_ADDR", "127.0.0.1"},
		{"SERVER_PORT", "80"}, {"SERVER_NAME", "localhost"}, {"REDIRECT_STATUS", "200"}, {"SCRIPT_FILENAME", path},
		{"HTTP_HOST", "localhost"}, {"HTTP_USER_AGENT", "load"}, {"HTTP_ACCEPT", "*/*"},
	} {
		w.Param(p[0], p[1])
	}
	w.EndParams()
	w.EndStdin()
	return b.Bytes()
}

var errEmpty = errors.New("an empty answer")

// do makes one request. An error says that it failed, or that the answer was not the script's.
func (c *client) do() error {
	err := c.exchange()
	if err != nil || !c.kept {
		c.close()
	}
	return err
}

func (c *client) exchange() error {
	if err := c.send(); err != nil {
		return err
	}
	return c.receive()
}

// send sends the request, on a new connection if there is none.
func (c *client) send() (err error) {
	if c.conn == nil {
		if c.conn, err = c.s.dial(); err != nil {
			return err
		}
		c.reader.Reset(c.conn)
	}
	c.conn.SetDeadline(time.Now().Add(patience))
	_, err = c.conn.Write(c.request)
	return err
}

// receive takes the answer.
func (c *client) receive() error {
	c.answer = c.answer[:0]
	c.reader.Begin(1)
	for {
		t, b, err := c.reader.Next()
		switch {
		case err != nil:
			return err
		case t == fastcgi.TypeStdout:
			c.answer = append(c.answer, b...)
		case t == fastcgi.TypeStderr:
			return fmt.Errorf("on STDERR: %s", b)
		case t == fastcgi.TypeEndRequest:
			return c.check()
		}
	}
}

func (c *client) check() error {
	if len(c.answer) == 0 {
		return errEmpty
	}
	if !bytes.HasSuffix(c.answer, c.want) {
		return fmt.Errorf("answer %q, want %q at its end", c.answer, c.want)
	}
	return nil
}

// body is the last answer without its head.
func (c *client) body() string {
	_, body, _ := strings.Cut(string(c.answer), "\r\n\r\n")
	return body
}

func (c *client) close() {
	if c.conn != nil {
		c.conn.Close()
		c.conn = nil
	}
}

// tally is what became of some requests.
type tally struct {
	done, failed, empty int
	slowest             time.Duration
	first               error // the first failure
}

func (t *tally) add(took time.Duration, err error) {
	t.done++
	t.slowest = max(t.slowest, took)
	if err == nil {
		return
	}
	if t.first == nil {
		t.first = err
	}
	if err == errEmpty {
		t.empty++
	} else {
		t.failed++
	}
}

func (t *tally) sum(o tally) {
	t.done, t.failed, t.empty = t.done+o.done, t.failed+o.failed, t.empty+o.empty
	t.slowest = max(t.slowest, o.slowest)
	if t.first == nil {
		t.first = o.first
	}
}

// ok is an error if not every request was answered.
func (t tally) ok() error {
	if t.failed+t.empty > 0 {
		return fmt.Errorf("%v", t)
	}
	return nil
}

func (t tally) String() string {
	text := fmt.Sprintf("%d requests, %d failed, %d empty, slowest %v", t.done, t.failed, t.empty, t.slowest.Round(time.Millisecond))
	if t.first != nil {
		text += fmt.Sprintf(" (%v)", t.first)
	}
	return text
}

// asker asks for one thing, again and again.
type asker interface {
	do() error // An error says that a request failed, or that the answer was not what it should be.
	close()
}

// target is what a load is put on.
type target interface {
	asks(script string, kept bool) asker
}

func (s *server) asks(script string, kept bool) asker { return newClient(s, script, kept) }

// load is some clients that ask side by side.
type load struct {
	clients  int
	script   string
	kept     bool
	requests int // of each client; 0: until stop
}

// run does it, and gives the sum. stop may be nil.
func (l load) run(s target, stop <-chan struct{}) tally {
	var (
		all tally
		mu  sync.Mutex
		wg  sync.WaitGroup
	)
	for range l.clients {
		wg.Go(func() {
			var mine tally
			c := s.asks(l.script, l.kept)
			defer c.close()
		requests:
			for n := 0; l.requests == 0 || n < l.requests; n++ {
				select {
				case <-stop:
					break requests
				default:
				}
				began := time.Now()
				err := c.do()
				mine.add(time.Since(began), err)
			}
			mu.Lock()
			defer mu.Unlock()
			all.sum(mine)
		})
	}
	wg.Wait()
	return all
}

// begin runs a load in the background; end stops it and gives its tally.
func (l load) begin(s target) (end func() tally) {
	stop, result := make(chan struct{}), make(chan tally, 1)
	go func() { result <- l.run(s, stop) }()
	return func() tally {
		close(stop)
		return <-result
	}
}
