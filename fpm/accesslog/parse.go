// Counterpart: fpm_log_write, when it checks a format

package accesslog

import (
	"fmt"
	"strings"
)

// Format is a parsed access.format.
type Format struct{ ops []op }

// An op writes a text, or the value of a code.
type op struct {
	code     byte // 0: text; '%' with more is a text, too
	modifier string
	text     string
}

// maxModifier is how much of what is in braces php-fpm keeps, in bytes.
const maxModifier = 128

// modifiers are the words that may stand in the braces of a code, in the order
// of units; a nil list takes any text.
var modifiers = map[byte][]string{
	'C': {"total", "user", "system"},
	'd': {"seconds", "milliseconds", "milli", "miliseconds", "mili", "microseconds", "micro"},
	'M': {"bytes", "kilobytes", "kilo", "megabytes", "mega"},
	'e': nil, 'o': nil, 't': nil, 'T': nil,
}

// plain are the codes without braces.
const plain = "%flmnpPqQrRsu"

// objection is an error in php-fpm's words.
type objection string

func (o objection) Error() string { return string(o) }

func object(format string, args ...any) error { return objection(fmt.Sprintf(format, args...)) }

// Parse reads an access.format. The error is php-fpm's objection, in its words.
func Parse(format string) (*Format, error) {
	f := &Format{}
	text := 0
	for i := 0; i < len(format); i++ {
		if format[i] != '%' {
			continue
		}
		f.text(format[text:i])
		i++
		modifier := ""
		for i < len(format) && format[i] == '{' {
			end := i + 1
			for end < len(format) && format[end] != '}' {
				end++
			}
			if end+1 >= len(format) {
				return nil, object("missing closing embrace in the access.format")
			}
			modifier = format[i+1 : min(end, i+1+maxModifier)]
			i = end + 1
		}
		if i == len(format) { // php-fpm passes over a % at the end
			f.ops = append(f.ops, op{code: end})
			return f, nil
		}
		if err := f.code(format[i], modifier); err != nil {
			return nil, err
		}
		text = i + 1
	}
	f.text(format[text:])
	return f, nil
}

// end is the code of a % at the end of a format.
const end = '\n'

func (f *Format) text(s string) {
	if s != "" {
		f.ops = append(f.ops, op{text: s})
	}
}

func (f *Format) code(c byte, modifier string) error {
	words, takes := modifiers[c]
	switch {
	case takes && words != nil && modifier != "" && find(words, modifier) < 0:
		return wrongModifier(c, modifier)
	case takes && words == nil && modifier == "" && c == 'e':
		return object("the name of the environment variable must be set between embraces for %%%c", c)
	case takes && words == nil && modifier == "" && c == 'o':
		return object("the name of the header must be set between embraces for %%%c", c)
	case takes && words != nil:
		modifier = words[max(find(words, modifier), 0)]
	case takes:
		modifier, _, _ = strings.Cut(modifier, "\x00")
	case strings.IndexByte(plain, c) < 0:
		return object("Invalid token in the access.format (%%%s)", []byte{c})
	case modifier != "":
		return object("embrace is not allowed for modifier %%%c", c)
	}
	f.ops = append(f.ops, op{code: c, modifier: modifier})
	return nil
}

func wrongModifier(c byte, modifier string) error {
	allowed := map[byte]string{
		'C': "'total', 'user' or 'system'",
		'd': "'seconds', 'milli', 'milliseconds', 'micro' or 'microseconds'",
		'M': "'bytes', 'kilo', 'kilobytes', 'mega' or 'megabytes'",
	}
	return object("only %s are allowed as a modifier for %%%c ('%s')", allowed[c], c, modifier)
}

// find looks for a word as strcasecmp(3) compares.
func find(words []string, s string) int {
	for i, w := range words {
		if len(w) == len(s) && lower(s) == w {
			return i
		}
	}
	return -1
}

func lower(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}
