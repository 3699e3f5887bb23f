// Counterpart: ext/standard/html.c (php_escape_html_entities_ex), ext/json/json_encoder.c (php_json_escape_string)

package status

import (
	"unicode/utf16"
	"unicode/utf8"
)

const hexDigits = "0123456789abcdef"

// appendMarkup writes text as XML has it. What XML cannot have is U+FFFD.
func appendMarkup(b []byte, s string) []byte {
	for _, r := range s {
		switch {
		case r == '&':
			b = append(b, "&amp;"...)
		case r == '<':
			b = append(b, "&lt;"...)
		case r == '>':
			b = append(b, "&gt;"...)
		case r == '"':
			b = append(b, "&quot;"...)
		case r < ' ' && r != '\t' && r != '\n' && r != '\r', r == 0xfffe, r == 0xffff:
			b = utf8.AppendRune(b, utf8.RuneError)
		default:
			b = utf8.AppendRune(b, r)
		}
	}
	return b
}

// appendSaidMarkup is PHP's htmlentities(ENT_XML1 | ENT_DISALLOWED |
// ENT_COMPAT): appendMarkup, but nothing where text is not UTF-8.
func appendSaidMarkup(b []byte, s string) []byte {
	if !utf8.ValidString(s) {
		return b
	}
	return appendMarkup(b, s)
}

// appendJSON writes text as JSON has it, within its quotes. What is not UTF-8
// is U+FFFD.
func appendJSON(b []byte, s string) []byte {
	for _, r := range s {
		if r < ' ' || r == '"' || r == '\\' {
			b = appendJSONEscape(b, r)
		} else {
			b = utf8.AppendRune(b, r)
		}
	}
	return b
}

// appendSaidJSON is PHP's json_encode(JSON_INVALID_UTF8_IGNORE): slashes are escaped, the result is ASCII, what is not UTF-8 is left out.
func appendSaidJSON(b []byte, s string) []byte {
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		i += size
		switch {
		case r == utf8.RuneError && size == 1:
		case r < ' ' || r == '"' || r == '\\' || r == '/' || r >= 0x80:
			b = appendJSONEscape(b, r)
		default:
			b = append(b, byte(r))
		}
	}
	return b
}

func appendJSONEscape(b []byte, r rune) []byte {
	switch r {
	case '"', '\\', '/':
		return append(b, '\\', byte(r))
	case '\b':
		return append(b, `\b`...)
	case '\f':
		return append(b, `\f`...)
	case '\n':
		return append(b, `\n`...)
	case '\r':
		return append(b, `\r`...)
	case '\t':
		return append(b, `\t`...)
	}
	if r > 0xffff {
		high, low := utf16.EncodeRune(r)
		return appendJSONEscape(appendJSONEscape(b, high), low)
	}
	return append(b, '\\', 'u', hexDigits[r>>12&15], hexDigits[r>>8&15], hexDigits[r>>4&15], hexDigits[r&15])
}

// appendPlain writes text without control characters.
func appendPlain(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == 0x7f {
			b = append(b, '\\', 'x', hexDigits[c>>4], hexDigits[c&15])
		} else {
			b = append(b, c)
		}
	}
	return b
}

// appendHelp writes text as OpenMetrics has it in a HELP line.
func appendHelp(b []byte, s string) []byte {
	for i := range len(s) {
		switch s[i] {
		case '\\':
			b = append(b, `\\`...)
		case '\n':
			b = append(b, `\n`...)
		default:
			b = append(b, s[i])
		}
	}
	return b
}
