package fastcgi_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/test/exchange"
	"github.com/phpsapi/phpsapi/test/files"
	"github.com/phpsapi/phpsapi/test/serve"
)

// nginx answers 502 if each message is a record of its own: its buffer for the response's head is full of them.
func TestConsecutiveMessagesAreOneRecord(t *testing.T) {
	t.Parallel()
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

// nginx as it comes: its buffer for the head of a response is a page. A script that logs much, as old ones do on a new PHP,
// is not answered with "upstream sent too big header". (It is, with stock PHP too, if the messages end just before a page does.)
func TestNginxTakesManyMessages(t *testing.T) {
	t.Parallel()
	dir, address := serve.Dir(t), serve.Address(t)
	script := `<?php for ($i = 0; $i < $_GET["k"]; $i++) error_log(str_repeat("x", (int)$_GET["l"])); echo "ok";`
	files.Write(t, dir+"/log.php", script)
	launch(t, binary, "unix", serve.Socket(dir), []string{"PHPSAPI_CGI_SOCKET_MODE=0666"}, "-d", "log_errors=1", "-b", serve.Socket(dir))
	nginx, err := serve.StartNginx(dir, address, dir, 0, "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nginx.Stop)
	client := http.Client{Timeout: 20 * time.Second}
	for _, length := range []int{100, 1000} {
		for _, lines := range []int{1, 5, 60, 400} {
			r, err := client.Get(fmt.Sprintf("http://%s/log.php?k=%d&l=%d", address, lines, length))
			if err != nil {
				t.Fatal(err)
			}
			r.Body.Close()
			if r.StatusCode != http.StatusOK {
				t.Errorf("%d messages of %d bytes: %s", lines, length, r.Status)
			}
		}
	}
}
