package fastcgi

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
)

// serve answers every request of a connection with its params and body, until
// the connection is at its end, and tells what happened.
func serve(c *Conn) string {
	var log strings.Builder
	var req Request
	retry := func(f func() error) error {
		for {
			if err := f(); err != errAgain {
				return err
			}
		}
	}
	for {
		if err := retry(func() error { return c.ReadRequest(&req) }); err != nil {
			fmt.Fprintf(&log, "%v", err)
			return log.String()
		}
		fmt.Fprintf(&log, "%d %v keep=%v ", req.ID, req.Role, req.KeepConn)
		for i := range req.Params.Len() {
			if name, value := req.Params.At(i); string(name) != "FCGI_ROLE" {
				fmt.Fprintf(&log, "%s=%s ", name, value)
			}
		}
		stream := func(name string, read func([]byte) (int, error)) {
			var body []byte
			buf := make([]byte, 7)
			err := retry(func() error {
				n, err := read(buf)
				for ; err == nil; n, err = read(buf) {
					body = append(body, buf[:n]...)
				}
				return err
			})
			fmt.Fprintf(&log, "%s=%q ", name, body)
			if err != io.EOF {
				fmt.Fprintf(&log, "(%v) ", err)
			}
		}
		stream("stdin", c.ReadBody)
		if req.Role == RoleFilter {
			stream("data", c.ReadData)
		}
		c.Response().Write([]byte("ok"))
		keep, err := c.Finish()
		fmt.Fprintf(&log, "keep=%v", keep)
		if err != nil {
			fmt.Fprintf(&log, " %v", err)
		}
		log.WriteString("\n")
		if !keep {
			return log.String()
		}
	}
}

// ok is what serve answers to one request.
func ok(id uint16) []byte {
	return cat(padded(TypeStdout, id, "ok", 6), end(id, RequestComplete))
}

