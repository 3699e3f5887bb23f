package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/phpsapi/phpsapi/cgi/fastcgi"
)

// patience is how long a visitor waits for an answer.
const patience = 30 * time.Second

// A visitor asks for one page again and again, on a connection that it keeps. The request's bytes are made once.
type visitor struct {
	network, address string
	request          []byte
	receive          func() ([]byte, error) // takes the body of an answer, valid until the next
	leaves           bool                   // each request has a connection of its own

	conn  net.Conn
	reset func(net.Conn)
	body  []byte
}

// httpVisitor asks by HTTP.
func httpVisitor(address, path string) *visitor {
	v := &visitor{network: "tcp", address: address}
	v.request = fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: localhost\r\nUser-Agent: bench\r\nAccept: */*\r\nAccept-Language: en\r\n\r\n", path)
	in := bufio.NewReaderSize(nil, 64<<10)
	v.reset = func(conn net.Conn) { in.Reset(conn) }
	v.receive = func() ([]byte, error) { return v.takeHTTP(in) }
	return v
}

// takeHTTP takes an answer that tells its length.
func (v *visitor) takeHTTP(in *bufio.Reader) ([]byte, error) {
	length := -1
	for n := 0; ; n++ {
		line, err := in.ReadSlice('\n')
		if err != nil {
			return nil, err
		}
		line = bytes.TrimSpace(line)
		switch name, value, _ := bytes.Cut(line, []byte(":")); {
		case n == 0 && !bytes.HasPrefix(line, []byte("HTTP/1.1 200 ")):
			return nil, fmt.Errorf("%s: %q", v.address, line)
		case len(line) == 0 && length < 0:
			return nil, fmt.Errorf("%s: an answer without Content-Length", v.address)
		case len(line) == 0:
			v.body = slices.Grow(v.body[:0], length)[:length]
			_, err := io.ReadFull(in, v.body)
			return v.body, err
		case bytes.EqualFold(name, []byte("Content-Length")):
			if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return nil, err
			}
		}
	}
}

// fastcgiVisitor asks by FastCGI, as nginx does, for the index.php of root, on a connection that it keeps.
func fastcgiVisitor(socket, root, path string) *visitor {
	return scriptVisitor(socket, root, "/index.php", path, nil, fastcgi.KeepConn)
}

// scriptVisitor asks by FastCGI, as nginx does, for a script of root: by POST if there is a body.
func scriptVisitor(socket, root, script, uri string, body []byte, flags fastcgi.Flags) *visitor {
	v := &visitor{network: "unix", address: socket, leaves: flags&fastcgi.KeepConn == 0}
	_, query, _ := strings.Cut(uri, "?")
	method, contentType, length := "GET", "", ""
	if body != nil {
		method, contentType, length = "POST", "application/octet-stream", strconv.Itoa(len(body))
	}
	var b bytes.Buffer
	w := fastcgi.NewRequestWriter(&b, make([]byte, 64<<10))
	w.Begin(1, fastcgi.BeginRequest{Role: fastcgi.RoleResponder, Flags: flags})
	for _, p := range [][2]string{
		{"QUERY_STRING", query}, {"REQUEST_METHOD", method}, {"CONTENT_TYPE", contentType}, {"CONTENT_LENGTH", length},
		{"SCRIPT_NAME", script}, {"REQUEST_URI", uri}, {"DOCUMENT_URI", script},
		{"DOCUMENT_ROOT", root}, {"SERVER_PROTOCOL", "HTTP/1.1"}, {"REQUEST_SCHEME", "http"},
		{"GATEWAY_INTERFACE", "CGI/1.1"}, {"SERVER_SOFTWARE", "nginx/1.22.1"}, {"REMOTE_ADDR", "127.0.0.1"},
		{"REMOTE_PORT", "40000"}, {"REMOTE_USER", ""}, {"SERVER_ADDR", "127.0.0.1"}, {"SERVER_PORT", "80"},
		{"SERVER_NAME", "localhost"}, {"REDIRECT_STATUS", "200"}, {"SCRIPT_FILENAME", root + script},
		{"HTTP_HOST", "localhost"}, {"HTTP_USER_AGENT", "bench"}, {"HTTP_ACCEPT", "*/*"}, {"HTTP_ACCEPT_LANGUAGE", "en"},
	} {
		w.Param(p[0], p[1])
	}
	w.EndParams()
	w.Write(body)
	w.EndStdin()
	v.request = b.Bytes()
	reader := fastcgi.NewResponseReader(nil, make([]byte, 64<<10))
	v.reset = func(conn net.Conn) { reader.Reset(conn) }
	v.receive = func() ([]byte, error) { return v.takeFastCGI(reader) }
	return v
}

