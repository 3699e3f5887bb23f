package responder

import (
	"bytes"
	"unsafe"

	"github.com/phpsapi/phpsapi/cgi/fastcgi"
	"github.com/phpsapi/phpsapi/sapi"
)

// pairs returns the places of all params in their bytes, as PHP's side takes them.
func pairs(p *fastcgi.Params) []sapi.Pair {
	all := p.Pairs()
	return unsafe.Slice((*sapi.Pair)(unsafe.Pointer(unsafe.SliceData(all))), len(all))
}

// The two packages do not know each other: the layouts are compared here.
var _ = [1]struct{}{}[unsafe.Sizeof(fastcgi.Pair{})-unsafe.Sizeof(sapi.Pair{})+
	unsafe.Offsetof(fastcgi.Pair{}.NameLen)-unsafe.Offsetof(sapi.Pair{}.NameLen)+
	unsafe.Offsetof(fastcgi.Pair{}.Value)-unsafe.Offsetof(sapi.Pair{}.Value)+
	unsafe.Offsetof(fastcgi.Pair{}.ValueLen)-unsafe.Offsetof(sapi.Pair{}.ValueLen)]

// number is C's atol: the digits the text begins with.
func number(text []byte) (n int64) {
	text = bytes.TrimLeft(text, " \t\n\v\f\r")
	negative := len(text) > 0 && text[0] == '-'
	if negative || len(text) > 0 && text[0] == '+' {
		text = text[1:]
	}
	for _, c := range text {
		if c < '0' || c > '9' {
			break
		}
		if n > (1<<63-1-9)/10 {
			n = 1<<63 - 1
			break
		}
		n = 10*n + int64(c-'0')
	}
	if negative {
		return -n
	}
	return n
}
