package accesslog

import (
	"strings"
	"time"
)

// The letters that a modifier may stand before.
const (
	takesE = "cCnpPrRtTuxXyYzZ"
	takesO = "bBCdegGhHIjklmMnpPrRStTuUVwWyzZ"
)

// convert writes what a letter stands for. It is false for a letter that
// strftime(3) does not know.
func (c *conversion) convert(b []byte, letter byte, t time.Time) ([]byte, bool) {
	if c.modifier == 'E' && strings.IndexByte(takesE, letter) < 0 ||
		c.modifier == 'O' && strings.IndexByte(takesO, letter) < 0 {
		return b, false
	}
	if b, ok := c.text1(b, letter, t); ok {
		return b, true
	}
	return c.number1(b, letter, t)
}

// text1 writes names, and what is made of other letters.
func (c *conversion) text1(b []byte, letter byte, t time.Time) ([]byte, bool) {
	switch letter {
	case 'a', 'A', 'b', 'h', 'B':
		c.upper = c.upper || c.swap
	}
	switch letter {
	case '%':
		return c.text(b, "%", false), true
	case 'n':
		return c.text(b, "\n", false), true
	case 't':
		return c.text(b, "\t", false), true
	case 'a':
		return c.text(b, t.Weekday().String()[:3], false), true
	case 'A':
		return c.text(b, t.Weekday().String(), false), true
	case 'b', 'h':
		return c.text(b, t.Month().String()[:3], false), true
	case 'B':
		return c.text(b, t.Month().String(), false), true
	case 'p', 'P':
		s := "AM"
		if t.Hour() >= 12 {
			s = "PM"
		}
		return c.text(b, s, letter == 'P' || c.swap), true
	case 'Z':
		name, _ := t.Zone()
		return c.text(b, name, c.swap), true
	case 'c':
		return c.format(b, "%a %b %e %H:%M:%S %Y", t), true
	case 'D', 'x':
		return c.format(b, "%m/%d/%y", t), true
	case 'F':
		return c.format(b, "%Y-%m-%d", t), true
	case 'r':
		return c.format(b, "%I:%M:%S %p", t), true
	case 'R':
		return c.format(b, "%H:%M", t), true
	case 'T', 'X':
		return c.format(b, "%H:%M:%S", t), true
	}
	return b, false
}

// number1 writes numbers.
func (c *conversion) number1(b []byte, letter byte, t time.Time) ([]byte, bool) {
	hour12 := (t.Hour()+11)%12 + 1
	weekday := int(t.Weekday())
	day := t.YearDay() - 1
	isoYear, isoWeek := t.ISOWeek()
	var digits, v int
	switch letter {
	case 'C':
		digits, v = 2, t.Year()/100
	case 'd':
		digits, v = 2, t.Day()
	case 'e':
		return c.spaced(b, 2, int64(t.Day())), true
	case 'g':
		digits, v = 2, isoYear%100
	case 'G':
		digits, v = 1, isoYear
	case 'H':
		digits, v = 2, t.Hour()
	case 'I':
		digits, v = 2, hour12
	case 'j':
		digits, v = 3, day+1
	case 'k':
		return c.spaced(b, 2, int64(t.Hour())), true
	case 'l':
		return c.spaced(b, 2, int64(hour12)), true
	case 'm':
		digits, v = 2, int(t.Month())
	case 'M':
		digits, v = 2, t.Minute()
	case 's':
		return c.number(b, 1, t.Unix()), true
	case 'S':
		digits, v = 2, t.Second()
	case 'u':
		digits, v = 1, (weekday+6)%7+1
	case 'U':
		digits, v = 2, (day-weekday+7)/7
	case 'V':
		digits, v = 2, isoWeek
	case 'w':
		digits, v = 1, weekday
	case 'W':
		digits, v = 2, (day-(weekday+6)%7+7)/7
	case 'y':
		digits, v = 2, t.Year()%100
	case 'Y':
		digits, v = 1, t.Year()
	case 'z':
		_, offset := t.Zone()
		sign := "+"
		if offset < 0 {
			sign, offset = "-", -offset
		}
		b = c.text(b, sign, false)
		digits, v = 4, offset/3600*100+offset/60%60
	default:
		return b, false
	}
	return c.number(b, digits, int64(v)), true
}
