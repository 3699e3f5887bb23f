package fastcgi

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
)

func TestRequestBytes(t *testing.T) {
	p := &peer{}
	w := NewRequestWriter(p, make([]byte, 4096))
	w.Begin(3, BeginRequest{Role: RoleFilter, Flags: KeepConn})
	w.Param("A", "1")
	w.Param("B", strings.Repeat("b", 128))
	w.EndParams()
	w.Write([]byte("in"))
	if p.writes != 0 {
		t.Error("wrote before there was need")
	}
	w.EndStdin()
	w.WriteData([]byte("data"))
	w.EndData()
	w.Abort()
	w.GetValues(MaxConns)
	wantBytes(t, "request", p.out.Bytes(), cat(
		[]byte("\x01\x01\x00\x03\x00\x08\x00\x00\x00\x03\x01\x00\x00\x00\x00\x00"),
		[]byte("\x01\x04\x00\x03\x00\x8a\x06\x00\x01\x01A1\x01\x80\x00\x00\x80B"+strings.Repeat("b", 128)+"\x00\x00\x00\x00\x00\x00"),
		rec(TypeParams, 3, ""),
		padded(TypeStdin, 3, "in", 6), rec(TypeStdin, 3, ""),
		padded(TypeData, 3, "data", 4), rec(TypeData, 3, ""),
		rec(TypeAbortRequest, 3, ""),
		padded(TypeGetValues, 0, pairs(MaxConns, ""), 0),
	))
}

// Pairs stay whole within a record as long as they fit the buffer, for stock
// PHP's sake.
func TestParamsKeepPairsWhole(t *testing.T) {
	p := &peer{}
	w := NewRequestWriter(p, make([]byte, 1024))
	w.Begin(1, BeginRequest{Role: RoleResponder, Flags: 0})
	want := ""
	for i := range 300 {
		name, value := fmt.Sprint("NAME", i), strings.Repeat("v", i*3)
		if err := w.Param(name, value); err != nil {
			t.Fatal(err)
		}
		want += name + "=" + value + "\n"
	}
	w.EndParams()
	w.EndStdin()
	got := ""
	var params Params
	for r := NewRecordReader(&p.out, make([]byte, 70000)); ; {
		h, err := r.Next()
		if err == io.EOF {
			break
		}
		if h.Type == TypeParams && h.ContentLength > 0 {
			b, _ := r.Chunk(MaxContent)
			b = bytes.Clone(b)
			for len(b) < int(h.ContentLength) {
				more, err := r.Chunk(MaxContent)
				if err != nil {
					t.Fatal(err)
				}
				b = append(b, more...)
			}
			if err := params.Parse(b); err != nil {
				t.Fatal(err)
			}
			got += list(&params)
		}
	}
	if got != want {
		t.Error("params came out different")
	}

	// One that does not fit is split, and a Conn takes it.
	p = &peer{}
	w.Reset(p)
	w.Begin(1, BeginRequest{Role: RoleResponder, Flags: 0})
	w.Param("BIG", strings.Repeat("x", 100000))
	w.Param("SMALL", "y")
	w.EndParams()
	w.EndStdin()
	c := newConn(&peer{chunks: [][]byte{p.out.Bytes()}}, Limits{})
	var req Request
	if err := c.ReadRequest(&req); err != nil || len(req.Params.Get("BIG")) != 100000 || string(req.Params.Get("SMALL")) != "y" {
		t.Error(err, req.Params.Len())
	}
}

// receive tells what a response's pieces were, joined.
func receive(r *ResponseReader) (string, error) {
	var s strings.Builder
	last := Type(0)
	for {
		typ, b, err := r.Next()
		if err == errAgain {
			continue
		}
		if err != nil {
			return s.String(), err
		}
		if typ != last {
			fmt.Fprintf(&s, "%v:", typ)
			last = typ
		}
		s.Write(b)
		if typ == TypeEndRequest {
			fmt.Fprint(&s, r.Status())
			return s.String(), nil
		}
	}
}

