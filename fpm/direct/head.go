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
func appendFields(b []byte, fields []scripthead.Field) []byte {
	for _, f := range fields {
		b = append(append(b, f.Name...), ": "...)
		at := len(b)
		b = append(b, bytes.Trim(f.Value, " \t\r\n")...)
		for i := at; i < len(b); i++ {
			if b[i] == '\r' {
				b[i] = ' '
			}
		}
		b = append(b, "\r\n"...)
	}
	return b
}

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
