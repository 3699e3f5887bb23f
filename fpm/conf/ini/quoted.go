// Counterpart: Zend/zend_ini_scanner.l (double quoted strings, escapes)

package ini

import "strings"

// quoted reads the inside of a double quoted string from the byte before the
// current position up to a quote, a variable or the end of the text, and
// returns it with its escapes resolved.
func (l *lexer) quoted() string {
	start := l.pos - 1
	s := start
scan:
	for s < len(l.src) {
		c := l.src[s]
		s++
		switch c {
		case '"':
			s--
			break scan
		case '$':
			if s < len(l.src) && l.src[s] == '{' {
				s--
				break scan
			}
		case '\\':
			if s == len(l.src) {
				break
			}
			escaped := l.src[s]
			s++
			// A backslash before the last quote of a line is a
			// Windows path's, not an escape: key="C:\path\"
			if escaped == '"' && (s == len(l.src) || l.src[s] == '\n' || l.src[s] == '\r') {
				s--
				break scan
			}
		}
	}
	l.pos = s
	return l.unescape(l.src[start:s])
}

// unescape resolves \" \\ and \$, keeps every other backslash, and counts the
// lines it passes.
func (l *lexer) unescape(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c == '\\' {
			i++
			if i == len(s) {
				b.WriteByte('\\')
				break
			}
			c = s[i]
			if c != '"' && c != '\\' && c != '$' {
				b.WriteByte('\\')
			}
		}
		b.WriteByte(c)
		if c == '\n' || c == '\r' && (i+1 == len(s) || s[i+1] != '\n') {
			l.line++
		}
	}
	return b.String()
}
