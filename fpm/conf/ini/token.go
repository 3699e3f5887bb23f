// Counterpart: Zend/zend_ini_parser.y (token declarations)

package ini

import "strings"

// A token is what the scanner hands to the parser. The order is that of
// PHP's grammar, in which an error message lists the tokens it expected.
type token uint8

const (
	tokEnd token = iota
	tokSection
	tokRaw
	tokConstant
	tokNumber
	tokString
	tokWhitespace
	tokLabel
	tokOffset
	tokDollarCurly
	tokVarname
	tokQuotedString
	tokFallback
	tokTrue
	tokFalse
	tokNull
	tokEndOfLine
	tokEquals
	tokQuote
	tokXor
	tokDollar
	tokTilde
	tokOpenCurly
	tokCloseCurly
	tokOr
	tokAnd
	tokNot
	tokCloseBracket
	tokOpenParen
	tokCloseParen
)

// tokenNames are the names PHP's error messages use.
var tokenNames = [...]string{
	tokEnd:          "end of file",
	tokSection:      "TC_SECTION",
	tokRaw:          "TC_RAW",
	tokConstant:     "TC_CONSTANT",
	tokNumber:       "TC_NUMBER",
	tokString:       "TC_STRING",
	tokWhitespace:   "TC_WHITESPACE",
	tokLabel:        "TC_LABEL",
	tokOffset:       "TC_OFFSET",
	tokDollarCurly:  "TC_DOLLAR_CURLY",
	tokVarname:      "TC_VARNAME",
	tokQuotedString: "TC_QUOTED_STRING",
	tokFallback:     "TC_FALLBACK",
	tokTrue:         "BOOL_TRUE",
	tokFalse:        "BOOL_FALSE",
	tokNull:         "NULL_NULL",
	tokEndOfLine:    "END_OF_LINE",
	tokEquals:       "'='",
	tokQuote:        `'"'`,
	tokXor:          "'^'",
	tokDollar:       "'$'",
	tokTilde:        "'~'",
	tokOpenCurly:    "'{'",
	tokCloseCurly:   "'}'",
	tokOr:           "'|'",
	tokAnd:          "'&'",
	tokNot:          "'!'",
	tokCloseBracket: "']'",
	tokOpenParen:    "'('",
	tokCloseParen:   "')'",
}

// punctuation maps the bytes that are tokens by themselves.
var punctuation = map[byte]token{
	'"': tokQuote, '^': tokXor, '$': tokDollar, '~': tokTilde, '{': tokOpenCurly,
	'}': tokCloseCurly, '|': tokOr, '&': tokAnd, '!': tokNot, '=': tokEquals,
	']': tokCloseBracket, '(': tokOpenParen, ')': tokCloseParen,
}

// unexpected words a syntax error. PHP names the tokens it expected only
// when there are at most four; callers pass none when there are more.
func unexpected(got token, want ...token) string {
	var b strings.Builder
	b.WriteString("syntax error, unexpected " + tokenNames[got])
	for i, t := range want {
		if i == 0 {
			b.WriteString(", expecting ")
		} else {
			b.WriteString(" or ")
		}
		b.WriteString(tokenNames[t])
	}
	return b.String()
}
