package fastcgi

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
)

// The body of the first request is a whole request in wire form, for another
// script. However much of the body is read, in whatever records it came, the
// next request is the client's second, or there is none (CVE-2026-129289).
func TestBodyIsNeverTheNextRequest(t *testing.T) {
	evil := request(1, KeepConn, "evil", "SCRIPT_FILENAME", "/evil.php")
	bodies := map[string][]byte{"one record": rec(TypeStdin, 1, string(evil))}
	for _, n := range []int{1, 8, 16, 17, len(evil) - 1} {
		var b []byte
		for rest := string(evil); rest != ""; {
			m := min(n, len(rest))
			b = append(b, padded(TypeStdin, 1, rest[:m], uint8(m%9))...)
			rest = rest[m:]
		}
		bodies[fmt.Sprintf("records of %d", n)] = b
	}
	for name, body := range bodies {
		for read := 0; read <= len(evil)+1; read++ {
			in := cat(begin(1, RoleResponder, KeepConn), rec(TypeParams, 1, pairs("SCRIPT_FILENAME", "/one.php")), rec(TypeParams, 1, ""),
				body, rec(TypeStdin, 1, ""), request(1, KeepConn, "", "SCRIPT_FILENAME", "/two.php"))
			c := newConn(&peer{chunks: [][]byte{in}}, Limits{})
			var req Request
			if err := c.ReadRequest(&req); err != nil {
				t.Fatal(err)
			}
			io.ReadFull(bodyOf(c), make([]byte, read))
			if keep, err := c.Finish(); !keep || err != nil {
				t.Fatalf("%s, %d read: keep %v, %v", name, read, keep, err)
			}
			if err := c.ReadRequest(&req); err != nil {
				t.Fatalf("%s, %d read: %v", name, read, err)
			}
			if got := string(req.Params.Get("SCRIPT_FILENAME")); got != "/two.php" {
				t.Fatalf("%s, %d read: next request is for %s", name, read, got)
			}
		}
	}
}

// Without Finish there is no next request, in no stage.
func TestNoRequestBeforeFinish(t *testing.T) {
	for _, read := range []int{0, 2, 4, 5} {
		in := cat(request(1, KeepConn, "body"), request(2, KeepConn, ""))
		c := newConn(&peer{chunks: [][]byte{in}}, Limits{})
		var req Request
		if err := c.ReadRequest(&req); err != nil {
			t.Fatal(err)
		}
		io.ReadFull(bodyOf(c), make([]byte, read))
		c.Response().End(0, RequestComplete)
		if err := c.ReadRequest(&req); err != ErrUnfinished {
			t.Errorf("%d read: %v", read, err)
		}
		if keep, err := c.Finish(); keep || err != ErrUnfinished {
			t.Errorf("%d read: then keep %v, %v", read, keep, err)
		}
		if err := c.ReadRequest(&req); err != ErrUnfinished {
			t.Errorf("%d read: then %v", read, err)
		}
	}
	// Nor while the params of one are under way.
	c := newConn(&peer{chunks: [][]byte{begin(1, RoleResponder, KeepConn), nil, rec(TypeParams, 1, "")}}, Limits{})
	var req Request
	if err := c.ReadRequest(&req); err != errAgain {
		t.Fatal(err)
	}
	if keep, err := c.Finish(); keep || err != ErrUnfinished {
		t.Errorf("in params: keep %v, %v", keep, err)
	}
}

// A connection without KeepConn carries one request; what lies behind its body
// stays there.
func TestNothingAfterAnUnkeptRequest(t *testing.T) {
	c := newConn(&peer{chunks: [][]byte{request(1, 0, "body"), request(2, 0, "")}}, Limits{})
	var req Request
	if err := c.ReadRequest(&req); err != nil {
		t.Fatal(err)
	}
	if keep, err := c.Finish(); keep || err != nil {
		t.Errorf("keep %v, %v", keep, err)
	}
	if err := c.ReadRequest(&req); err != ErrClosed {
		t.Error(err)
	}
	if _, err := c.ReadBody(make([]byte, 1)); err != ErrClosed {
		t.Error(err)
	}
}

