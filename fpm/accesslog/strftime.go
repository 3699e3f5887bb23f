// Counterpart: strftime(3) of the GNU C library, in the C locale

package accesslog

import (
	"strconv"
	"time"
)

// maxTime is how long a time may be, in bytes.
const maxTime = 127

// conversion is what follows a %: flags and width apply to all it writes.
type conversion struct {
	pad      byte // 0, '_', '-' or '0'
	upper    bool
	swap     bool
	width    int
	modifier byte // 0, 'E' or 'O'
}

// appendStrftime writes t by a format of strftime(3), to maxTime bytes or a bit
// more.
func appendStrftime(b []byte, format string, t time.Time) []byte {
	begin := len(b)
	for i := 0; i < len(format) && len(b)-begin <= maxTime; i++ {
		if format[i] != '%' {
			b = append(b, format[i])
			continue
		}
		var c conversion
		i = c.read(format, i+1)
		if i < len(format) {
			var known bool
			if b, known = c.convert(b, format[i], t); known {
				continue
			}
		} else {
			i--
		}
		// As it stands, from the last %.
		from := i
		for format[from] != '%' {
			from--
		}
		b = c.text(b, format[from:i+1], false)
	}
	return b
}

// read reads up to the letter, and returns where it is.
func (c *conversion) read(format string, i int) int {
	for ; i < len(format); i++ {
		switch format[i] {
		case '_', '-', '0':
			c.pad = format[i]
			continue
		case '^':
			c.upper = true
			continue
		case '#':
			c.swap = true
			continue
		}
		break
	}
	for ; i < len(format) && format[i] >= '0' && format[i] <= '9'; i++ {
		c.width = min(c.width*10+int(format[i]-'0'), maxTime+1)
	}
	if i < len(format) && (format[i] == 'E' || format[i] == 'O') {
		c.modifier = format[i]
		i++
	}
	return i
}

// text writes s to the width.
func (c *conversion) text(b []byte, s string, lower bool) []byte {
	b = c.fill(b, len(s))
	for i := range len(s) {
		switch ch := s[i]; {
		case lower && ch >= 'A' && ch <= 'Z':
			b = append(b, ch+'a'-'A')
		case !lower && c.upper && ch >= 'a' && ch <= 'z':
			b = append(b, ch+'A'-'a')
		default:
			b = append(b, ch)
		}
	}
	return b
}

// fill writes what is missing to the width.
func (c *conversion) fill(b []byte, n int) []byte {
	with := byte(' ')
	if c.pad == '0' {
		with = '0'
	}
	for ; n < c.width; n++ {
		b = append(b, with)
	}
	return b
}

// number writes v in that many digits, and to the width.
func (c *conversion) number(b []byte, digits int, v int64) []byte {
	var buf [24]byte
	s := strconv.AppendInt(buf[:0], v, 10)
	missing := max(digits-len(s), 0)
	switch c.pad {
	case '-':
		missing = 0
	case '_':
		for range missing {
			b = append(b, ' ')
		}
		short := *c
		short.width = max(c.width-missing, 0)
		return append(short.fill(b, len(s)), s...)
	}
	for n := len(s) + missing; n < c.width; n++ {
		if c.pad == '-' {
			b = append(b, ' ')
		} else {
			b = append(b, '0')
		}
	}
	for range missing {
		b = append(b, '0')
	}
	return append(b, s...)
}

// spaced is number, padded with spaces unless another flag is given.
func (c *conversion) spaced(b []byte, digits int, v int64) []byte {
	if c.pad != '0' && c.pad != '-' {
		c.pad = '_'
	}
	return c.number(b, digits, v)
}

// format writes another format to the width.
func (c *conversion) format(b []byte, format string, t time.Time) []byte {
	begin := len(b)
	b = appendStrftime(b, format, t)
	n := len(b) - begin
	if n < c.width {
		b = c.fill(b, n)
		fill := len(b) - begin - n
		with := b[len(b)-1]
		copy(b[begin+fill:], b[begin:begin+n])
		for i := range fill {
			b[begin+i] = with
		}
	}
	if c.upper {
		for i := begin; i < len(b); i++ {
			if b[i] >= 'a' && b[i] <= 'z' {
				b[i] -= 'a' - 'A'
			}
		}
	}
	return b
}
