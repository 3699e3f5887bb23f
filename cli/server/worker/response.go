package worker

import (
	"bytes"
	"time"

	"github.com/phpsapi/phpsapi/cli/server"
	"github.com/phpsapi/phpsapi/sapi"
)

// response passes a response to the client as it comes.
type response struct {
	client int
	task   *server.Task
	begun  func() // called once, before the first byte is sent
	sent   bool
}

// WriteHead sends the response's head.
func (r *response) WriteHead(head *sapi.ResponseHead) error {
	line := head.StatusLine
	if line == "" {
		status := head.Status
		if status == 0 {
			status = 200
		}
		line = server.StatusLine(r.task.Protocol, status)
	}
	b := append([]byte(line), "\r\n"...)
	b = server.AppendEssential(b, r.task.Headers, !hasDate(head.Lines))
	for _, line := range head.Lines {
		b = append(append(b, line...), "\r\n"...)
	}
	_, err := r.Write(append(b, "\r\n"...))
	return err
}

// hasDate says whether the script set the Date header itself.
func hasDate(lines [][]byte) bool {
	const date = "Date:"
	for _, line := range lines {
		if len(line) > len(date) && bytes.EqualFold(line[:len(date)], []byte(date)) {
			return true
		}
	}
	return false
}

// clientPatience is how long a client may take no bytes.
const clientPatience = 10 * time.Second

// Write sends a piece of the body.
func (r *response) Write(p []byte) (int, error) {
	if !r.sent {
		r.sent = true
		r.begun()
	}
	return sendAll(r.client, p, clientPatience)
}

// Flush does nothing: every piece is sent at once.
func (r *response) Flush() error { return nil }
