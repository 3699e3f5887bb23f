// Counterpart: fpm_status_handle_request, fpm_php_get_string_from_table, main/php_variables.c

package status

import (
	"strings"

	"github.com/phpsapi/phpsapi/sapi"
)

// Format is a way to write the status page.
type Format int

// The formats, in the order in which a query string that asks for several has them.
const (
	HTML Format = iota
	XML
	JSON
	OpenMetrics
	Text // if the query asks for none of them
)

var words = [...]string{HTML: "html", XML: "xml", JSON: "json", OpenMetrics: "openmetrics"}

// Choice is what a query string asks for.
type Choice struct {
	Format Format
	Full   bool // show each worker
}

// Choose reads a query string as php-fpm of that version does. Before 8.4 it
// takes the beginning of a word for the word: ?j&f is ?json&full.
func Choose(query string, php sapi.PHPVersion) Choice {
	means := strings.HasPrefix
	if php.AtLeast(8, 4) {
		means = func(word, name string) bool { return word == name }
	}
	c := Choice{Format: Text}
	for piece := range strings.SplitSeq(query, "&") {
		name := variable(piece)
		if name == "" {
			continue
		}
		c.Full = c.Full || means("full", name)
		for f, word := range words[:c.Format] {
			if means(word, name) {
				c.Format = Format(f)
				break
			}
		}
	}
	return c
}

// variable is the name that PHP gives a variable of $_GET; empty if it makes none.
func variable(piece string) string {
	name, _, _ := strings.Cut(piece, "=")
	name = strings.TrimLeft(unescape(name), " ")
	if end := strings.IndexByte(name, 0); end >= 0 {
		name = name[:end]
	}
	for i := range len(name) {
		switch name[i] {
		case ' ', '.':
			return name[:i] + "_"
		case '[':
			if strings.IndexByte(name[i:], ']') < 0 {
				return name[:i] + "_"
			}
			return name[:i]
		}
	}
	return name
}

// unescape is PHP's urldecode().
func unescape(s string) string {
	if !strings.ContainsAny(s, "%+") {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '+':
			b = append(b, ' ')
		case s[i] == '%' && i+2 < len(s) && digit(s[i+1]) >= 0 && digit(s[i+2]) >= 0:
			b = append(b, byte(digit(s[i+1])<<4|digit(s[i+2])))
			i += 2
		default:
			b = append(b, s[i])
		}
	}
	return string(b)
}

// digit is the value of a hexadecimal digit, or -1.
func digit(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}
