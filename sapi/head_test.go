package sapi

import (
	"strings"
	"testing"
)

func TestAppendHead(t *testing.T) {
	for _, test := range []struct {
		name  string
		rules HeadRules
		head  ResponseHead
		lines string
		want  string
	}{
		{"200 has no status", HeadRules{}, ResponseHead{Status: 200}, "A: b", "A: b\r\n\r\n"},
		{"known status", HeadRules{}, ResponseHead{Status: 404}, "A: b", "Status: 404 Not Found\r\nA: b\r\n\r\n"},
		{"unknown status", HeadRules{}, ResponseHead{Status: 499}, "", "Status: 499\r\n\r\n"},
		{"status line", HeadRules{}, ResponseHead{Status: 404, StatusLine: "HTTP/1.1 404 Gone Fishing"}, "", "Status: 404 Gone Fishing\r\n\r\n"},
		{"status line, rfc2616", HeadRules{RFC2616: true}, ResponseHead{Status: 404, StatusLine: "HTTP/1.1 404 Gone Fishing"}, "", "HTTP/1.1 404 Gone Fishing\r\n\r\n"},
		{"status line of another protocol", HeadRules{}, ResponseHead{Status: 404, StatusLine: "FTP 404 x"}, "", "Status: 404 Not Found\r\n\r\n"},
		{"nph", HeadRules{NPH: true}, ResponseHead{Status: 200}, "", "Status: 200 OK\r\n\r\n"},
		{"the script's status header", HeadRules{}, ResponseHead{Status: 201}, "Status: 201 Mine", "Status: 201 Mine\r\n\r\n"},
		{"the script's status header loses to its line", HeadRules{}, ResponseHead{Status: 201, StatusLine: "HTTP/1.0 201 Line"}, "Status: 202 Mine|X: y", "Status: 201 Line\r\nX: y\r\n\r\n"},
		{"the first of two status headers", HeadRules{}, ResponseHead{Status: 200}, "status: 1|Status: 2", "status: 1\r\n\r\n"},
		{"304 has no type", HeadRules{}, ResponseHead{Status: 304}, "content-type: text/html|ETag: x", "Status: 304 Not Modified\r\nETag: x\r\n\r\n"},
		{"304 by the line has no type", HeadRules{}, ResponseHead{Status: 200 + 1, StatusLine: "HTTP/1.1 304 n"}, "Content-Type: text/html", "Status: 304 n\r\n\r\n"},
		{"long line", HeadRules{RFC2616: true}, ResponseHead{Status: 400, StatusLine: "HTTP/1.1 400 " + strings.Repeat("x", 2000)}, "",
			"HTTP/1.1 400 " + strings.Repeat("x", 1010) + "\r\n\r\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, line := range strings.Split(test.lines, "|") {
				if line != "" {
					test.head.Lines = append(test.head.Lines, []byte(line))
				}
			}
			if got := string(test.rules.AppendHead(nil, &test.head)); got != test.want {
				t.Errorf("got  %q\nwant %q", got, test.want)
			}
		})
	}
}
