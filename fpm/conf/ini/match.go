// Counterpart: Zend/zend_ini_scanner.l (patterns)

package ini

import "strings"

// A rule names what the scanner does with a match.
type rule uint8

const (
	ruleNone rule = iota
	ruleOpenBracket
	ruleSectionEnd
	ruleOffsetStart
	ruleOffsetEnd
	ruleLabel
	ruleVarname
	ruleFallback
	ruleAssign
	ruleTrue
	ruleFalse
	ruleNull
	rulePunctuation
	ruleOperator
	ruleSkip
	ruleNewline
	ruleRaw
	ruleConstant
	ruleNumber
	ruleString
	ruleWhitespace
	ruleStray
	ruleValueEnd
	ruleDollarCurly
	ruleCloseCurly
	ruleOpenQuote
	ruleCloseQuote
	ruleQuoted
)

// A matcher tries patterns on the rest of a text and remembers the best.
//
// PHP's scanner reads the NUL byte after its text like any other. A pattern
// that takes it has run out of text: the scanner then gives up the whole
// match, whatever other patterns found, and reports the end of the text.
// That is why a last line without a newline can vanish.
type matcher struct {
	rest   string
	rule   rule
	length int
	ranOut bool

	fallbacks bool // the lexer's
}

// try offers a match of n bytes (0: none). The first of the longest wins.
func (m *matcher) try(r rule, n int) {
	if n > m.length {
		m.rule, m.length = r, n
	}
}

func (m *matcher) out(n int) int {
	if n >= len(m.rest) {
		m.ranOut = true
	}
	return n
}

func (m *matcher) lit(c byte) int {
	if m.rest[0] == c {
		return 1
	}
	return 0
}

func (m *matcher) one(set string) int {
	if strings.IndexByte(set, m.rest[0]) >= 0 {
		return 1
	}
	return 0
}

func (m *matcher) at(i int) byte {
	if i < len(m.rest) {
		return m.rest[i]
	}
	return 0
}

// span counts the bytes from i on for which in holds.
func (m *matcher) span(i int, in func(byte) bool) int {
	n := i
	for n < len(m.rest) && in(m.rest[n]) {
		n++
	}
	return n - i
}

func blank(c byte) bool { return c == ' ' || c == '\t' }

func (m *matcher) blanks(i int) int { return m.span(i, blank) }

func (m *matcher) blanksThen(c byte) int {
	if n := m.blanks(0); m.at(n) == c {
		return n + 1
	}
	return 0
}

// newline returns the length of the line end at i.
func (m *matcher) newline(i int) int {
	switch {
	case m.at(i) == '\n':
		return 1
	case m.at(i) == '\r' && m.at(i+1) == '\n':
		return 2
	case m.at(i) == '\r':
		return 1
	}
	return 0
}

func (m *matcher) blanksNewline() int {
	n := m.blanks(0)
	if nl := m.newline(n); nl > 0 {
		return n + nl
	}
	return 0
}

// comment is ";" to the end of the line, line end included.
func (m *matcher) comment() int {
	n := m.blanks(0)
	if m.at(n) != ';' {
		return 0
	}
	n += m.span(n, func(c byte) bool { return c != '\r' && c != '\n' })
	return m.out(n) + m.newline(n)
}

func labelChar(c byte) bool { return strings.IndexByte("=\n\r\t;&|^$~(){}!\"[", c) < 0 }

func (m *matcher) label() int {
	if m.fallbacks {
		return m.span(0, nameChar)
	}
	if n := m.span(0, labelChar); n > 0 {
		return m.out(n)
	}
	return 0
}

// nameChar is labelChar since PHP 8.3.
func nameChar(c byte) bool { return labelChar(c) && c != ']' }

// variableName is a variable's name up to "}" or ":-", or the ":-" behind one. PHP loses a name of one byte that has a
// fallback.
func (m *matcher) variableName() {
	if !nameChar(m.rest[0]) {
		return
	}
	if strings.HasPrefix(m.rest, ":-") || strings.HasPrefix(m.rest[1:], ":-") {
		m.try(ruleFallback, 2)
		return
	}
	n := 1
	for n < len(m.rest) && nameChar(m.rest[n]) && !strings.HasPrefix(m.rest[n:], ":-") {
		n++
	}
	m.try(ruleVarname, n)
}

// fallbackString is an unquoted string in a fallback.
func (m *matcher) fallbackString() int {
	plain := func(c byte) bool { return strings.IndexByte("$\n\r;\"'}\\", c) < 0 }
	return m.unquoted(plain, true)
}

