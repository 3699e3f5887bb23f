package worker

import (
	"strings"
	"testing"

	"github.com/phpsapi/phpsapi/fpm/conf"
	"github.com/phpsapi/phpsapi/test/exchange"
)

// nginx answers 502 if each message is a record of its own: its buffer for the response's head is full of them.
func TestConsecutiveMessagesAreOneRecord(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	records := func(socket string, r *testRequest) string {
		conn := dial(t, socket)
		defer conn.Close()
		go r.Send(conn)
		list, err := exchange.Records(conn)
		if err != nil {
			t.Error(err)
		}
		return list
	}
	for name, script := range exchange.Messages() {
		p.write(t, name+".php", script)
		r := get(p.dir, name+".php")
		if ours, stock := records(p.ours.Socket, r), records(p.stock.Socket, r); ours != stock {
			t.Errorf("%s:\nours  %s\nstock %s", name, ours, stock)
		}
	}
}

// A warning of the request's start is output that PHP has not handed over when the worker says why it runs no script.
func TestRefusalAfterAWarningOfTheRequestsStart(t *testing.T) {
	t.Parallel()
	p := newPair(t, conf.KeyValue{Key: "display_errors", Value: "1"}, conf.KeyValue{Key: "max_input_vars", Value: "2"})
	p.write(t, "text.txt", "text")
	p.write(t, "pid.php", "<?php echo getmypid();")
	pid := get(p.dir, "pid.php").do(t, p.ours.Socket).stdout
	for _, r := range []*testRequest{
		get(p.dir, "none.php", "QUERY_STRING", "a=1&b=2&c=3"),
		get(p.dir, "text.txt", "QUERY_STRING", "a=1&b=2&c=3"),
		get(p.dir, "none.php", "REQUEST_METHOD", "POST", "CONTENT_TYPE", "multipart/form-data", "CONTENT_LENGTH", "1"),
	} {
		p.compare(t, strings.Join(r.Params, " "), r)
		if got := r.do(t, p.ours.Socket); !strings.Contains(got.stdout, "Warning") || got.stderr == "" {
			t.Errorf("%v", got)
		}
	}
	if again := get(p.dir, "pid.php").do(t, p.ours.Socket).stdout; again != pid {
		t.Errorf("worker %s has become %s\n%s", pid, again, p.ours.log())
	}
}
