package operate

import (
	"bytes"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// plain is text of others without what a terminal would obey: requests, files and processes may say anything.
func plain(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '.'
	}, text)
}

// plainJSON is a JSON document that means the same and shows nothing that a terminal would obey. Characters that do
// not print stand only in strings, and there a number means the same.
func plainJSON(document []byte) []byte {
	obeyed := func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }
	if bytes.IndexFunc(document, obeyed) < 0 {
		return document
	}
	var b bytes.Buffer
	for len(document) > 0 {
		r, size := utf8.DecodeRune(document)
		switch {
		case !obeyed(r):
			b.Write(document[:size])
		case r > 0xffff:
			r -= 0x10000
			fmt.Fprintf(&b, `\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
		document = document[size:]
	}
	return b.Bytes()
}

// showLines shows lines of the master's log. A message may have several of its own.
func (o *Operator) showLines(lines []string) {
	for _, line := range lines {
		o.outcome.note(line)
		for _, part := range strings.Split(line, "\n") {
			fmt.Fprintln(o.Err, plain(part))
		}
	}
}
