package site

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/netip"
	"testing"
	"time"
)

// logged is a request that has been answered.
func logged() *AccessEntry {
	begun := time.Date(2026, 11, 22, 1, 2, 3, 0, time.FixedZone("", 3600))
	return &AccessEntry{Method: "GET", URI: "/a\"b?\x01é", Proto: "HTTP/1.1", Host: "example.org", Referer: "http://a/\\",
		UserAgent: "x \"y\"\n\xff", Authorization: "Basic bWU6c2VjcmV0", Remote: netip.MustParseAddrPort("192.0.2.1:99"), ID: "id-1", Status: 200,
		Sent: 1234, Begun: begun, Asked: begun.Add(time.Millisecond), Answered: begun.Add(3 * time.Millisecond), Pool: "www"}
}

func TestCombinedFormat(t *testing.T) {
	e, l := logged(), &AccessLines{}
	now := e.Begun.Add(4 * time.Millisecond)
	const want = `192.0.2.1 - me [22/Nov/2026:01:02:03 +0100] "GET /a\x22b?\x01\xC3\xA9 HTTP/1.1" 200 1234 "http://a/\x5C" "x \x22y\x22\x0A\xFF"` + "\n"
	if got := string(l.Append(nil, e, now)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	e.Remote, e.Referer, e.UserAgent, e.Authorization, e.Method = netip.AddrPort{}, "", "", "", "HEAD"
	const bare = `unix: - - [22/Nov/2026:01:02:03 +0100] "HEAD /a\x22b?\x01\xC3\xA9 HTTP/1.1" 200 0 "-" "-"` + "\n"
	if got := string(l.Append(nil, e, now)); got != bare {
		t.Errorf("got  %s\nwant %s", got, bare)
	}
}

func TestJSONFormat(t *testing.T) {
	e, l := logged(), &AccessLines{JSON: true}
	now := e.Begun.Add(4 * time.Millisecond)
	const want = `{"timestamp":"2026-11-22T01:02:03.004000+01:00","remote_addr":"192.0.2.1","method":"GET","host":"example.org",` +
		`"uri":"/a\"b?\u0001é","protocol":"HTTP/1.1","status":200,"bytes":1234,"duration":0.004000,"request_id":"id-1",` +
		`"pool":"www","upstream_time":0.002000,"referer":"http://a/\\","user_agent":"x \"y\"\n` + "\ufffd" + `"}` + "\n"
	got := l.Append(nil, e, now)
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if !json.Valid(got) {
		t.Error("it is not JSON")
	}
	e.Asked = time.Time{}
	if got := l.Append(nil, e, now); bytes.Contains(got, []byte("upstream_time")) || !json.Valid(got) {
		t.Errorf("of a file: %s", got)
	}
}

// A user's name is what net/http takes for one.
func TestUserOfTheLog(t *testing.T) {
	for _, credentials := range []string{"Basic bWU6c2VjcmV0", "basic bWU6c2VjcmV0", "Basic bWU=", "Basic OnNlY3JldA==", "Basic ", "Basic", "", "Bearer bWU6c2VjcmV0",
		"Basic bWU6", "Basic bWU6c2VjcmV0=", "Basic  bWU6c2VjcmV0", "Basic bTpl\nOng="} {
		r := http.Request{Header: http.Header{"Authorization": {credentials}}}
		want := "-"
		if user, _, ok := r.BasicAuth(); ok && user != "" {
			want = user
		}
		if got := string(appendUser(nil, credentials)); got != want {
			t.Errorf("%q: got %q, want %q", credentials, got, want)
		}
	}
}
