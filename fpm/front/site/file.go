package site

import (
	"strconv"
	"time"
)

// AppendEntityTag appends the ETag of a file, a strong validator: time to the nanosecond and size, and the content coding that the file has
// beside another; "": none.
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
