package direct

import (
	"bytes"
	"net/http"
	"strconv"
	"time"

	"github.com/phpsapi/phpsapi/fpm/scripthead"
)

// appendStatusLine appends a status line of HTTP/1.1.
func appendStatusLine(b []byte, status int) []byte {
	b = append(b, "HTTP/1.1 "...)
	b = strconv.AppendInt(b, int64(status), 10)
	if text := http.StatusText(status); text != "" {
		b = append(append(b, ' '), text...)
	} else {
		b = strconv.AppendInt(append(b, " status code "...), int64(status), 10)
	}
	return append(b, "\r\n"...)
}

// appendFields appends the headers, as net/http writes them.
func appendFields(b []byte, h *scripthead.Head) []byte {
	for _, i := range h.Sorted() {
		f := &h.Fields[i]
		b = append(append(b, f.Name...), ": "...)
		b = append(appendValue(b, f.Value), "\r\n"...)
	}
	return b
}

// appendValue appends a header's value, as net/http writes it.
func appendValue(b, value []byte) []byte {
	for len(value) > 0 && isBlank(value[0]) {
		value = value[1:]
	}
	for len(value) > 0 && isBlank(value[len(value)-1]) {
		value = value[:len(value)-1]
	}
	at := len(b)
	b = append(b, value...)
	for i := bytes.IndexByte(b[at:], '\r'); i >= 0; i = bytes.IndexByte(b[at:], '\r') {
		at += i
		b[at] = ' '
	}
	return b
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

// date is the value of the Date header of the present second.
type date struct {
	second int64
	text   []byte
}

// append appends the Date header.
func (d *date) append(b []byte, now time.Time) []byte {
	if s := now.Unix(); s != d.second || d.text == nil {
		d.second, d.text = s, now.UTC().AppendFormat(append(d.text[:0], "Date: "...), http.TimeFormat)
		d.text = append(d.text, "\r\n"...)
	}
	return append(b, d.text...)
}
