package site

import (
	"encoding/binary"
	"encoding/hex"

	"github.com/phpsapi/phpsapi/fpm/tracecontext"
)

// RequestIDHeader is the header in which a request's id comes and goes.
const RequestIDHeader = "X-Request-Id"

// RequestIDBytes is how long an id is that AppendRequestID makes.
const RequestIDBytes = 32

// maxRequestID bounds what is taken from others, in bytes.
const maxRequestID = 128

// AppendRequestID appends a new id to dst: 128 random bits, which nobody needs to be unable to guess.
func AppendRequestID(dst []byte) []byte {
	var raw [RequestIDBytes / 2]byte
	a, b := tracecontext.Random()
	binary.NativeEndian.PutUint64(raw[:8], a)
	binary.NativeEndian.PutUint64(raw[8:], b)
	return hex.AppendEncode(dst, raw[:])
}

// NewRequestID returns AppendRequestID's id as a string.
func NewRequestID() string {
	var text [RequestIDBytes]byte
	return string(AppendRequestID(text[:0]))
}

// IsRequestID reports whether somebody else's id can stand in headers, logs and pages as it is. An id
// proves nothing about its sender, so any client may supply one.
func IsRequestID(id string) bool {
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