var conversations = []struct {
	name string
	in   []byte
	log  string
	out  []byte
}{
	{
		"a request without keep",
		request(1, 0, "body", "A", "1"),
		"1 RESPONDER keep=false A=1 stdin=\"body\" keep=false\n",
		ok(1),
	}, {
		"two requests on one connection",
		cat(request(1, KeepConn, "one", "A", "1"), request(65535, KeepConn, "", "B", "2")),
		"1 RESPONDER keep=true A=1 stdin=\"one\" keep=true\n65535 RESPONDER keep=true B=2 stdin=\"\" keep=true\nEOF",
		cat(ok(1), ok(65535)),
	}, {
		"no params, unknown flags",
		cat(begin(1, RoleResponder, KeepConn|0xfe), rec(TypeParams, 1, ""), rec(TypeStdin, 1, "")),
		"1 RESPONDER keep=true stdin=\"\" keep=true\nEOF",
		ok(1),
	}, {
		"an authorizer has no stdin, and one that is ended is skipped",
		cat(begin(1, RoleAuthorizer, KeepConn), rec(TypeParams, 1, ""), rec(TypeStdin, 1, ""), request(2, 0, "")),
		"1 AUTHORIZER keep=true stdin=\"\" keep=true\n2 RESPONDER keep=false stdin=\"\" keep=false\n",
		cat(ok(1), ok(2)),
	}, {
		"a filter",
		cat(begin(1, RoleFilter, KeepConn), rec(TypeParams, 1, ""),
			rec(TypeStdin, 1, "in"), rec(TypeStdin, 1, ""), rec(TypeData, 1, "da"), rec(TypeData, 1, "ta"), rec(TypeData, 1, "")),
		"1 FILTER keep=true stdin=\"in\" data=\"data\" keep=true\nEOF",
		ok(1),
	}, {
		"a pair in three records, padding everywhere",
		cat(padded(TypeBeginRequest, 1, "\x00\x01\x00\x00\x00\x00\x00\x00", 255),
			padded(TypeParams, 1, "\x04", 1), padded(TypeParams, 1, "\x03NA", 255), padded(TypeParams, 1, "MEval", 7),
			padded(TypeParams, 1, "", 9), padded(TypeStdin, 1, "x", 255), padded(TypeStdin, 1, "", 255)),
		"1 RESPONDER keep=false NAME=val stdin=\"x\" keep=false\n",
		ok(1),
	}, {
		"GET_VALUES before, within and after a request",
		cat(rec(TypeGetValues, 0, pairs(MaxConns, "", MpxsConns, "")),
			begin(1, RoleResponder, KeepConn), padded(TypeGetValues, 0, "", 3), rec(TypeParams, 1, ""),
			rec(TypeGetValues, 7, pairs(MpxsConns, "")), rec(TypeStdin, 1, ""), rec(TypeGetValues, 0, pairs("X", ""))),
		"1 RESPONDER keep=true stdin=\"\" keep=true\nEOF",
		cat(padded(TypeGetValuesResult, 0, pairs(MpxsConns, "0"), 6), rec(TypeGetValuesResult, 0, ""),
			padded(TypeGetValuesResult, 0, pairs(MpxsConns, "0"), 6), ok(1), rec(TypeGetValuesResult, 0, "")),
	}, {
		"unknown management records",
		cat(padded(12, 0, "what is this", 5), begin(1, RoleResponder, KeepConn), rec(255, 0, ""), rec(TypeParams, 1, ""),
			rec(TypeStdin, 1, "a"), rec(0, 0, "x"), rec(TypeStdin, 1, "b"), rec(TypeStdin, 1, "")),
		"1 RESPONDER keep=true stdin=\"ab\" keep=true\nEOF",
		cat(rec(TypeUnknownType, 0, "\x0c\x00\x00\x00\x00\x00\x00\x00"), rec(TypeUnknownType, 0, "\xff\x00\x00\x00\x00\x00\x00\x00"),
			rec(TypeUnknownType, 0, "\x00\x00\x00\x00\x00\x00\x00\x00"), ok(1)),
	}, {
		"a second request while one is in progress",
		cat(begin(1, RoleResponder, KeepConn), begin(2, RoleResponder, KeepConn), rec(TypeParams, 1, pairs("A", "1")),
			rec(TypeParams, 2, pairs("B", "2")), rec(TypeParams, 1, ""), rec(TypeParams, 2, ""), rec(TypeStdin, 2, "two"),
			rec(TypeStdin, 1, "one"), rec(TypeStdin, 1, ""), rec(TypeStdin, 2, ""), request(2, 0, "again")),
		"1 RESPONDER keep=true A=1 stdin=\"one\" keep=true\n2 RESPONDER keep=false stdin=\"again\" keep=false\n",
		cat(end(2, CantMpxConn), ok(1), ok(2)),
	}, {
		"an unknown role on a kept connection",
		cat(begin(1, 4, KeepConn), rec(TypeParams, 1, pairs("A", "1")), rec(TypeParams, 1, ""), rec(TypeStdin, 1, "body"), rec(TypeStdin, 1, ""),
			request(1, 0, "", "B", "2")),
		"1 RESPONDER keep=false B=2 stdin=\"\" keep=false\n",
		cat(end(1, UnknownRole), ok(1)),
	}, {
		"an unknown role on another",
		cat(begin(9, 0, 0), rec(TypeParams, 9, ""), rec(TypeStdin, 9, "")),
		ErrUnknownRole.Error(),
		end(9, UnknownRole),
	}, {
		"abort in the params",
		cat(begin(1, RoleResponder, KeepConn), rec(TypeParams, 1, "\x01"), rec(TypeAbortRequest, 1, ""), request(1, 0, "", "A", "1")),
		"1 RESPONDER keep=false A=1 stdin=\"\" keep=false\n",
		cat(end(1, RequestComplete), ok(1)),
	}, {
		"abort in the params, without keep",
		cat(begin(1, RoleResponder, 0), rec(TypeAbortRequest, 1, "")),
		ErrAborted.Error(),
		end(1, RequestComplete),
	}, {
		"abort in the body",
		cat(begin(1, RoleResponder, KeepConn), rec(TypeParams, 1, ""), rec(TypeStdin, 1, "bo"), rec(TypeAbortRequest, 1, ""), request(2, 0, "")),
		"1 RESPONDER keep=true stdin=\"bo\" (" + ErrAborted.Error() + ") keep=true\n2 RESPONDER keep=false stdin=\"\" keep=false\n",
		cat(ok(1), ok(2)),
	}, {
		"abort that crossed the end",
		cat(request(1, KeepConn, ""), rec(TypeAbortRequest, 1, ""), request(2, 0, "")),
		"1 RESPONDER keep=true stdin=\"\" keep=true\n2 RESPONDER keep=false stdin=\"\" keep=false\n",
		cat(ok(1), ok(2)),
	},
}

