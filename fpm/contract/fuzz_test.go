package contract

import (
	"bytes"
	"testing"
)

// FuzzHandOver gives the front what a hostile worker sends: a message says where its parts are, and none is outside of it.
func FuzzHandOver(f *testing.F) {
	f.Add(AppendHandOver(nil, &HandOver{Letter: Unserved, Address: "127.0.0.1:80", Text: []byte("GET / HTTP/1.1")}))
	f.Add(AppendHandOver(nil, &HandOver{Letter: Output, Next: OutputFile, Address: "x",
		Text: AppendFilePart(nil, &FilePart{Offset: 1, Length: 2, Next: OutputEnd, Behind: []byte("GET")})}))
	f.Add([]byte{Named, 0, 0xff, 0xff, 0})
	f.Fuzz(func(t *testing.T, packet []byte) {
		h, ok := ParseHandOver(packet)
		if !ok {
			return
		}
		if again := AppendHandOver(nil, &h); !bytes.Equal(again, packet) {
			t.Errorf("%x became %x", packet, again)
		}
		p, ok := ParseFilePart(h.Text)
		if !ok {
			return
		}
		if p.Offset < 0 || p.Length < 0 || !bytes.Equal(AppendFilePart(nil, &p), h.Text) {
			t.Errorf("%x became %+v", h.Text, p)
		}
	})
}