func (m *matcher) offsetStart() int {
	n := m.label()
	if n == 0 || m.at(n) != '[' {
		return 0
	}
	return n + 1 + m.blanks(n+1)
}

func (m *matcher) sectionEnd() int {
	if m.lit(']') == 0 {
		return 0
	}
	n := 1 + m.blanks(1)
	return n + m.newline(n)
}

func (m *matcher) assign() int {
	if n := m.blanksThen('='); n > 0 {
		return n + m.blanks(n)
	}
	return 0
}

func (m *matcher) operator() int {
	if m.one("&|^~()!") == 0 {
		return 0
	}
	return 1 + m.blanks(1)
}

func (m *matcher) dollarCurly() int {
	if strings.HasPrefix(m.rest, "${") {
		return 2
	}
	return 0
}

func (m *matcher) closeQuote() int {
	if m.lit('"') == 0 {
		return 0
	}
	return 1 + m.blanks(1)
}

// words are the boolean words, in any case, with the blanks behind them.
func (m *matcher) words() {
	for _, w := range [...]struct {
		word string
		rule rule
	}{
		{"true", ruleTrue}, {"on", ruleTrue}, {"yes", ruleTrue},
		{"false", ruleFalse}, {"off", ruleFalse}, {"no", ruleFalse}, {"none", ruleFalse},
		{"null", ruleNull},
	} {
		n := len(w.word)
		if len(m.rest) >= n && strings.EqualFold(m.rest[:n], w.word) {
			m.try(w.rule, n+m.blanks(n))
		}
	}
}

func (m *matcher) constant() int {
	alpha := func(c byte) bool { return c == '_' || c|0x20 >= 'a' && c|0x20 <= 'z' }
	if !alpha(m.rest[0]) {
		return 0
	}
	return m.span(0, func(c byte) bool { return alpha(c) || digit(c) })
}

func digit(c byte) bool { return c >= '0' && c <= '9' }

// number is an integer with an optional '-', or an unsigned decimal.
func (m *matcher) number() int {
	if m.rest[0] == '-' {
		if n := m.span(1, digit); n > 0 {
			return 1 + n
		}
		return 0
	}
	n := m.span(0, digit)
	if m.at(n) != '.' {
		return n
	}
	if frac := m.span(n+1, digit); n > 0 || frac > 0 {
		return n + 1 + frac
	}
	return 0
}

// singleQuoted needs something between the quotes: two quotes are not a string.
func (m *matcher) singleQuoted() int {
	if m.rest[0] != '\'' {
		return 0
	}
	n := 1 + m.span(1, func(c byte) bool { return c != '\'' })
	if m.at(n) == '\'' {
		if n == 1 {
			return 0
		}
		return n + 1
	}
	return m.out(n)
}

// The two kinds of unquoted string allow a '$' with any byte but '{' behind
// it, and that byte may be a backslash that takes one more. Several readings
// of the same bytes can be alive at once, so they are followed side by side.
const (
	readPlain     = 1 << iota // between characters: a match may end here
	readDollar                // behind '$'
	readBackslash             // behind a backslash that takes the next byte
)

// valueString is an unquoted string in a value.
func (m *matcher) valueString() int {
	plain := func(c byte) bool { return c != 0 && strings.IndexByte("$= \t\n\r;&|^~()!\"'", c) < 0 }
	return m.unquoted(plain, false)
}

// sectionString is an unquoted string in a section or offset: it takes blanks,
// NUL bytes, and escaped quotes and brackets.
func (m *matcher) sectionString() int {
	plain := func(c byte) bool { return strings.IndexByte("$\n\r;\"']\\", c) < 0 }
	return m.unquoted(plain, true)
}

func (m *matcher) unquoted(plain func(byte) bool, escapes bool) int {
	longest := 0
	for i, reads := 0, readPlain; ; i++ {
		c := m.at(i)
		next := 0
		if reads&readPlain != 0 {
			switch {
			case c == '$':
				next |= readDollar
			case c == '\\' && escapes:
				next |= readBackslash
			case plain(c):
				next |= readPlain
			}
		}
		if reads&readDollar != 0 && c != '{' && c != 0 {
			next |= readPlain
			if c == '\\' {
				next |= readBackslash
			}
		}
		if reads&readBackslash != 0 {
			next |= readPlain
		}
		if next == 0 {
			return longest
		}
		if i >= len(m.rest) {
			m.ranOut = true
			return longest
		}
		if next&readPlain != 0 {
			longest = i + 1
		}
		reads = next
	}
}
