// Counterpart: Zend/zend_ini_scanner.l (scanner states and rules, normal mode)

package ini

import (
	"strings"

	"github.com/phpsapi/phpsapi/sapi"
)

// A state says where in a statement the scanner is; each has its own rules.
type state uint8

const (
	inStatement state = iota // before a value: names, '=', '['
	inSection                // between '[' and ']' of a section
	inOffset                 // between '[' and ']' of an array entry
	inValue                  // after '='
	inQuotes                 // between double quotes
	inVarname                // between "${" and "}"
	inFallback               // between ":-" and "}"
)

type lexer struct {
	src   string // ends before the first NUL byte
	pos   int
	line  int // from 1, the line the scanner is on
	state state
	outer []state // states to come back to from inQuotes, inVarname and inFallback

	// fallbacks says that ${NAME:-VALUE} has a value if NAME has none, as in PHP since 8.3. Names end before ']' and
	// the end of the text there.
	fallbacks bool
}

func newLexer(src string, php sapi.PHPVersion) *lexer {
	if i := strings.IndexByte(src, 0); i >= 0 {
		src = src[:i]
	}
	return &lexer{src: src, line: 1, fallbacks: php.AtLeast(8, 3)}
}

// next returns the next token and its text. tokEnd is the end of the text and
// also what PHP's scanner answers to anything it has no rule for.
func (l *lexer) next() (token, string) {
	const bom = "\xef\xbb\xbf"
	if l.pos == 0 && len(l.src) > len(bom) && strings.HasPrefix(l.src, bom) {
		l.pos = len(bom)
	}
	for {
		if l.pos >= len(l.src) {
			if l.state == inValue {
				l.state = inStatement
				return tokEndOfLine, ""
			}
			return tokEnd, ""
		}
		t, text, again := l.scan()
		if !again {
			return t, text
		}
	}
}

// scan applies the rules of the current state at the current position: the
// longest match wins, the first rule among equals.
func (l *lexer) scan() (t token, text string, again bool) {
	m := matcher{rest: l.src[l.pos:], fallbacks: l.fallbacks}
	switch l.state {
	case inStatement:
		m.try(ruleOpenBracket, m.lit('['))
		m.try(ruleOffsetStart, m.offsetStart())
		m.words()
		m.try(ruleLabel, m.label())
		m.try(ruleAssign, m.assign())
		m.try(rulePunctuation, m.one("\"()&|^$!~{}=]")) // before 8.3, ']' is of a label
		m.try(ruleSkip, m.blanks(0))
		m.try(ruleNewline, m.blanksNewline())
		m.try(ruleNewline, m.comment())
	case inValue:
		m.try(ruleRaw, m.singleQuoted())
		m.try(ruleDollarCurly, m.dollarCurly())
		m.words()
		m.try(ruleNewline, m.blanksNewline())
		m.try(ruleConstant, m.constant())
		m.try(ruleNumber, m.number())
		m.try(ruleOperator, m.operator())
		m.try(ruleStray, m.lit('='))
		m.try(ruleString, m.valueString())
		m.try(ruleOpenQuote, m.blanksThen('"'))
		m.try(ruleWhitespace, m.blanks(0))
		m.try(ruleNewline, m.comment())
		m.try(ruleValueEnd, 1)
	case inSection, inOffset:
		m.try(ruleRaw, m.singleQuoted())
		if l.state == inSection {
			m.try(ruleSectionEnd, m.sectionEnd())
		} else {
			m.try(ruleOffsetEnd, m.blanksThen(']'))
		}
		m.try(ruleDollarCurly, m.dollarCurly())
		m.try(ruleConstant, m.constant())
		m.try(ruleNumber, m.number())
		m.try(ruleString, m.sectionString())
		m.try(ruleOpenQuote, m.blanksThen('"'))
		m.try(ruleWhitespace, m.blanks(0))
	case inQuotes:
		m.try(ruleDollarCurly, m.dollarCurly())
		m.try(ruleCloseQuote, m.closeQuote())
		m.try(ruleQuoted, 1)
	case inVarname:
		if l.fallbacks {
			m.variableName()
		} else {
			m.try(ruleVarname, m.label())
		}
		m.try(ruleCloseCurly, m.lit('}'))
	case inFallback:
		m.try(ruleDollarCurly, m.dollarCurly())
		m.try(ruleCloseCurly, m.lit('}'))
		m.try(ruleConstant, m.constant())
		m.try(ruleNumber, m.number())
		m.try(ruleString, m.fallbackString())
		m.try(ruleOpenQuote, m.blanksThen('"'))
		m.try(ruleWhitespace, m.blanks(0))
	}
	if m.ranOut || m.rule == ruleNone {
		l.pos = len(l.src)
		if l.state == inValue {
			// The text has ended for good: no end of line follows.
			l.state = inStatement
		}
		return tokEnd, "", false
	}
	l.pos += m.length
	return l.act(m.rule, m.rest[:m.length])
}

