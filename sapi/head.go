package sapi

import (
	"bytes"
	"strconv"
	"strings"
)

// HeadRules are the settings that decide how a response's head is written for a CGI or FastCGI server.
type HeadRules struct {
	RFC2616 bool // cgi.rfc2616_headers: the script's status line goes first as it is
	NPH     bool // cgi.nph: there is always a status line
}

// maxStatusLine is how many bytes of a status line are written: PHP's buffer is 1024 with a NUL.
const maxStatusLine = 1023

var (
	statusHeader      = []byte("Status:")
	contentTypeHeader = []byte("Content-Type:")
)

// AppendHead appends a response's head as a CGI program writes it (RFC 3875, section 6): a Status line where the
// status is not 200, the script's lines, an empty line. A status of 304 has no Content-Type.
// Counterpart: sapi_cgi_send_headers in sapi/cgi/cgi_main.c and sapi/fpm/fpm/fpm_main.c.
func (r HeadRules) AppendHead(dst []byte, head *ResponseHead) []byte {
	status := head.Status
	statusDone := false
	if r.NPH || status != 200 {
		start := len(dst)
		dst, status = r.appendStatusLine(dst, head)
		if statusDone = len(dst) > start; statusDone {
			dst = append(dst[:min(len(dst), start+maxStatusLine)], "\r\n"...)
		}
	}
	for _, line := range head.Lines {
		switch {
		case isHeader(line, statusHeader):
			if statusDone {
				continue
			}
			statusDone = true
		case status == 304 && isHeader(line, contentTypeHeader):
			continue
		}
		dst = append(append(dst, line...), "\r\n"...)
	}
	return append(dst, "\r\n"...)
}

// appendStatusLine appends the line that goes first, and returns the status that follows from it; no line where a header
// of the script's own is the status.
func (r HeadRules) appendStatusLine(dst []byte, head *ResponseHead) ([]byte, int) {
	protocol, rest, found := strings.Cut(head.StatusLine, " ")
	if r.RFC2616 && head.StatusLine != "" {
		dst = append(dst, head.StatusLine...)
		if found {
			return dst, Atoi(rest)
		}
		return dst, head.Status
	}
	if found && len(protocol) >= 5 && strings.EqualFold(protocol[:5], "HTTP/") {
		return append(append(dst, "Status: "...), rest...), Atoi(rest)
	}
	for _, line := range head.Lines {
		if isHeader(line, statusHeader) {
			return dst, head.Status
		}
	}
	dst = strconv.AppendInt(append(dst, "Status: "...), int64(head.Status), 10)
	if text := StatusText(head.Status); text != "" {
		dst = append(append(dst, ' '), text...)
	}
	return dst, head.Status
}

// isHeader reports whether line is the header of that name, which ends in a colon, with something after it.
func isHeader(line, name []byte) bool {
	return len(line) > len(name) && bytes.EqualFold(line[:len(name)], name)
}
