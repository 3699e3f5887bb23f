package fastcgi

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"
	"time"
)

// writer is a ResponseWriter for request 1.
func writer(dst io.Writer, buf int) *ResponseWriter {
	w := &ResponseWriter{}
	w.init(make([]byte, buf))
	w.reset(dst)
	w.begin(1)
	return w
}

func TestResponseBytes(t *testing.T) {
	for _, tt := range []struct {
		name string
		do   func(w *ResponseWriter)
		want []byte
	}{
		{"nothing", func(w *ResponseWriter) {}, nil},
		{"one record of many writes", func(w *ResponseWriter) {
			w.Write([]byte("he"))
			w.Write(nil)
			w.Write([]byte("llo"))
		}, padded(TypeStdout, 1, "hello", 3)},
		{"no padding", func(w *ResponseWriter) { w.Write([]byte("12345678")) }, rec(TypeStdout, 1, "12345678")},
		{"streams in order", func(w *ResponseWriter) {
			w.Write([]byte("a"))
			w.WriteStderr([]byte("b"))
			w.Write([]byte("c"))
		}, cat(padded(TypeStdout, 1, "a", 7), padded(TypeStderr, 1, "b", 7), padded(TypeStdout, 1, "c", 7))},
		{"one record of many messages", func(w *ResponseWriter) {
			w.WriteStderr([]byte("he"))
			w.WriteStderr([]byte("llo"))
		}, padded(TypeStderr, 1, "hello", 3)},
		{"room", func(w *ResponseWriter) {
			w.Write([]byte("a"))
			room, _ := w.Room()
			w.Commit(copy(room, "bc"))
			room, _ = w.Room()
			w.Commit(copy(room, ""))
		}, padded(TypeStdout, 1, "abc", 5)},
		{"room unused", func(w *ResponseWriter) {
			w.Room()
			w.WriteStderr([]byte("b"))
			w.Room()
		}, padded(TypeStderr, 1, "b", 7)},
	} {
		p := &peer{}
		w := writer(p, 4096)
		tt.do(w)
		if err := w.WriteLast([]byte("last"), 7, RequestComplete); err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		// "last" joins an open STDOUT record: compare streams, not framing, then.
		want, got := unframe(t, cat(tt.want, padded(TypeStdout, 1, "last", 4), rec(TypeEndRequest, 1, "\x00\x00\x00\x07\x00\x00\x00\x00"))), unframe(t, p.out.Bytes())
		if want != got {
			t.Errorf("%s:\n got %s\nwant %s", tt.name, got, want)
		}
		if p.writes != 1 {
			t.Errorf("%s: %d writes", tt.name, p.writes)
		}

		p = &peer{}
		w = writer(p, 4096)
		tt.do(w)
		w.End(7, RequestComplete)
		wantBytes(t, tt.name, p.out.Bytes(), cat(tt.want, rec(TypeEndRequest, 1, "\x00\x00\x00\x07\x00\x00\x00\x00")))
		if err := w.End(0, 0); err != ErrEnded {
			t.Errorf("%s: second End: %v", tt.name, err)
		}
	}
}

// unframe joins what is on the streams, checking every record's form.
func unframe(t *testing.T, wire []byte) string {
	t.Helper()
	var s bytes.Buffer
	last := Type(0)
	for len(wire) > 0 {
		if len(wire) < HeaderLen {
			t.Fatalf("ends in a header: %q", wire)
		}
		h := ParseHeader(wire)
		n := HeaderLen + int(h.ContentLength) + int(h.PaddingLength)
		if h.Version != 1 || h.RequestID != 1 || n%8 != 0 || n > len(wire) || h.Reserved != 0 {
			t.Fatalf("bad header %+v before %d bytes", h, len(wire)-HeaderLen)
		}
		if h.ContentLength == 0 && h.Type != TypeEndRequest {
			t.Fatalf("record %v ends a stream", h)
		}
		if h.Type != last {
			fmt.Fprintf(&s, "\n%v: ", h.Type)
			last = h.Type
		}
		s.Write(wire[HeaderLen : HeaderLen+int(h.ContentLength)])
		for _, b := range wire[HeaderLen+int(h.ContentLength) : n] {
			if b != 0 {
				t.Fatal("padding is not zero")
			}
		}
		wire = wire[n:]
	}
	return s.String()
}

// Output of every size, through small and large buffers, with and without
// writev: the streams come out as they went in.
func TestResponseOfEverySize(t *testing.T) {
	big := make([]byte, 3<<20)
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range big {
		big[i] = byte(rng.Uint32())
	}
	sizes := []int{0, 1, 7, 8, 9, 32, 33, 34, 40, 41, 63, 64, 65, 4000, 4049, 4050, 4065, 4066, 4073, 4074, 4096, 65527, 65528, 65529, 65535, 65536, 65537, 131056, 131057, 1 << 20, 3 << 20}
	for _, buf := range []int{MinBuffer, MinBuffer + 1, 4096, 100000} {
		for _, vec := range []bool{false, true} {
			for _, head := range []int{0, 5, 40} {
				for _, size := range sizes {
					if !vec && buf < 4096 && size > 70000 {
						continue // slow, and nothing new
					}
					v := &vecPeer{}
					var dst io.Writer = v
					if !vec {
						dst = &v.peer
					}
					w := writer(dst, buf)
					w.Write(big[:head])
					if err := w.WriteLast(big[:size], 0, RequestComplete); err != nil {
						t.Fatal(err)
					}
					want := "\nSTDOUT: " + string(big[:head]) + string(big[:size])
					if head+size == 0 {
						want = ""
					}
					what := fmt.Sprintf("buffer %d, writev %v, %d+%d bytes", buf, vec, head, size)
					if got := unframe(t, v.out.Bytes()); got != want+"\nEND_REQUEST: \x00\x00\x00\x00\x00\x00\x00\x00" {
						t.Fatalf("%s: %d bytes came out", what, len(got))
					}
					if most := 1 + (size-1)/(batch*fullContent); vec && buf >= 4096 && size > 0 && v.writes > most {
						t.Errorf("%s: %d writes, want %d", what, v.writes, most)
					}
				}
			}
		}
	}
}

