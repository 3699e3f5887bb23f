package contract

import (
	"reflect"
	"testing"
)

func TestHandOverSurvivesTheWay(t *testing.T) {
	for _, want := range []HandOver{
		{Letter: Unserved, Address: "127.0.0.1:8080", Text: []byte("GET / HTTP/1.1\r\n")},
		{Letter: Unserved, Address: "/run/x.sock", Text: []byte{}},
		{Letter: Output, Address: ":80", Next: OutputMore, Text: []byte("\x00\xff")},
		{Letter: Wake, Text: []byte{}},
	} {
		packet := AppendHandOver([]byte{}, &want)
		if got, ok := ParseHandOver(packet); !ok || !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v, %v, want %+v", got, ok, want)
		}
		for n := range handOverHead + len(want.Address) {
			if _, ok := ParseHandOver(packet[:n]); ok {
				t.Errorf("%+v: %d bytes of it are taken for a message", want, n)
			}
		}
	}
}
