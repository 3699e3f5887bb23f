package fastcgi

import (
	"bytes"
	"errors"
	"io"
	"testing"
)

// dribble reads b in pieces whose sizes the fuzzer chooses, with an errAgain
// now and then.
type dribble struct {
	b     []byte
	sizes []byte
	i     int
}

func (d *dribble) Read(p []byte) (int, error) {
	if len(d.b) == 0 {
		return 0, io.EOF
	}
	n := len(d.b)
	if len(d.sizes) > 0 {
		s := d.sizes[d.i%len(d.sizes)]
		d.i++
		if s == 0 && d.i%2 == 0 {
			return 0, errAgain
		}
		n = int(s) + 1
	}
	n = copy(p[:min(n, len(p))], d.b)
	d.b = d.b[n:]
	return n, nil
}

// FuzzRecord: however a stream is cut, the reader gives the records that are
// in it, byte for byte, and nothing that is not.
func FuzzRecord(f *testing.F) {
	f.Add([]byte{}, []byte{})
	f.Add(request(1, KeepConn, "body", "A", "1"), []byte{0})
	f.Add(cat(padded(TypeStdin, 1, "x", 255), rec(TypeStdout, 65535, "")), []byte{7, 0, 200})
	f.Add([]byte("GET / HTTP/1.1\r\n\r\n"), []byte{1})
	f.Fuzz(func(t *testing.T, wire, sizes []byte) {
		r := NewRecordReader(&dribble{b: wire, sizes: sizes}, make([]byte, MinBuffer))
		for rest := wire; ; {
			h, err := r.Next()
			for err == errAgain {
				h, err = r.Next()
			}
			// What the wire says, read the plain way.
			switch {
			case len(rest) == 0:
				if err != io.EOF {
					t.Fatalf("at the end: %v", err)
				}
				return
			case len(rest) < HeaderLen:
				if err != io.ErrUnexpectedEOF {
					t.Fatalf("%d bytes of a header: %v", len(rest), err)
				}
				return
			case rest[0] != Version1:
				if err != ErrVersion {
					t.Fatalf("version %d: %v", rest[0], err)
				}
				return
			case err != nil:
				t.Fatal(err)
			}
			var back [HeaderLen]byte
			if h.Put(back[:]); !bytes.Equal(back[:], rest[:HeaderLen]) {
				t.Fatalf("header %+v of % x", h, rest[:HeaderLen])
			}
			rest = rest[HeaderLen:]
			want := rest[:min(len(rest), int(h.ContentLength))]
			var got []byte
			for {
				b, err := r.Chunk(len(want)/2 + 1)
				if err == errAgain {
					continue
				}
				if got = append(got, b...); err != nil {
					if len(want) < int(h.ContentLength) != (err == io.ErrUnexpectedEOF) {
						t.Fatalf("content: %v", err)
					}
					break
				}
			}
			if !bytes.Equal(got, want) {
				t.Fatalf("content %q, want %q", got, want)
			}
			if total := int(h.ContentLength) + int(h.PaddingLength); total > len(rest) {
				_, err := r.Next()
				for err == errAgain {
					_, err = r.Next()
				}
				if err != io.ErrUnexpectedEOF {
					t.Fatalf("cut off record: %v", err)
				}
				return
			} else if h.Reserved == 0 && bytes.Equal(rest[len(want):total], zeros[:h.PaddingLength]) {
				again := Record{h.Type, h.RequestID, got, h.PaddingLength}.AppendTo(nil)
				if !bytes.Equal(again, append(back[:], rest[:total]...)) {
					t.Fatal("record does not round-trip")
				}
				rest = rest[total:]
			} else {
				rest = rest[total:]
			}
		}
	})
}

// FuzzParams: pairs are parsed as a plain decoder does, look up as they list,
// and round-trip.
func FuzzParams(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte(pairs("A", "1", "B", "", "", "C", "A", "2")))
	f.Add([]byte("\x80\x00\x00\x01\x80\x00\x00\x01ab"))
	f.Add([]byte("\xff\xff\xff\xff\xff\xff\xff\xff"))
	f.Add([]byte("\x05\x05abc"))
	var p Params // reused, as a worker does
	f.Fuzz(func(t *testing.T, wire []byte) {
		type pair struct{ name, value string }
		var want []pair
		valid := true
		for b := wire; len(b) > 0; {
			var n [2]int
			for i := range n {
				switch {
				case len(b) >= 1 && b[0] < 128:
					n[i], b = int(b[0]), b[1:]
				case len(b) >= 4:
					n[i], b = int(b[0]&127)<<24|int(b[1])<<16|int(b[2])<<8|int(b[3]), b[4:]
				default:
					valid, b = false, nil
				}
			}
			if valid = valid && n[0]+n[1] <= len(b); !valid {
				break
			}
			nv := pair{string(b[:n[0]]), string(b[n[0] : n[0]+n[1]])}
			b = b[n[0]+n[1]:]
			for i := range want {
				if want[i].name == nv.name {
					want[i].value = nv.value
					nv.name = "\x00dup"
				}
			}
			if nv.name != "\x00dup" {
				want = append(want, nv)
			}
		}
		err := p.Parse(wire)
		if valid != (err == nil) || err != nil && !errors.Is(err, ErrMalformed) {
			t.Fatalf("valid %v, %v", valid, err)
		}
		if err != nil {
			return
		}
		if p.Len() != len(want) {
			t.Fatalf("%d params, want %d", p.Len(), len(want))
		}
		var again []byte
		for i, w := range want {
			name, value := p.At(i)
			if string(name) != w.name || string(value) != w.value {
				t.Fatalf("param %d is %q=%q, want %q", i, name, value, w)
			}
			if got := p.Get(w.name); got == nil || string(got) != w.value {
				t.Fatalf("Get(%q) is %q, want %q", w.name, got, w.value)
			}
			again = AppendPair(again, w.name, w.value)
		}
		checkCStrings(t, &p)
		var q Params
		if err := q.Parse(again); err != nil || list(&q) != list(&p) {
			t.Fatalf("does not round-trip: %v", err)
		}
	})
}

// FuzzConn: whatever a client sends, a server neither panics nor reads for
// ever, and answers in whole records that say what a server may say.
func FuzzConn(f *testing.F) {
	for _, c := range conversations {
		f.Add(c.in, []byte{0, 3, 200})
	}
	f.Fuzz(func(t *testing.T, wire, sizes []byte) {
		var out bytes.Buffer
		c := NewConn(Config{
			ReadBuffer:  make([]byte, MinBuffer),
			WriteBuffer: make([]byte, MinBuffer),
			Limits:      Limits{MaxParamBytes: 500, MaxParams: 10, MaxDrain: 100, MaxStray: 200},
			Values:      map[string]string{MpxsConns: "0"},
		})
		c.Reset(struct {
			io.Reader
			io.Writer
		}{&dribble{b: wire, sizes: sizes}, &out})
		serve(c)
		if c.Stage() != StageClosed {
			t.Fatalf("stage %d at the end", c.Stage())
		}
		for r := NewRecordReader(&out, make([]byte, 4096)); ; {
			h, err := r.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			switch h.Type {
			case TypeStdout, TypeEndRequest, TypeGetValuesResult, TypeUnknownType:
			default:
				t.Fatalf("a server sent %v", h)
			}
		}
	})
}
