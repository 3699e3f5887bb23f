package site

import (
	"errors"
	"io/fs"
	"net/http"
	"strconv"
	"syscall"
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

// OpenStatus is the status of the answer if a file that is to be sent cannot be opened; nil stands for a file that is no regular one. If it
// is 500 the log should have the error.
func OpenStatus(err error) int {
	switch {
	case err == nil, errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR), errors.Is(err, syscall.ENXIO),
		errors.Is(err, syscall.ENAMETOOLONG), errors.Is(err, syscall.ELOOP):
		return http.StatusNotFound
	case errors.Is(err, fs.ErrPermission):
		return http.StatusForbidden
	}
	return http.StatusInternalServerError
}
