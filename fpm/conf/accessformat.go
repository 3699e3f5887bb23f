// Counterpart: sapi/fpm/fpm/fpm_log.c (fpm_log_write, when it checks a format)

package conf

import (
	"fmt"
	"strings"
)

// accessModifiers are the words that may stand in the braces of a code; a nil
// list takes any text, but needs one unless the code tells the time.
var accessModifiers = map[byte][]string{
	'C': {"total", "user", "system"},
	'd': {"seconds", "milliseconds", "milli", "miliseconds", "mili", "microseconds", "micro"},
	'M': {"bytes", "kilobytes", "kilo", "megabytes", "mega"},
	'e': nil, 'o': nil, 't': nil, 'T': nil,
}

// CheckAccessFormat returns php-fpm's objection to an access.format, or nothing.
func CheckAccessFormat(format string) string {
	const plain = "%flmnpPqQrRsu"
	for i := 0; i < len(format); i++ {
		if format[i] != '%' {
			continue
		}
		i++
		modifier := ""
		for i < len(format) && format[i] == '{' {
			end := i + 1
			for end < len(format) && format[end] != '}' {
				end++
			}
			if end+1 >= len(format) {
				return "missing closing embrace in the access.format"
			}
			// php-fpm keeps no more than this of it.
			modifier = format[i+1 : min(end, i+1+128)]
			i = end + 1
		}
		if i == len(format) {
			return ""
		}
		c := format[i]
		words, takes := accessModifiers[c]
		switch {
		case takes && words != nil && modifier != "" && !contains(words, modifier):
			return wrongModifier(c, modifier)
		case takes && words == nil && modifier == "" && c == 'e':
			return fmt.Sprintf("the name of the environment variable must be set between embraces for %%%c", c)
		case takes && words == nil && modifier == "" && c == 'o':
			return fmt.Sprintf("the name of the header must be set between embraces for %%%c", c)
		case takes:
		case strings.IndexByte(plain, c) < 0:
			return "Invalid token in the access.format (%" + string([]byte{c}) + ")"
		case modifier != "":
			return fmt.Sprintf("embrace is not allowed for modifier %%%c", c)
		}
	}
	return ""
}

func wrongModifier(c byte, modifier string) string {
	allowed := ""
	switch c {
	case 'C':
		allowed = "'total', 'user' or 'system'"
	case 'd':
		allowed = "'seconds', 'milli', 'milliseconds', 'micro' or 'microseconds'"
	case 'M':
		allowed = "'bytes', 'kilo', 'kilobytes', 'mega' or 'megabytes'"
	}
	return fmt.Sprintf("only %s are allowed as a modifier for %%%c ('%s')", allowed, c, modifier)
}

func contains(words []string, s string) bool {
	for _, w := range words {
		if equalFold(w, s) {
			return true
		}
	}
	return false
}
