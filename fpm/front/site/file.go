package site

import (
	"strconv"
	"time"
)

// AppendEntityTag appends the ETag of a file, a strong validator made of its time to the nanosecond, its size, and the content coding if it is
// a precompressed form.
func AppendEntityTag(b []byte, modified time.Time, size int64, coding string) []byte {
	b = append(b, '"')
	b = strconv.AppendInt(b, modified.UnixNano(), 16)
	b = append(b, '-')
	b = strconv.AppendInt(b, size, 16)
	if coding != "" {
		b = append(append(b, '-'), coding...)
	}
	return append(b, '"')
}
