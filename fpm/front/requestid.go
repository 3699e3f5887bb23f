package front

import (
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
)

const requestIDHeader = "X-Request-Id"

// maxRequestID bounds what is taken from others, in bytes.
const maxRequestID = 128

// identify gives the request its id: the one it came with, where that can stand anywhere, else a new one. PHP sees it as
// HTTP_X_REQUEST_ID. Who gives an id says nothing by it about himself, so it is taken from anybody.
func (x *exchange) identify() {
	given := x.r.Header[requestIDHeader]
	if len(given) == 1 && isRequestID(given[0]) {
		x.id = given[0]
		return
	}
	x.id = newRequestID()
	x.r.Header[requestIDHeader] = []string{x.id}
}

// newRequestID makes an id: 128 random bits, which nobody needs to be unable to guess.
func newRequestID() string {
	var raw [16]byte
	var text [32]byte
	binary.NativeEndian.PutUint64(raw[:8], rand.Uint64())
	binary.NativeEndian.PutUint64(raw[8:], rand.Uint64())
	hex.Encode(text[:], raw[:])
	return string(text[:])
}

// isRequestID says whether somebody else's id can stand in headers, logs and pages as it is.
func isRequestID(id string) bool {
	if id == "" || len(id) > maxRequestID {
		return false
	}
	for i := range len(id) {
		switch c := id[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case c == '-', c == '_', c == '.', c == ':', c == '/', c == '+', c == '=', c == '@':
		default:
			return false
		}
	}
	return true
}
