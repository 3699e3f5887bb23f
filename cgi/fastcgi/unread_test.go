package fastcgi

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"
)

// pieces gives what was sent, in reads of a size, and takes the response.
type pieces struct {
	rest  []byte
	size  int
	taken bytes.Buffer
}

func (p *pieces) Read(b []byte) (int, error) {
	if len(p.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(b, p.rest[:min(p.size, len(p.rest))])
	p.rest = p.rest[n:]
	return n, nil
}

func (p *pieces) Write(b []byte) (int, error) { return p.taken.Write(b) }

func newConnFor(t *testing.T, rw io.ReadWriter) *Conn {
	t.Helper()
	c := NewConn(Config{ReadBuffer: make([]byte, 512), WriteBuffer: make([]byte, 512)})
	c.Reset(rw)
	return c
}

// A process that has read a request hands it on, wherever in it the reads of the transport ended.
func TestAnotherProcessGoesOnWhereOneStopped(t *testing.T) {
	body := strings.Repeat("body ", 300)
	long := strings.Repeat("x", 70_000) // more than a record takes
	for _, size := range []int{1, 7, 8, 100, 511, 512, 1 << 20} {
		for _, padding := range []uint8{0, 5, 255} {
			t.Run(fmt.Sprintf("%d bytes a read, padding %d", size, padding), func(t *testing.T) {
				begin := BeginRequest{Role: RoleResponder, Flags: KeepConn | Interim}.Body()
				wire := Record{Type: TypeBeginRequest, RequestID: 7, Content: begin[:], PaddingLength: padding}.AppendTo(nil)
				params := AppendPair(AppendPair(nil, "SCRIPT_FILENAME", "/a.php"), "EMPTY", "")
				wire = Record{Type: TypeParams, RequestID: 7, Content: params, PaddingLength: padding}.AppendTo(wire)
				params = AppendPair(nil, "LONG", long)
				for len(params) > 0 {
					n := min(len(params), 30_000)
					wire = Record{Type: TypeParams, RequestID: 7, Content: params[:n], PaddingLength: padding}.AppendTo(wire)
					params = params[n:]
				}
				wire = Record{Type: TypeParams, RequestID: 7, PaddingLength: padding}.AppendTo(wire)
				wire = Record{Type: TypeStdin, RequestID: 7, Content: []byte(body), PaddingLength: padding}.AppendTo(wire)
				wire = Record{Type: TypeStdin, RequestID: 7}.AppendTo(wire)

				from := &pieces{rest: wire, size: size}
				first := newConnFor(t, from)
				var r Request
				if err := first.ReadRequest(&r); err != nil {
					t.Fatal(err)
				}
				pairs := append([]Pair(nil), r.Params.Pairs()...)
				r.Params.Set("SCRIPT_FILENAME", []byte("/changed"))
				r.Params.Set("NEW", []byte("new"))
				ahead := first.AppendUnread(nil, pairs)

				second := newConnFor(t, struct {
					io.Reader
					io.Writer
				}{io.MultiReader(bytes.NewReader(ahead), from), from})
				var other Request
				if err := second.ReadRequest(&other); err != nil {
					t.Fatal(err)
				}
				if other.ID != 7 || !other.KeepConn || !other.Interim || other.Role != RoleResponder {
					t.Errorf("got %+v", other)
				}
				for name, want := range map[string]string{"SCRIPT_FILENAME": "/a.php", "EMPTY": "", "LONG": long, "FCGI_ROLE": "RESPONDER"} {
					if got := other.Params.Get(name); got == nil || string(got) != want {
						t.Errorf("%s: got %.20q, want %.20q", name, got, want)
					}
				}
				if other.Params.Len() != 4 {
					t.Errorf("got %d params, want 4", other.Params.Len())
				}
				var got bytes.Buffer
				var b [100]byte
				for {
					n, err := second.ReadBody(b[:])
					got.Write(b[:n])
					if err == io.EOF {
						break
					}
					if err != nil {
						t.Fatal(err)
					}
				}
				if got.String() != body {
					t.Errorf("the body has %d bytes, want %d", got.Len(), len(body))
				}
				if keep, err := second.Finish(); !keep || err != nil {
					t.Errorf("then %v, %v", keep, err)
				}
			})
		}
	}
}