func TestConversations(t *testing.T) {
	for _, tt := range conversations {
		p := &peer{chunks: [][]byte{tt.in}}
		if got := serve(newConn(p, Limits{})); got != tt.log {
			t.Errorf("%s:\n got %s\nwant %s", tt.name, got, tt.log)
		}
		wantBytes(t, tt.name, p.out.Bytes(), tt.out)
		if p.reads > 2 {
			t.Errorf("%s: %d reads", tt.name, p.reads)
		}
	}
}

// The same, cut in two at every byte, with a transport that would block in
// between, and then byte by byte, through the smallest buffers.
func TestConversationsSplitAtEveryByte(t *testing.T) {
	for _, tt := range conversations {
		run := func(how string, buf int, chunks [][]byte) {
			p := &peer{chunks: chunks}
			c := NewConn(Config{ReadBuffer: make([]byte, buf), WriteBuffer: make([]byte, MinBuffer), Values: map[string]string{MpxsConns: "0"}})
			c.Reset(p)
			if got := serve(c); got != tt.log {
				t.Fatalf("%s, %s:\n got %s\nwant %s", tt.name, how, got, tt.log)
			}
			wantBytes(t, tt.name+", "+how, p.out.Bytes(), tt.out)
		}
		for i := range tt.in {
			run(fmt.Sprintf("cut at %d", i), 4096, [][]byte{tt.in[:i:i], nil, tt.in[i:]})
		}
		var single [][]byte
		for i := range tt.in {
			single = append(single, tt.in[i:i+1], nil)
		}
		run("byte by byte", MinBuffer, single)
		run("at once, least buffer", MinBuffer, [][]byte{tt.in})
	}
}

