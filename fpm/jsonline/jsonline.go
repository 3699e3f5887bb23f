package jsonline

import (
	"strconv"
	"time"
	"unicode/utf8"
)

// Stamp is the layout of times: RFC 3339, with microseconds.
const Stamp = "2006-01-02T15:04:05.000000Z07:00"

// Atomic is how many bytes one write to a pipe may have so that no other process's come in between (PIPE_BUF).
const Atomic = 4096

// Begin begins an object with its time.
func Begin(b []byte, t time.Time) []byte {
	b = append(b, `{"timestamp":"`...)
	b = t.AppendFormat(b, Stamp)
	return append(b, '"')
}

// End ends an object, and its line.
func End(b []byte) []byte { return append(b, "}\n"...) }

// Key appends what stands before a member's value.
func Key(b []byte, name string) []byte {
	b = append(b, ',', '"')
	b = append(b, name...)
	return append(b, '"', ':')
}

// Text appends a member that is a string. What is not UTF-8 in it becomes U+FFFD.
func Text[S string | []byte](b []byte, name string, value S) []byte {
	return String(Key(b, name), value)
}

// TextIf is Text for a value that is not empty.
func TextIf[S string | []byte](b []byte, name string, value S) []byte {
	if len(value) == 0 {
		return b
	}
	return Text(b, name, value)
}

// TextWithin is TextIf for a value that may take so many bytes as it stands there, at most. It reports whether it was cut.
func TextWithin[S string | []byte](b []byte, name string, value S, most int) (line []byte, cut bool) {
	if len(value) == 0 {
		return b, false
	}
	b = append(Key(b, name), '"')
	b, cut = Within(b, value, most)
	return append(b, '"'), cut
}

// Int appends a member that is a whole number.
func Int(b []byte, name string, value int64) []byte {
	return strconv.AppendInt(Key(b, name), value, 10)
}

// Seconds appends a member that is a time in seconds, with microseconds.
func Seconds(b []byte, name string, d time.Duration) []byte {
	return strconv.AppendFloat(Key(b, name), d.Seconds(), 'f', 6, 64)
}

// True appends a member that is true.
func True(b []byte, name string) []byte { return append(Key(b, name), "true"...) }

// String appends a string with its quotes.
func String[S string | []byte](b []byte, value S) []byte {
	b, _ = Within(append(b, '"'), value, 1<<62)
	return append(b, '"')
}

const digits = "0123456789abcdef"

// Within appends the inside of a string, of at most so many bytes. It reports whether the value was cut.
func Within[S string | []byte](b []byte, value S, most int) (line []byte, cut bool) {
	begun := len(b)
	for i := 0; i < len(value); {
		before, c, size := len(b), value[i], 1
		switch {
		case c >= utf8.RuneSelf:
			var r rune
			r, size = utf8.DecodeRuneInString(string(value[i:min(i+utf8.UTFMax, len(value))]))
			if r < 0xa0 { // control characters beyond ASCII
				b = append(b, '\\', 'u', '0', '0', digits[r>>4], digits[r&15])
			} else {
				b = utf8.AppendRune(b, r)
			}
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c == '\n':
			b = append(b, '\\', 'n')
		case c < ' ' || c == 0x7f:
			b = append(b, '\\', 'u', '0', '0', digits[c>>4], digits[c&15])
		default:
			b = append(b, c)
		}
		if len(b)-begun > most {
			return b[:before], true
		}
		i += size
	}
	return b, false
}

// Chunk returns how many bytes of lines may be written at once so that no line is broken where other processes write, too: whole lines within
// Atomic, or one line that is longer.
func Chunk(lines []byte) int {
	if len(lines) <= Atomic {
		return len(lines)
	}
	for i := Atomic - 1; i >= 0; i-- {
		if lines[i] == '\n' {
			return i + 1
		}
	}
	for i := Atomic; i < len(lines); i++ {
		if lines[i] == '\n' {
			return i + 1
		}
	}
	return len(lines)
}
