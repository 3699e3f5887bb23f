package server

import (
	"bufio"
	"errors"
	"io"
	"os"
)

// maxBodyInMemory is how large a body may be that needs no file.
const maxBodyInMemory = 64 << 10

// body is a request's whole body. PHP is asked to answer a request only when all of it is there: a slow client holds
// no worker, and a script never sees half an upload.
type body struct {
	memory []byte
	file   *os.File // of no name, at its beginning; nil where memory has the body
	length int64
}

// close gives the file back.
func (b *body) close() {
	if b.file != nil {
		b.file.Close()
	}
}

// Write takes the next piece.
func (b *body) Write(p []byte) (int, error) {
	b.length += int64(len(p))
	if b.file == nil {
		if b.length <= maxBodyInMemory {
			b.memory = append(b.memory, p...)
			return len(p), nil
		}
		file, err := os.CreateTemp("", "phpsapi-body-")
		if err != nil {
			return 0, err
		}
		b.file = file
		if err := os.Remove(file.Name()); err != nil {
			return 0, err
		}
		if _, err := file.Write(b.memory); err != nil {
			return 0, err
		}
		b.memory = nil
	}
	return b.file.Write(p)
}

// readBody reads the body behind the head h. The error is errMalformed, errUnfinished, or the connection's or file's
// own.
func readBody(r *bufio.Reader, h *head) (*body, error) {
	b := &body{}
	err := b.read(r, h)
	if err == nil && b.file != nil {
		_, err = b.file.Seek(0, io.SeekStart)
	}
	if err != nil {
		b.close()
		if errors.Is(err, io.EOF) {
			err = errUnfinished
		}
		return nil, err
	}
	return b, nil
}

func (b *body) read(r *bufio.Reader, h *head) error {
	if !h.chunked {
		_, err := io.CopyN(b, r, h.length)
		return err
	}
	for {
		size, err := chunkSize(r)
		if err != nil {
			return err
		}
		if size == 0 {
			trailers := headReader{r: r}
			_, err := trailers.fields()
			return err
		}
		if _, err := io.CopyN(b, r, size); err != nil {
			return err
		}
		if _, err := r.Discard(len("\r\n")); err != nil {
			return err
		}
	}
}

// chunkSize reads the line before a chunk.
func chunkSize(r *bufio.Reader) (int64, error) {
	var size int64
	for digits := 0; ; digits++ {
		c, err := r.ReadByte()
		if err != nil {
			return 0, err
		}
		switch digit := hexDigit(c); {
		case digit >= 0 && size < 1<<48:
			size = size*16 + int64(digit)
		case digits > 0 && c == '\r':
			_, err := r.Discard(1)
			return size, err
		case digits > 0 && (c == ';' || c == ' '):
			return size, skipParameters(r)
		default:
			return 0, errMalformed
		}
	}
}

// skipParameters reads what follows a chunk's size, up to the line's end.
func skipParameters(r *bufio.Reader) error {
	for range maxHead {
		c, err := r.ReadByte()
		if err != nil {
			return err
		}
		if c == '\r' {
			_, err := r.Discard(1)
			return err
		}
	}
	return errMalformed
}

func hexDigit(c byte) int {
	switch {
	case isDigit(c):
		return int(c - '0')
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return int(c|0x20-'a') + 10
	}
	return -1
}