// nginx discards what precedes a response's head only if a record ends where its buffer, of whole pages, is full.
func TestManyMessagesEndWhereThePageEnds(t *testing.T) {
	for _, size := range []int{100, 1000, 9000, 70000} {
		p := &vecPeer{}
		w := writer(p, 8<<10+TailRoom)
		message := bytes.Repeat([]byte("m"), size)
		for range 140000 / size {
			w.WriteStderr(message)
		}
		w.End(0, RequestComplete)
		wire := p.out.Bytes()
		for range 16 {
			h := ParseHeader(wire)
			if n := HeaderLen + int(h.ContentLength) + int(h.PaddingLength); h.Type != TypeStderr || n != 8<<10 {
				t.Fatalf("messages of %d bytes: a record %v of %d bytes", size, h.Type, n)
			}
			wire = wire[8<<10:]
		}
	}
}

// Many writes of odd sizes, Room among them.
func TestResponseManyWrites(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	big := bytes.Repeat([]byte("0123456789abcdef"), 1<<13)
	for _, vec := range []bool{false, true} {
		for range 50 {
			v := &vecPeer{}
			var dst io.Writer = v
			if !vec {
				dst = &v.peer
			}
			w := writer(dst, 64+rng.IntN(9000))
			var want bytes.Buffer
			for range 200 {
				p := big[rng.IntN(100):][:rng.IntN(1<<rng.IntN(16))]
				switch rng.IntN(8) {
				case 0:
					w.Flush()
				case 1:
					room, err := w.Room()
					if err != nil || len(room) == 0 {
						t.Fatal(len(room), err)
					}
					n := copy(room, p)
					w.Commit(n)
					want.Write(p[:n])
				default:
					if n, err := w.Write(p); n != len(p) || err != nil {
						t.Fatal(n, err)
					}
					want.Write(p)
				}
			}
			w.End(0, RequestComplete)
			got := unframe(t, v.out.Bytes())
			if got != "\nSTDOUT: "+want.String()+"\nEND_REQUEST: \x00\x00\x00\x00\x00\x00\x00\x00" {
				t.Fatalf("writev %v: %d bytes came out, want %d", vec, len(got), want.Len())
			}
		}
	}
}

// A failed write is final: nothing is written behind the gap.
func TestResponseWriteErrorIsFinal(t *testing.T) {
	for _, size := range []int{10, 5000, 200000} {
		w := writer(brokenPipe{}, 4096)
		_, err := w.Write(make([]byte, size))
		if err == nil {
			err = w.Flush()
		}
		if err != errBroken {
			t.Fatalf("%d bytes: %v", size, err)
		}
		if _, err := w.Write([]byte("x")); err != errBroken {
			t.Errorf("then Write: %v", err)
		}
		if _, err := w.Room(); err != errBroken {
			t.Errorf("then Room: %v", err)
		}
		if err := w.End(0, 0); err != errBroken {
			t.Errorf("then End: %v", err)
		}
	}
	w := writer(shortWriter{}, 4096)
	w.Write([]byte("x"))
	if err := w.Flush(); err != io.ErrShortWrite {
		t.Error(err)
	}
}

type shortWriter struct{}

func (shortWriter) Write(p []byte) (int, error) { return len(p) - 1, nil }

func TestCommitPanics(t *testing.T) {
	for name, f := range map[string]func(w *ResponseWriter){
		"without Room":   func(w *ResponseWriter) { w.Commit(1) },
		"more than Room": func(w *ResponseWriter) { r, _ := w.Room(); w.Commit(len(r) + 1) },
		"negative":       func(w *ResponseWriter) { w.Room(); w.Commit(-1) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			f(writer(&peer{}, 4096))
		}()
	}
}

// What follows soon on a write is written in larger pieces, what does not in pieces of WriteAfter. The first piece is one of those.
func TestPiecesGrowIfOutputIsFast(t *testing.T) {
	const after, most, chunk = 1000, 8000, 100
	for _, tt := range []struct {
		name string
		sent func(*framer) // what the last write's time is made to be
		want []int         // the lengths of writes, in multiples of the first
	}{
		{"fast", func(f *framer) { f.sent = time.Now().Add(time.Hour) }, []int{1, 8, 8}},
		{"slow", func(f *framer) { f.sent = time.Now().Add(-time.Hour) }, []int{1, 1, 1, 1}},
	} {
		v := &vecPeer{}
		var w ResponseWriter
		w.init(make([]byte, most+TailRoom))
		w.f.writeAfter(after)
		w.reset(v)
		w.begin(1)
		var writes []int
		for at := 0; len(writes) < len(tt.want); {
			w.Write(make([]byte, chunk))
			if n := v.out.Len(); n > at {
				writes = append(writes, n-at)
				at = n
				tt.sent(&w.f)
			}
		}
		for i, n := range writes {
			if least := tt.want[i]*after - chunk - 2*HeaderLen; n < least || n > least+2*chunk {
				t.Errorf("%s: writes of %v bytes, want them in multiples of some %d: %v", tt.name, writes, after, tt.want)
				break
			}
		}
		w.Flush() // after which writes are counted from the beginning
		if w.f.due != w.f.first {
			t.Errorf("%s: %d bytes are collected after a flush", tt.name, w.f.due)
		}
	}
}
