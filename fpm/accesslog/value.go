package accesslog

import (
	"strconv"
	"time"
)

// appendSaid writes what a request or a script said: no control character of
// it begins another line, or does things to a terminal.
func appendSaid(b, s []byte) []byte {
	const digits = "0123456789abcdef"
	for _, c := range s {
		if c < ' ' || c == 0x7f {
			b = append(b, '\\', 'x', digits[c>>4], digits[c&15])
		} else {
			b = append(b, c)
		}
	}
	return b
}

func appendOrDash(b, s []byte) []byte {
	if len(s) == 0 {
		return append(b, '-')
	}
	return appendSaid(b, s)
}

// appendCPU writes a share of a CPU, in percent.
func appendCPU(b []byte, which string, e *Entry) []byte {
	used := e.CPUUser + e.CPUSystem
	switch which {
	case "user":
		used = e.CPUUser
	case "system":
		used = e.CPUSystem
	}
	share := 0.0
	if e.Duration > 0 {
		share = float64(used) / float64(e.Duration) * 100
	}
	return strconv.AppendFloat(b, share, 'f', 2, 64)
}

// appendDuration writes a duration, of which php-fpm knows the microseconds.
func appendDuration(b []byte, unit string, d time.Duration) []byte {
	seconds, micro := int64(d/time.Second), int64(d%time.Second/time.Microsecond)
	switch unit {
	case "seconds":
		return strconv.AppendFloat(b, float64(seconds)+float64(micro)/1e6, 'f', 3, 64)
	case "microseconds", "micro":
		return strconv.AppendInt(b, seconds*1e6+micro, 10)
	default:
		return strconv.AppendFloat(b, float64(seconds)*1e3+float64(micro)/1e3, 'f', 3, 64)
	}
}

// shiftOf makes bytes another unit.
func shiftOf(unit string) int {
	switch unit {
	case "kilobytes", "kilo":
		return 10
	case "megabytes", "mega":
		return 20
	}
	return 0
}