func TestBadRecords(t *testing.T) {
	begun := begin(1, RoleResponder, KeepConn)
	inBody := cat(begun, rec(TypeParams, 1, ""))
	limits := Limits{MaxParamBytes: 100, MaxParams: 4, MaxStray: 100}
	for _, tt := range []struct {
		name string
		in   []byte
		want error
		msg  string
	}{
		{"http", []byte("GET / HTTP/1.1\r\n\r\n"), ErrVersion, `while waiting for a request: not a FastCGI 1 record: it begins with "GET / HT"`},
		{"version 0", make([]byte, 8), ErrVersion, `it begins with "\x00\x00\x00\x00\x00\x00\x00\x00"`},
		{"begin of 7 bytes", rec(TypeBeginRequest, 1, "1234567"), ErrMalformed, "BEGIN_REQUEST record, id 1, 7 bytes, while waiting for a request: malformed: its body is 8 bytes long"},
		{"begin of 9 bytes", rec(TypeBeginRequest, 1, "123456789"), ErrMalformed, "its body is 8 bytes long"},
		{"begin of id 0", begin(0, RoleResponder, 0), ErrMalformed, "request id 0"},
		{"params of id 0", cat(begun, rec(TypeParams, 0, "")), ErrMalformed, "request id 0"},
		{"begin twice", cat(begun, begun), ErrOutOfOrder, "while reading params: out of order: that request is in progress"},
		{"params before begin", rec(TypeParams, 1, "x"), ErrOutOfOrder, "no request is in progress"},
		{"stdin before begin", rec(TypeStdin, 1, "x"), ErrOutOfOrder, "no request is in progress"},
		{"stdin before the end of params", cat(begun, rec(TypeStdin, 1, "")), ErrOutOfOrder, "PARAMS have not ended"},
		{"params of another id", cat(begun, rec(TypeParams, 2, "")), ErrOutOfOrder, "request 1 is in progress"},
		{"params after params", cat(inBody, rec(TypeParams, 1, "")), ErrOutOfOrder, "PARAMS record, id 1, 0 bytes, while reading stdin: out of order: STDIN has not ended"},
		{"data for a responder", cat(inBody, rec(TypeData, 1, "")), ErrOutOfOrder, "STDIN has not ended"},
		{"stdin of another id", cat(inBody, rec(TypeStdin, 2, "x")), ErrOutOfOrder, "request 1 is in progress"},
		{"stdin after stdin", cat(inBody, rec(TypeStdin, 1, ""), rec(TypeStdin, 1, "x")), ErrOutOfOrder, "no request is in progress"},
		{"stdout from a client", rec(TypeStdout, 1, ""), ErrOutOfOrder, "only applications send it"},
		{"unknown type from a client", rec(TypeUnknownType, 0, "12345678"), ErrOutOfOrder, "only applications send it"},
		{"unknown type of a request", cat(begun, rec(77, 1, "")), ErrMalformed, "type 77 record"},
		{"malformed pair", cat(begun, rec(TypeParams, 1, "\x05\x05abc"), rec(TypeParams, 1, "")), ErrMalformed, "while reading params: malformed: param 1: name of 5 and value of 5 bytes, 3 are there"},
		{"malformed query", rec(TypeGetValues, 0, "\x05"), ErrMalformed, "GET_VALUES record"},
		{"too many bytes of params", cat(begun, rec(TypeParams, 1, pairs("A", strings.Repeat("x", 98)))), ErrTooLarge, "limit is 100 bytes of params"},
		{"too many bytes in two records", cat(begun, rec(TypeParams, 1, strings.Repeat("x", 50)), rec(TypeParams, 1, strings.Repeat("x", 51))), ErrTooLarge, "limit is 100 bytes of params"},
		{"too many params", cat(begun, rec(TypeParams, 1, pairs("A", "", "B", "", "C", "", "D", "")), rec(TypeParams, 1, "")), ErrTooLarge, "limit is 4 params"},
		{"too large a query", rec(TypeGetValues, 0, strings.Repeat("\x00", 5000)), ErrTooLarge, "bytes"},
		{"management for ever", cat(rec(99, 0, strings.Repeat("x", 80)), rec(99, 0, strings.Repeat("x", 80))), ErrTooLarge, "more than 100 bytes of records outside a request"},
		{"refused for ever", cat(begun, begin(2, 1, 0), rec(TypeStdin, 2, strings.Repeat("x", 100))), ErrTooLarge, "more than 100 bytes"},
		{"ends in a header", []byte("\x01\x01\x00"), io.ErrUnexpectedEOF, "while waiting for a request: unexpected EOF"},
		{"ends in a beginning", begun[:12], io.ErrUnexpectedEOF, "BEGIN_REQUEST record, id 1, 8 bytes, while waiting for a request: unexpected EOF: 8 bytes of it are missing"},
		{"ends in the params", begun, io.ErrUnexpectedEOF, "while reading params: unexpected EOF"},
		{"ends in a stdin", cat(inBody, rec(TypeStdin, 1, "12345678")[:10]), io.ErrUnexpectedEOF, "STDIN record, id 1, 8 bytes, while reading stdin: unexpected EOF: 6 bytes of it are missing"},
		{"ends in padding", cat(inBody, padded(TypeStdin, 1, "", 8)[:12], nil), io.ErrUnexpectedEOF, "unexpected EOF"},
	} {
		p := &peer{chunks: [][]byte{tt.in}}
		c := newConn(p, limits)
		var req Request
		err := c.ReadRequest(&req)
		for err == nil {
			if _, err = io.Copy(io.Discard, bodyOf(c)); err == nil {
				var keep bool
				if keep, err = c.Finish(); keep {
					err = c.ReadRequest(&req)
				}
			}
		}
		if !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.msg) {
			t.Errorf("%s: %v", tt.name, err)
		}
		if c.Stage() != StageClosed {
			t.Errorf("%s: stage %d", tt.name, c.Stage())
		}
		if again := c.ReadRequest(&req); again != err {
			t.Errorf("%s: then %v", tt.name, again)
		}
		if _, again := c.ReadBody(make([]byte, 1)); again != err {
			t.Errorf("%s: then %v", tt.name, again)
		}
		if keep, _ := c.Finish(); keep {
			t.Errorf("%s: kept", tt.name)
		}
	}
}

type bodyReader struct{ c *Conn }

func bodyOf(c *Conn) io.Reader                  { return bodyReader{c} }
func (b bodyReader) Read(p []byte) (int, error) { return b.c.ReadBody(p) }

// Largest record there is: 65,535 bytes with 255 of padding. Stock PHP closes.
func TestLargestRecords(t *testing.T) {
	value := strings.Repeat("v", MaxContent-9)
	body := strings.Repeat("b", MaxContent)
	in := cat(begin(1, RoleResponder, 0), padded(TypeParams, 1, pairs("NAME", value), 255), rec(TypeParams, 1, ""),
		padded(TypeStdin, 1, body, 255), padded(TypeStdin, 1, body, 1), rec(TypeStdin, 1, ""))
	p := &peer{chunks: [][]byte{in}}
	c := newConn(p, Limits{})
	var req Request
	if err := c.ReadRequest(&req); err != nil {
		t.Fatal(err)
	}
	if string(req.Params.Get("NAME")) != value {
		t.Error("param is not what was sent")
	}
	if got, err := io.ReadAll(bodyOf(c)); err != nil || string(got) != body+body {
		t.Errorf("body of %d bytes, %v", len(got), err)
	}
}

