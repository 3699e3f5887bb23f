// Counterpart: Zend/zend_ini_parser.y (zend_ini_do_op)

package ini

import (
	"math"
	"strconv"
)

func operate(op token, a, b string) string {
	x, y := Atoi(a), Atoi(b)
	switch op {
	case tokOr:
		x |= y
	case tokAnd:
		x &= y
	case tokXor:
		x ^= y
	}
	return strconv.Itoa(int(x))
}

func operateUnary(op token, a string) string {
	x := Atoi(a)
	switch {
	case op == tokTilde:
		x = ^x
	case x == 0:
		x = 1
	default:
		x = 0
	}
	return strconv.Itoa(int(x))
}

// Atoi is C's atoi as glibc has it on 64 bits: leading space, a sign, digits,
// anything after them ignored; a value out of a long's range sticks to its
// end, and an int takes the low 32 bits of that.
func Atoi(s string) int32 {
	i := 0
	for i < len(s) && (s[i] == ' ' || s[i] >= '\t' && s[i] <= '\r') {
		i++
	}
	negative := false
	if i < len(s) && (s[i] == '-' || s[i] == '+') {
		negative = s[i] == '-'
		i++
	}
	var n int64
	for ; i < len(s) && digit(s[i]); i++ {
		d := int64(s[i] - '0')
		if negative {
			if n < (math.MinInt64+d)/10 {
				return 0 // the low half of the least long
			}
			n = n*10 - d
		} else {
			if n > (math.MaxInt64-d)/10 {
				return -1 // the low half of the greatest long
			}
			n = n*10 + d
		}
	}
	return int32(n)
}
