package main

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/phpsapi/phpsapi/test/client"
	"github.com/phpsapi/phpsapi/test/serve"
)

// door is a way into a service.
type door string

const (
	byFastCGI door = "FastCGI"
	byHTTP    door = "HTTP"
	byWorker  door = "worker mode"
)

// doors are the service's.
func (s *service) doors() []door {
	if s.stock {
		return []door{byFastCGI}
	}
	return []door{byFastCGI, byHTTP, byWorker}
}

// end is how a request has ended.
type end string

const (
	answered    end = "answered"    // as it should be
	failed      end = "error"       // status 500, of PHP
	unavailable end = "unavailable" // status 502, 503 or 504, of the front
	closed      end = "closed"      // without an answer, or within it
	refused     end = "refused"     // there is nobody to connect to
	silent      end = "silent"      // for client.Patience
	wrong       end = "wrong"       // not what was asked for
)

// request is what is asked for.
type request struct {
	n     int
	do    string // an action's file, without its end; empty: none
	us    int    // how long the script sleeps
	size  int    // of the answer
	body  []byte
	place string // a file for the worker's pid; empty: none
}

func (q request) query() string {
	v := url.Values{"n": {strconv.Itoa(q.n)}}
	if q.do != "" {
		v.Set("do", q.do)
	}
	if q.us > 0 {
		v.Set("us", strconv.Itoa(q.us))
	}
	if q.size > 0 {
		v.Set("size", strconv.Itoa(q.size))
	}
	if q.place != "" {
		v.Set("place", q.place)
	}
	return v.Encode()
}

// result is what became of a request.
type result struct {
	end        end
	first      error // of a request that was asked once more
	retried    bool  // its kept connection was closed before anything came, and it was asked once more, on a new one
	generation int   // of the settings that answered
	state      string
	text       string // the body, or what was wrong
	began      time.Time
	took       time.Duration
}

func (r result) String() string {
	if r.first != nil {
		return fmt.Sprintf("%v; then %s", r.first, r.end)
	}
	return fmt.Sprintf("%s: %.300q", r.end, r.text)
}

// visitor asks by one of the doors.
type visitor struct {
	door door
	kept bool
	root string
	fcgi client.FastCGI
	http client.HTTP
}

func (d door) visitor(s *service, kept bool) *visitor {
	v := &visitor{door: d, kept: kept, root: s.root()}
	switch d {
	case byFastCGI:
		v.fcgi = client.FastCGI{Dial: dialer("unix", serve.Socket(s.dir)), Kept: kept}
	case byWorker:
		v.fcgi = client.FastCGI{Dial: dialer("unix", s.app()), Kept: kept}
	case byHTTP:
		v.http = client.HTTP{Dial: dialer("tcp", s.address), Kept: kept}
	}
	return v
}

// script is the one that a door leads to.
func (d door) script() string {
	if d == byWorker {
		return "app.php"
	}
	return "mark.php"
}

// ask makes a request. A kept connection that was closed before anything has come is replaced once, as web servers and browsers do.
func (v *visitor) ask(q request) result {
	began := time.Now()
	err := v.once(q)
	var first error
	retried := false
	if t := v.trail(); err != nil && t.Reused && !t.Began && !isTimeout(err) {
		retried, first = true, err
		err = v.once(q)
	}
	r := v.judge(q, err)
	r.retried, r.first, r.began, r.took = retried, first, began, time.Since(began)
	if r.end == wrong {
		v.close()
	}
	return r
}

func (v *visitor) once(q request) error {
	if v.door == byHTTP {
		path := "/" + v.door.script() + "?" + q.query()
		if q.body != nil {
			return v.http.Ask(client.Post(path, q.body, v.kept))
		}
		return v.http.Ask(client.Get(path, v.kept))
	}
	return v.fcgi.Ask(client.EncodePost(v.root, v.door.script(), q.query(), q.body, v.kept))
}

func (v *visitor) trail() client.Trail {
	if v.door == byHTTP {
		return v.http.Trail
	}
	return v.fcgi.Trail
}

func (v *visitor) close() {
	v.fcgi.Close()
	v.http.Close()
}

func isTimeout(err error) bool {
	var n net.Error
	return errors.As(err, &n) && n.Timeout()
}

var statusLine = regexp.MustCompile(`(?m)^Status: (\d+)`)

// judge says how a request has ended.
func (v *visitor) judge(q request, err error) result {
	if err != nil {
		r := result{end: closed, text: err.Error()}
		switch {
		case isTimeout(err):
			r.end = silent
		case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, os.ErrNotExist), errors.Is(err, syscall.EAGAIN):
			r.end = refused
		case strings.Contains(err.Error(), "Too many open files"): // on STDERR, before a worker's 503
			r.end = unavailable
		case !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, syscall.EPIPE):
			r.end = wrong
		}
		return r
	}
	status, body := v.http.Status, string(v.http.Body)
	if v.door != byHTTP {
		status, body = http.StatusOK, v.fcgi.Body()
		head, _, _ := strings.Cut(string(v.fcgi.Answer), "\r\n\r\n")
		if m := statusLine.FindStringSubmatch(head); m != nil {
			status, _ = strconv.Atoi(m[1])
		}
		if len(v.fcgi.Answer) == 0 {
			return result{end: closed, text: "an empty answer"}
		}
	}
	r := result{end: answered, text: body}
	switch status {
	case http.StatusOK:
	case http.StatusInternalServerError:
		r.end = failed
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		r.end = unavailable
	default:
		return result{end: wrong, text: fmt.Sprintf("status %d: %s", status, body)}
	}
	if r.end != answered || q.do != "" {
		return r
	}
	return q.check(r)
}

var markLine = regexp.MustCompile(`^n=(\d*) generation=(\d*) body=(\d+):(\d+) state=(.*)\n(x*)\nend (\d*)\n$`)

// check looks whether the answer is the request's.
func (q request) check(r result) result {
	m := markLine.FindStringSubmatch(r.text)
	n := strconv.Itoa(q.n)
	if m == nil || m[1] != n || m[7] != n || m[3] != strconv.Itoa(len(q.body)) || m[4] != fmt.Sprint(crc32.ChecksumIEEE(q.body)) || len(m[6]) != q.size {
		r.end = wrong
		return r
	}
	r.generation, _ = strconv.Atoi(m[2])
	r.state = m[5]
	return r
}
