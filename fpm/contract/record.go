package contract

import (
	"encoding/binary"

	"github.com/phpsapi/phpsapi/fpm/zlog"
)

// Letters of messages for an error log in JSON, from a worker or a front. A Record is too long for one message, as a rule of those with a stack of
// PHP's: RecordPart brings what is before its last part. Each comes from one place of its sender, so that no two are mixed.
const (
	RecordIs   = 'J'
	RecordPart = 'j'
)

// MostRecord is how long a Record gets, in bytes; what is longer is cut.
const MostRecord = 1 << 20

// Record is a message for the error log, and the request that it belongs to. What is not known of the request is empty.
type Record struct {
	Level zlog.Level
	// Pool is the pool whose worker has said it; only a front says that, and the master knows it of a worker.
	Pool string

	RequestID, TraceID, SpanID string
	Method, Host, URI, Script  string
	Text                       string
}

// texts are the record's, in the order in which they are sent.
func (r *Record) texts() []*string {
	return []*string{&r.Pool, &r.RequestID, &r.TraceID, &r.SpanID, &r.Method, &r.Host, &r.URI, &r.Script, &r.Text}
}

// mostField is how much of a record's texts but the last is sent, in bytes.
const mostField = 2 << 10

// Send says a record by messages of a letter and a text.
func (r *Record) Send(say func(letter byte, text string)) {
	b := []byte{byte(r.Level)}
	texts := r.texts()
	for i, text := range texts {
		most := mostField
		if i == len(texts)-1 {
			most = MostRecord
		}
		t := (*text)[:min(len(*text), most)]
		b = append(binary.AppendUvarint(b, uint64(len(t))), t...)
	}
	for len(b) > MaxMessage-1 {
		say(RecordPart, string(b[:MaxMessage-1]))
		b = b[MaxMessage-1:]
	}
	say(RecordIs, string(b))
}

// Records puts the records of a sender together.
type Records struct{ parts []byte }

// Take takes a message of RecordPart or RecordIs. It returns a record if that was its last part, and false if the message is none that may come.
func (r *Records) Take(letter byte, text string) (one *Record, ok bool) {
	const room = MostRecord + 16*mostField
	if len(r.parts)+len(text) > room {
		r.parts = nil
		return nil, false
	}
	if letter == RecordPart {
		r.parts = append(r.parts, text...)
		return nil, true
	}
	whole := text
	if len(r.parts) > 0 {
		whole = string(append(r.parts, text...))
	}
	r.parts = nil
	return parseRecord(whole)
}

func parseRecord(text string) (*Record, bool) {
	if text == "" || text[0] < byte(zlog.Debug) || text[0] > byte(zlog.Alert) {
		return nil, false
	}
	r := &Record{Level: zlog.Level(text[0])}
	rest := text[1:]
	for _, to := range r.texts() {
		n, size := binary.Uvarint([]byte(rest[:min(len(rest), binary.MaxVarintLen64)]))
		if size <= 0 || n > uint64(len(rest)-size) {
			return nil, false
		}
		*to, rest = rest[size:size+int(n)], rest[size+int(n):]
	}
	return r, rest == ""
}
