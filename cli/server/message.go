package server

import (
	"encoding/binary"
	"encoding/json"
	"io"
	"strconv"

	"github.com/phpsapi/phpsapi/sapi"
)

// Role is Settings.Role of this server's workers: other workers of zygotes have other payloads.
const Role = sapi.CLIServer

// Settings is what a worker is forked with, its payload. Texts are bytes, because paths need not be UTF-8.
type Settings struct {
	Role      string
	Root      []byte // the document root, absolute
	Router    []byte // the router script as it was given; empty for none
	Host      []byte // as -S names it
	Port      int
	Verbosity Level
	WithPid   bool
}

// Encode returns the payload.
func (s Settings) Encode() []byte {
	text, err := json.Marshal(s)
	if err != nil {
		panic("BUG: settings that cannot be encoded: " + err.Error())
	}
	return text
}

// DecodeSettings reads a payload.
func DecodeSettings(payload []byte) (s Settings, err error) {
	return s, json.Unmarshal(payload, &s)
}

// The messages of a worker to the parent, one byte each:
//
//	parent                          worker
//	                           <-     Hello or HelloColor
//	  Task, connection, body   ->
//	                           <-     Began, before it sends anything to the client
//	                           <-     Done, or Declined: the router leaves the request to the parent
//	  is gone, or has no more  ->     ends
//	  use for the worker
const (
	Hello      = 'h'
	HelloColor = 'c' // the same, and cli_server.color is set
	Began      = 'b'
	Done       = 'd'
	Declined   = 'n'
)

// Task is a request for a worker. The connection travels with its first byte as SCM_RIGHTS, and after it the body's
// file where it has one.
type Task struct {
	Client   string // the client's address and port
	Method   string
	URI      string
	Query    *string // nil if there is none
	Protocol int     // 101 for HTTP/1.1
	VPath    string
	PathInfo string
	File     string // the script; empty if only a router can answer
	Script   bool   // File is for PHP to execute
	Headers  []sapi.Variable
	Sent     []sapi.Variable // the headers by the names the client used
	Body     []byte
	Length   int64 // the body's, wherever it is
}

// Encode returns the task as bytes: its length, then its texts, each after its length.
func (t *Task) Encode() []byte {
	query := []string{}
	if t.Query != nil {
		query = append(query, *t.Query)
	}
	w := writer{0, 0, 0, 0}
	w.texts(t.Client, t.Method, t.URI, strconv.Itoa(t.Protocol), t.VPath, t.PathInfo, t.File, strconv.FormatBool(t.Script),
		string(t.Body), strconv.FormatInt(t.Length, 10))
	w.list(query)
	w.variables(t.Headers)
	w.variables(t.Sent)
	binary.NativeEndian.PutUint32(w, uint32(len(w)-4))
	return w
}

// ReadTask reads what Encode gave. The error is io.EOF if there is no task.
func ReadTask(r io.Reader) (*Task, error) {
	var size [4]byte
	if _, err := io.ReadFull(r, size[:]); err != nil {
		return nil, err
	}
	b := make([]byte, binary.NativeEndian.Uint32(size[:]))
	if _, err := io.ReadFull(r, b); err != nil {
		return nil, err
	}
	d := reader{rest: b}
	t := &Task{Client: d.text(), Method: d.text(), URI: d.text(), Protocol: int(d.number()), VPath: d.text(),
		PathInfo: d.text(), File: d.text(), Script: d.text() == "true", Body: []byte(d.text()), Length: d.number()}
	if query := d.list(); len(query) > 0 {
		t.Query = &query[0]
	}
	t.Headers = d.variables()
	t.Sent = d.variables()
	return t, d.err
}