func TestResponseReader(t *testing.T) {
	big := strings.Repeat("x", 65535)
	for _, tt := range []struct {
		name string
		in   []byte
		want string
		err  error
		msg  string
	}{
		{"as stock php", cat(padded(TypeStdout, 1, "hello", 3), end(1, 0)), "STDOUT:helloEND_REQUEST:{0 REQUEST_COMPLETE}", nil, ""},
		{"streams ended as in the specification", cat(rec(TypeStdout, 1, "a"), rec(TypeStderr, 1, "b"), rec(TypeStdout, 1, "c"),
			rec(TypeStdout, 1, ""), padded(TypeStderr, 1, "", 4), end(1, Overloaded)), "STDOUT:aSTDERR:bSTDOUT:cEND_REQUEST:{0 OVERLOADED}", nil, ""},
		{"large", cat(padded(TypeStdout, 1, big, 255), padded(TypeStdout, 1, big, 0), end(1, 0)), "STDOUT:" + big + big + "END_REQUEST:{0 REQUEST_COMPLETE}", nil, ""},
		{"management between", cat(rec(TypeStdout, 1, "a"), rec(TypeGetValuesResult, 0, ""), padded(TypeUnknownType, 0, "12345678", 8), rec(TypeStdout, 1, "b"), end(1, 0)),
			"STDOUT:aGET_VALUES_RESULT:UNKNOWN_TYPE:12345678STDOUT:bEND_REQUEST:{0 REQUEST_COMPLETE}", nil, ""},
		{"closed", nil, "", io.ErrUnexpectedEOF, "fastcgi: while reading a response: unexpected EOF"},
		{"closed in the middle", cat(rec(TypeStdout, 1, "abc"))[:10], "STDOUT:ab", io.ErrUnexpectedEOF, ""},
		{"closed before the end", rec(TypeStdout, 1, "abc"), "STDOUT:abc", io.ErrUnexpectedEOF, ""},
		{"after its end", cat(rec(TypeStdout, 1, ""), rec(TypeStdout, 1, "x")), "", ErrOutOfOrder, "STDOUT record, id 1, 1 bytes, while reading a response: out of order: the stream has ended"},
		{"another request", rec(TypeStdout, 2, "x"), "", ErrOutOfOrder, "request 1 was sent"},
		{"end of another", end(2, 0), "", ErrOutOfOrder, "request 1 was sent"},
		{"short end", rec(TypeEndRequest, 1, "1234"), "", ErrMalformed, "its body is 8 bytes long"},
		{"stdin", rec(TypeStdin, 1, ""), "", ErrOutOfOrder, "applications do not send it"},
		{"http", []byte("HTTP/1.1 400 Bad Request\r\n"), "", ErrVersion, `it begins with "HTTP/1.1"`},
		{"large management", rec(TypeGetValuesResult, 0, big), "", ErrTooLarge, "limit is"},
	} {
		for _, buf := range []int{MinBuffer, 4096} {
			ways := map[string][][]byte{"whole": {tt.in}}
			if len(tt.in) < 1000 {
				for i := range tt.in {
					ways[fmt.Sprintf("cut at %d", i)] = [][]byte{tt.in[:i:i], nil, tt.in[i:]}
				}
			}
			for way, chunks := range ways {
				r := NewResponseReader(&peer{chunks: chunks}, make([]byte, buf))
				r.Begin(1)
				got, err := receive(r)
				if got != tt.want || !errors.Is(err, tt.err) || err != nil && !strings.Contains(err.Error(), tt.msg) {
					t.Errorf("%s, %s: %.200q, %v", tt.name, way, got, err)
				}
				if tt.err == nil {
					if _, _, err := r.Next(); err != io.EOF {
						t.Errorf("%s, %s: then %v", tt.name, way, err)
					}
				}
			}
		}
	}
}

// Both ends against each other, on one kept connection.
func TestClientAndServer(t *testing.T) {
	up, down := &peer{}, &peer{}
	w := NewRequestWriter(up, make([]byte, 8192))
	r := NewResponseReader(down, make([]byte, 4096))
	c := newConn(struct {
		io.Reader
		io.Writer
	}{&up.out, &down.out}, Limits{})
	r.Reset(&down.out)
	var req Request
	for i := range 5 {
		id := uint16(i + 1)
		body := strings.Repeat("body", i*20000)
		w.Begin(id, BeginRequest{Role: RoleResponder, Flags: KeepConn})
		w.Param("REQUEST_URI", fmt.Sprint("/", i))
		w.EndParams()
		w.Write([]byte(body))
		w.EndStdin()

		if err := c.ReadRequest(&req); err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(bodyOf(c))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(c.Response(), "%s\n", req.Params.Get("REQUEST_URI"))
		c.Response().Write(got)
		if keep, err := c.Finish(); !keep || err != nil {
			t.Fatal(keep, err)
		}

		r.Begin(id)
		answer, err := receive(r)
		if want := fmt.Sprintf("STDOUT:/%d\n%sEND_REQUEST:{0 REQUEST_COMPLETE}", i, body); answer != want || err != nil {
			t.Fatalf("%.100q (%d bytes), %v", answer, len(answer), err)
		}
		if r.Buffered() != 0 {
			t.Error("something is left")
		}
	}
}

