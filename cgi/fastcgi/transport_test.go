package fastcgi

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"testing"
)

var errAgain = errors.New("would block")

// peer is a scripted transport: Read gives one of chunks at a time, nil being
// errAgain; what is written is collected.
type peer struct {
	chunks [][]byte
	out    bytes.Buffer
	reads  int
	writes int
}

func (p *peer) Read(b []byte) (int, error) {
	p.reads++
	if len(p.chunks) == 0 {
		return 0, io.EOF
	}
	c := p.chunks[0]
	if c == nil {
		p.chunks = p.chunks[1:]
		return 0, errAgain
	}
	n := copy(b, c)
	if p.chunks[0] = c[n:]; n == len(c) {
		p.chunks = p.chunks[1:]
	}
	return n, nil
}

func (p *peer) Write(b []byte) (int, error) {
	p.writes++
	return p.out.Write(b)
}

// vecPeer is a peer that can writev.
type vecPeer struct{ peer }

func (p *vecPeer) Writev(bufs [][]byte) (int, error) {
	p.writes++
	n := 0
	for _, b := range bufs {
		n += len(b)
		p.out.Write(b)
	}
	return n, nil
}

func newConn(rw io.ReadWriter, l Limits) *Conn {
	c := NewConn(Config{
		ReadBuffer:  make([]byte, 4096),
		WriteBuffer: make([]byte, 4096),
		Limits:      l,
		Values:      map[string]string{MpxsConns: "0"},
	})
	c.Reset(rw)
	return c
}

// rec is the wire form of a record without padding.
func rec(t Type, id uint16, content string) []byte {
	return Record{Type: t, RequestID: id, Content: []byte(content)}.AppendTo(nil)
}

func padded(t Type, id uint16, content string, pad uint8) []byte {
	return Record{Type: t, RequestID: id, Content: []byte(content), PaddingLength: pad}.AppendTo(nil)
}

func begin(id uint16, r Role, f Flags) []byte {
	b := BeginRequest{Role: r, Flags: f}.Body()
	return rec(TypeBeginRequest, id, string(b[:]))
}

func end(id uint16, s ProtocolStatus) []byte {
	b := EndRequest{0, s}.Body()
	return rec(TypeEndRequest, id, string(b[:]))
}

func pairs(nv ...string) string {
	var b []byte
	for i := 0; i < len(nv); i += 2 {
		b = AppendPair(b, nv[i], nv[i+1])
	}
	return string(b)
}

func cat(bs ...[]byte) []byte { return slices.Concat(bs...) }

// request is a plain request in wire form.
func request(id uint16, f Flags, body string, nv ...string) []byte {
	b := begin(id, RoleResponder, f)
	if len(nv) > 0 {
		b = append(b, rec(TypeParams, id, pairs(nv...))...)
	}
	b = append(b, rec(TypeParams, id, "")...)
	if body != "" {
		b = append(b, rec(TypeStdin, id, body)...)
	}
	return append(b, rec(TypeStdin, id, "")...)
}

func wantBytes(t *testing.T, what string, got, want []byte) {
	t.Helper()
	if !bytes.Equal(got, want) {
		t.Errorf("%s:\n got %q\nwant %q", what, got, want)
	}
}