func (v *visitor) takeFastCGI(r *fastcgi.ResponseReader) ([]byte, error) {
	v.body = v.body[:0]
	r.Begin(1)
	for {
		t, b, err := r.Next()
		switch {
		case err != nil:
			return nil, err
		case t == fastcgi.TypeStdout:
			v.body = append(v.body, b...)
		case t == fastcgi.TypeStderr:
			return nil, fmt.Errorf("%s, on STDERR: %s", v.address, b)
		case t == fastcgi.TypeEndRequest:
			head, body, _ := bytes.Cut(v.body, []byte("\r\n\r\n"))
			if bytes.HasPrefix(head, []byte("Status: ")) {
				return nil, fmt.Errorf("%s: %s", v.address, head)
			}
			return body, nil
		}
	}
}

// do asks once, and returns the page. A server that closes a kept connection between two requests is asked on a new one.
func (v *visitor) do() (body []byte, err error) {
	kept := v.conn != nil
	if body, err = v.exchange(); err != nil && kept {
		v.close()
		body, err = v.exchange()
	}
	if err != nil || v.leaves {
		v.close()
	}
	return body, err
}

func (v *visitor) exchange() (body []byte, err error) {
	if v.conn == nil {
		if err := v.dial(); err != nil {
			return nil, err
		}
	}
	v.conn.SetDeadline(time.Now().Add(patience))
	if _, err = v.conn.Write(v.request); err != nil {
		return nil, err
	}
	return v.receive()
}

func (v *visitor) dial() (err error) {
	if v.conn, err = net.Dial(v.network, v.address); err != nil {
		v.conn = nil
		return err
	}
	v.reset(v.conn)
	return nil
}

func (v *visitor) close() {
	if v.conn != nil {
		v.conn.Close()
		v.conn = nil
	}
}

// A crowd are some visitors that ask for a page side by side, whose end they know.
type crowd struct {
	visitors []*visitor
	end      []byte
}

// asCrowd makes a crowd of those that new makes.
func asCrowd(end string, n int, new func() *visitor) *crowd {
	c := &crowd{end: []byte(end)}
	for range n {
		c.visitors = append(c.visitors, new())
	}
	return c
}

func (c *crowd) close() {
	for _, v := range c.visitors {
		v.close()
	}
}

// saturate has everybody ask again at once, for so long.
func (c *crowd) saturate(lasting time.Duration) (visits, error) {
	end := time.Now().Add(lasting)
	return c.visit(func(int) (time.Time, bool) { now := time.Now(); return now, now.Before(end) })
}

// ask has everybody ask again at once, n times altogether.
func (c *crowd) ask(n int) (visits, error) {
	left := make([]int, len(c.visitors))
	for i := range left {
		left[i] = (n + i) / len(left)
	}
	return c.visit(func(i int) (time.Time, bool) { left[i]--; return time.Now(), left[i] >= 0 })
}

// pace has so many requests a second made, for so long. A request's time counts from when it was due, whether or not
// somebody was free to make it.
func (c *crowd) pace(rate float64, lasting time.Duration) (visits, error) {
	began := time.Now()
	each := time.Duration(float64(len(c.visitors)) / rate * float64(time.Second))
	due := make([]time.Time, len(c.visitors))
	for i := range due {
		due[i] = began.Add(each * time.Duration(i) / time.Duration(len(due)))
	}
	return c.visit(func(i int) (time.Time, bool) {
		at := due[i]
		due[i] = at.Add(each)
		if at.Sub(began) >= lasting {
			return at, false
		}
		time.Sleep(time.Until(at))
		return at, true
	})
}

// visit has every visitor ask until next returns that there is no more to ask. due is when a request's time begins to count.
func (c *crowd) visit(next func(i int) (due time.Time, more bool)) (visits, error) {
	var (
		mu    sync.Mutex
		wg    sync.WaitGroup
		all   []time.Duration
		wrong error
	)
	began := time.Now()
	for i, v := range c.visitors {
		wg.Go(func() {
			var took []time.Duration
			var err error
			for err == nil {
				due, more := next(i)
				if !more {
					break
				}
				var body []byte
				if body, err = v.do(); err == nil && !bytes.HasSuffix(body, c.end) {
					err = fmt.Errorf("%s: got %.500q, want %q at its end", v.address, body, c.end)
				}
				took = append(took, time.Since(due))
			}
			mu.Lock()
			defer mu.Unlock()
			all = append(all, took...)
			if err != nil {
				wrong = err
			}
		})
	}
	wg.Wait()
	lasted := time.Since(began)
	if wrong != nil || len(all) == 0 {
		return visits{}, fmt.Errorf("%d requests: %w", len(all), wrong)
	}
	slices.Sort(all)
	at := func(percent int) time.Duration { return all[(len(all)-1)*percent/100] }
	return visits{len(all), float64(len(all)) / lasted.Seconds(), at(50), at(99)}, nil
}