func TestRoleParam(t *testing.T) {
	for role := RoleResponder; role <= RoleFilter; role++ {
		c := newConn(&peer{chunks: [][]byte{begin(1, role, 0), rec(TypeParams, 1, ""), rec(TypeStdin, 1, "")}}, Limits{})
		var req Request
		if err := c.ReadRequest(&req); err != nil {
			t.Fatal(err)
		}
		if got := list(&req.Params); got != "FCGI_ROLE="+role.String()+"\n" {
			t.Errorf("%v: %q", role, got)
		}
	}
}

// The response can be ended before the body is read (fastcgi_finish_request),
// and is ended once.
func TestEndBeforeBody(t *testing.T) {
	p := &peer{chunks: [][]byte{request(1, KeepConn, "body")}}
	c := newConn(p, Limits{})
	var req Request
	if err := c.ReadRequest(&req); err != nil {
		t.Fatal(err)
	}
	if err := c.Response().End(3, Overloaded); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Response().Write([]byte("late")); err != ErrEnded {
		t.Errorf("late write: %v", err)
	}
	if got, err := io.ReadAll(bodyOf(c)); err != nil || string(got) != "body" {
		t.Errorf("%q, %v", got, err)
	}
	if keep, err := c.Finish(); !keep || err != nil {
		t.Errorf("keep %v, %v", keep, err)
	}
	wantBytes(t, "response", p.out.Bytes(), []byte("\x01\x03\x00\x01\x00\x08\x00\x00\x00\x00\x00\x03\x02\x00\x00\x00"))
}

func TestCloseAfter(t *testing.T) {
	c := newConn(&peer{chunks: [][]byte{request(1, KeepConn, ""), request(2, KeepConn, "")}}, Limits{})
	var req Request
	if err := c.ReadRequest(&req); err != nil {
		t.Fatal(err)
	}
	c.CloseAfter()
	if keep, err := c.Finish(); keep || err != nil {
		t.Errorf("keep %v, %v", keep, err)
	}
	if err := c.ReadRequest(&req); err != ErrClosed {
		t.Error(err)
	}
}

// An answer can still be given to a request whose params were too large.
func TestAnswerAfterError(t *testing.T) {
	p := &peer{chunks: [][]byte{begin(5, RoleResponder, KeepConn), rec(TypeParams, 5, strings.Repeat("x", 50))}}
	c := newConn(p, Limits{MaxParamBytes: 10})
	var req Request
	if err := c.ReadRequest(&req); !errors.Is(err, ErrTooLarge) {
		t.Fatal(err)
	}
	c.Response().Write([]byte("Status: 431\r\n\r\n"))
	c.Response().End(0, RequestComplete)
	if keep, _ := c.Finish(); keep {
		t.Error("kept")
	}
	wantBytes(t, "answer", p.out.Bytes(), cat(padded(TypeStdout, 5, "Status: 431\r\n\r\n", 1), end(5, RequestComplete)))
}

// A client that cannot be answered costs the connection.
func TestWriteFails(t *testing.T) {
	for name, in := range map[string][]byte{
		"response": request(1, KeepConn, ""),
		"values":   rec(TypeGetValues, 0, ""),
		"unknown":  rec(99, 0, ""),
		"bad role": begin(1, 9, KeepConn),
		"cant mpx": cat(begin(1, 1, 1), begin(2, 1, 1)),
		"aborted":  cat(begin(1, 1, 1), rec(TypeAbortRequest, 1, "")),
	} {
		c := newConn(struct {
			io.Reader
			io.Writer
		}{&peer{chunks: [][]byte{in}}, brokenPipe{}}, Limits{})
		var req Request
		err := c.ReadRequest(&req)
		if err == nil {
			_, err = c.Finish()
		}
		if err != errBroken || c.Stage() != StageClosed {
			t.Errorf("%s: %v, stage %d", name, err, c.Stage())
		}
	}
}

var errBroken = errors.New("broken pipe")

type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, errBroken }
