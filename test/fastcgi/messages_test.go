package fastcgi_test

import (
	"testing"

	"github.com/phpsapi/phpsapi/test/exchange"
)

// nginx answers 502 if each message is a record of its own: its buffer for the response's head is full of them.
func TestConsecutiveMessagesAreOneRecord(t *testing.T) {
	contents := map[string]string{}
	for name, script := range exchange.Messages() {
		contents[name+".php"] = script
	}
	p := newPair(t, contents, nil)
	records := func(s *server, r *request) string {
		conn := s.dial()
		defer conn.Close()
		go r.Send(conn)
		list, err := exchange.Records(conn)
		if err != nil {
			t.Error(err)
		}
		return list
	}
	for file := range contents {
		r := get(p.dir + "/" + file)
		if ours, stock := records(p.ours, r), records(p.stock, r); ours != stock {
			t.Errorf("%s:\nours  %s\nstock %s", file, ours, stock)
		}
	}
}