// Rest knows of the response's end before Next comes to it, and of nothing else.
func TestRestOfAResponse(t *testing.T) {
	end := appendFixed(nil, TypeEndRequest, 1, EndRequest{}.Body())
	for name, c := range map[string]struct {
		wire   []byte
		rest   int
		whole  bool
		chunks int
	}{
		"whole":            {cat(padded(TypeStdout, 1, "hello", 3), end), 0, true, 1},
		"in two records":   {cat(padded(TypeStdout, 1, "hello", 3), rec(TypeStderr, 1, "oops"), rec(TypeStdout, 1, "more"), end), 4, true, 1},
		"not to its end":   {cat(padded(TypeStdout, 1, "hello", 3), end[:15]), 0, false, 1},
		"within padding":   {padded(TypeStdout, 1, "hello", 3)[:14], 0, false, 1},
		"within a record":  {cat(padded(TypeStdout, 1, "hello", 3)), 0, false, 1},
		"another request":  {cat(rec(TypeStdout, 1, "hello"), appendFixed(nil, TypeEndRequest, 2, EndRequest{}.Body())), 0, false, 1},
		"other version":    {cat(rec(TypeStdout, 1, "hello"), []byte("\x02"), end[1:]), 0, false, 1},
		"at the very end":  {end, 0, true, 1},
		"too much behind ": {cat(rec(TypeStdout, 1, "hello"), end, []byte("xxxxxxxxxxxx")), 0, true, 1},
	} {
		r := NewResponseReader(bytes.NewReader(c.wire), make([]byte, 256))
		r.Begin(1)
		for range c.chunks {
			if _, _, err := r.Next(); err != nil {
				t.Fatal(name, err)
			}
		}
		if rest, whole := r.Rest(); whole != c.whole || whole && rest != c.rest {
			t.Errorf("%s: %d, %v, want %d, %v", name, rest, whole, c.rest, c.whole)
		}
	}
}

func TestInterimIsAFlagOfTheRequest(t *testing.T) {
	for _, flags := range []Flags{KeepConn, KeepConn | Interim} {
		p := &peer{}
		w := NewRequestWriter(p, make([]byte, 1024))
		w.Begin(1, BeginRequest{Role: RoleResponder, Flags: flags})
		w.ParamBytes([]byte("A"), []byte("b"))
		w.EndParams()
		if left := w.Available(); left >= 1024 || left < 900 {
			t.Errorf("%d bytes are available", left)
		}
		w.EndStdin()
		c := newConn(&peer{chunks: [][]byte{p.out.Bytes()}}, Limits{})
		var req Request
		if err := c.ReadRequest(&req); err != nil || !req.KeepConn || req.Interim != (flags&Interim != 0) || string(req.Params.Get("A")) != "b" {
			t.Errorf("%b: %+v, %v", flags, req, err)
		}
	}
}

// What was given out stays as it is when the reader continues with another buffer, wherever it stands.
func TestRebuffer(t *testing.T) {
	text := strings.Repeat("0123456789abcdef", 40)
	wire := cat(padded(TypeStdout, 1, text[:300], 4), padded(TypeStdout, 1, text[300:], 4), rec(TypeEndRequest, 1, "\x00\x00\x00\x00\x00\x00\x00\x00"))
	r := NewResponseReader(bytes.NewReader(wire), make([]byte, 100))
	r.Begin(1)
	var pieces [][]byte
	for spare := make([]byte, 100); ; {
		typ, b, err := r.Next()
		if err != nil {
			t.Fatal(err)
		}
		if typ == TypeEndRequest {
			break
		}
		pieces = append(pieces, b)
		if old := r.Rebuffer(spare); len(b) > 0 && len(old) != 100 {
			t.Errorf("got back %d bytes", len(old))
		}
		spare = make([]byte, 100)
	}
	if got := string(cat(pieces...)); got != text {
		t.Errorf("got %q", got)
	}
}
