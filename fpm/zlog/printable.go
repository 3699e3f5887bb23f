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