// act does what the winning rule says: change state, count lines, name the
// token.
func (l *lexer) act(r rule, text string) (token, string, bool) {
	switch r {
	case ruleOpenBracket:
		l.state = inSection
		return tokSection, "", false
	case ruleSectionEnd:
		l.state = inStatement
		l.line++
		return tokCloseBracket, "", false
	case ruleOffsetStart:
		l.state = inOffset
		return tokOffset, trimRight(trimLeft(text), " \t\r\n["), false
	case ruleOffsetEnd:
		l.state = inStatement
		return tokCloseBracket, "", false
	case ruleLabel:
		return tokLabel, trimRight(trimLeft(text), " \t\r\n"), false
	case ruleVarname:
		return tokVarname, trimRight(trimLeft(text), " \t\r\n"), false
	case ruleAssign:
		l.state = inValue
		return tokEquals, "", false
	case ruleTrue:
		return tokTrue, "1", false
	case ruleFalse:
		return tokFalse, "", false
	case ruleNull:
		return tokNull, "", false
	case rulePunctuation, ruleOperator:
		return punctuation[text[0]], "", false
	case ruleSkip:
		return 0, "", true
	case ruleNewline:
		l.state = inStatement
		l.line++
		return tokEndOfLine, "", false
	case ruleRaw:
		return tokRaw, text[1 : len(text)-1], false
	case ruleConstant:
		return tokConstant, text, false
	case ruleNumber:
		return tokNumber, text, false
	case ruleString:
		return tokString, text, false
	case ruleWhitespace:
		return tokWhitespace, text, false
	case ruleStray: // a second '=': the value ends before it
		l.pos--
		l.state = inStatement
		return tokEndOfLine, "", false
	case ruleValueEnd:
		l.state = inStatement
		return tokEndOfLine, "", false
	case ruleDollarCurly:
		l.push(inVarname)
		return tokDollarCurly, "", false
	case ruleFallback:
		l.pop()
		l.push(inFallback)
		return tokFallback, "", false
	case ruleCloseCurly:
		l.pop()
		return tokCloseCurly, "", false
	case ruleOpenQuote:
		l.push(inQuotes)
		return tokQuote, "", false
	case ruleCloseQuote:
		l.pop()
		return tokQuote, "", false
	case ruleQuoted:
		return tokQuotedString, l.quoted(), false
	}
	panic("BUG: ini: rule without action")
}

func (l *lexer) push(s state) {
	l.outer = append(l.outer, l.state)
	l.state = s
}

func (l *lexer) pop() {
	l.state = l.outer[len(l.outer)-1]
	l.outer = l.outer[:len(l.outer)-1]
}

func trimLeft(s string) string { return strings.TrimLeft(s, " \t") }

func trimRight(s, cut string) string { return strings.TrimRight(s, cut) }
