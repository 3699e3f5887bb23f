package worker

import (
	"bytes"
	"io"
	"time"

	"github.com/phpsapi/phpsapi/cli/server"
	"github.com/phpsapi/phpsapi/sapi"
)

// response is a request's client: a response is passed to it as it comes.
type response struct {
	client   int
	log      *server.Log
	task     *server.Task
	body     io.Reader // nil: none
	begun    func()    // called once, before the first byte is sent
	sent     bool
	declined bool // another answers: PHP's head is thrown away
}

// Message logs a message of PHP's.
func (r *response) Message(text string) { r.log.Line(server.LevelMessage, text) }

// ReadBody reads the request's body.
func (r *response) ReadBody(p []byte) int {
	if r.body == nil {
		return 0
	}
	n, _ := io.ReadFull(r.body, p) // PHP knows only the end; a body that is too short is the script's to notice
	return n
}

// AppendHead appends the response's head; nothing if the request was declined.
func (r *response) AppendHead(b []byte, _ sapi.HeadRules, head *sapi.ResponseHead) []byte {
	if r.declined {
		return b
	}
	line := head.StatusLine
	if line == "" {
		status := head.Status
		if status == 0 {
			status = 200
		}
		line = server.StatusLine(r.task.Protocol, status)
	}
	b = append(append(b, line...), "\r\n"...)
	b = server.AppendEssential(b, r.task.Headers, !hasDate(head.Lines))
	for _, line := range head.Lines {
		b = append(append(b, line...), "\r\n"...)
	}
	return append(b, "\r\n"...)
}

// hasDate reports whether the script set the Date header itself.
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
func (r *response) Write(p []byte) error {
	if len(p) == 0 {
		return nil
	}
	if !r.sent {
		r.sent = true
		r.begun()
	}
	_, err := sendAll(r.client, p, clientPatience)
	return err
}
