package master

import (
	"encoding/json"
	"testing"

	"github.com/phpsapi/phpsapi/fpm/scoreboard"
)

// A client's query string once began a line "ALERT: ..." of its own in the error log.
func TestRequestsForgeNoLines(t *testing.T) {
	const forged = "\n[26-Nov-2026 00:00:00] ALERT: "
	for _, tt := range []struct {
		proc scoreboard.Proc
		want string
	}{
		{scoreboard.Proc{Script: "/a.php", Method: "GET", URI: "/a.php", Query: "q=\u00e9 '\"\\%0a"},
			"script '/a.php' (request: \"GET /a.php?q=\u00e9 '\"\\%0a\")"},
		{scoreboard.Proc{Script: "/a" + forged, Method: "GET" + forged, URI: "/a" + forged, Query: "q" + forged},
			`script '/a.[26-Nov-2026 00:00:00] ALERT: ' (request: "GET.[26-Nov-2026 00:00:00] ALERT:  ` +
				`/a.[26-Nov-2026 00:00:00] ALERT: ?q.[26-Nov-2026 00:00:00] ALERT: ")`},
		{scoreboard.Proc{Method: "G\r\x00\x7f", URI: "/\x1b[2J\u009b2J\u2028", Query: "\xff\xc3"},
			`script '' (request: "G... /.[2J.2J.?..")`},
		{scoreboard.Proc{}, `script '' (request: " ")`},
	} {
		if got := (request{Proc: tt.proc}).String(); got != tt.want {
			t.Errorf("%+v:\ngot  %s\nwant %s", tt.proc, got, tt.want)
		}
	}
}

func TestNoRequestsAreAnEmptyList(t *testing.T) {
	m := &Master{gen: &generation{}}
	if text, err := json.Marshal(m.tellRequests("").Requests); err != nil || string(text) != `{"requests":[]}` {
		t.Errorf("got %s, %v", text, err)
	}
}