func TestDrainIsBounded(t *testing.T) {
	body := func(n int) []byte {
		return cat(rec(TypeStdin, 1, strings.Repeat("x", n/2)), rec(TypeStdin, 1, strings.Repeat("x", n-n/2)), rec(TypeStdin, 1, ""))
	}
	for _, tt := range []struct {
		n    int
		keep bool
	}{{0, true}, {999, true}, {1000, true}, {1001, false}, {100000, false}} {
		in := cat(begin(1, RoleResponder, KeepConn), rec(TypeParams, 1, ""))
		if tt.n > 0 {
			in = append(in, body(tt.n)...)
		} else {
			in = append(in, rec(TypeStdin, 1, "")...)
		}
		p := &peer{chunks: [][]byte{in}}
		c := newConn(p, Limits{MaxDrain: 1000})
		var req Request
		if err := c.ReadRequest(&req); err != nil {
			t.Fatal(err)
		}
		keep, err := c.Finish()
		if keep != tt.keep || (err == nil) != keep || err != nil && !errors.Is(err, ErrTooLarge) {
			t.Errorf("%d unread: keep %v, %v", tt.n, keep, err)
		}
		wantBytes(t, "response", p.out.Bytes(), end(1, RequestComplete))
	}
}

// The bound is on each request, not on the connection.
func TestDrainCountsPerRequest(t *testing.T) {
	one := request(1, KeepConn, strings.Repeat("x", 80))
	c := newConn(&peer{chunks: [][]byte{one, one, one}}, Limits{MaxDrain: 100})
	var req Request
	for i := range 3 {
		if err := c.ReadRequest(&req); err != nil {
			t.Fatal(err)
		}
		if keep, err := c.Finish(); !keep || err != nil {
			t.Fatalf("request %d: keep %v, %v", i, keep, err)
		}
	}
}

// A drain that had to wait continues where it was, and counts on.
func TestDrainResumes(t *testing.T) {
	in := cat(rec(TypeStdin, 1, strings.Repeat("x", 60)), rec(TypeStdin, 1, strings.Repeat("x", 41)), rec(TypeStdin, 1, ""))
	for _, tt := range []struct {
		limit int
		want  error
	}{{101, nil}, {100, ErrTooLarge}} {
		p := &peer{chunks: [][]byte{begin(1, RoleResponder, KeepConn), rec(TypeParams, 1, "")}}
		for i := range in {
			p.chunks = append(p.chunks, in[i:i+1], nil)
		}
		c := newConn(p, Limits{MaxDrain: tt.limit})
		var req Request
		if err := c.ReadRequest(&req); err != nil {
			t.Fatal(err)
		}
		err := c.Drain()
		for err == errAgain {
			err = c.Drain()
		}
		if !errors.Is(err, tt.want) {
			t.Errorf("limit %d: %v", tt.limit, err)
		}
		if keep, _ := c.Finish(); keep != (tt.want == nil) {
			t.Errorf("limit %d: keep %v", tt.limit, keep)
		}
	}
}

// A filter's DATA is part of what must be out of the way.
func TestDrainFilter(t *testing.T) {
	c := newConn(&peer{chunks: [][]byte{begin(1, RoleFilter, KeepConn), rec(TypeParams, 1, ""),
		rec(TypeStdin, 1, "in"), rec(TypeStdin, 1, ""), rec(TypeData, 1, "data"), rec(TypeData, 1, ""), request(2, 0, "", "A", "2")}}, Limits{})
	var req Request
	if err := c.ReadRequest(&req); err != nil {
		t.Fatal(err)
	}
	if n, err := c.ReadData(make([]byte, 2)); n != 2 || err != nil {
		t.Errorf("data past unread stdin: %d, %v", n, err)
	}
	if keep, err := c.Finish(); !keep || err != nil {
		t.Fatal(keep, err)
	}
	if err := c.ReadRequest(&req); err != nil || string(req.Params.Get("A")) != "2" {
		t.Errorf("%v, %q", err, list(&req.Params))
	}
}
