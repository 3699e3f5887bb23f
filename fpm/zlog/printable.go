package zlog

import "strings"

// maxShown is how much of a client's text a message shows, in bytes.
const maxShown = 512

// Printable returns a client's text as one line of a log may have it: cut if it is long, with dots for what does not print.
func Printable(text string) string {
	if len(text) > maxShown {
		text = text[:maxShown] + "..."
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '.'
		}
		return r
	}, text)
}

// Harmless returns text without control characters, UTF-8's among them, for which it has dots.
func Harmless(text string) string {
	b := []byte(text)
	for i, c := range b {
		switch {
		case c < ' ', c == 0x7f:
			b[i] = '.'
		case c >= 0x80 && c < 0xa0 && i > 0 && b[i-1] == 0xc2:
			b[i-1], b[i] = '.', '.'
		}
	}
	return string(b)
}
