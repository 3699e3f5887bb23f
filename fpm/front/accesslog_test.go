package front

import (
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/test/files"
	"github.com/phpsapi/phpsapi/test/wait"
)

// logged is a request that has been answered.
func logged() *exchange {
	begun := time.Date(2026, 11, 22, 1, 2, 3, 0, time.FixedZone("", 3600))
	return &exchange{
		r: &http.Request{Method: "GET", RequestURI: "/a\"b?\x01é", Proto: "HTTP/1.1", Host: "example.org", Header: http.Header{
			"Referer": {"http://a/\\"}, "User-Agent": {"x \"y\"\n\xff"}, "Authorization": {"Basic bWU6c2VjcmV0"}}},
		remote: netip.MustParseAddrPort("192.0.2.1:99"), id: "id-1", status: 200, sent: 1234, begun: begun,
		asked: begun.Add(time.Millisecond), answered: begun.Add(3 * time.Millisecond),
		pool: &pool{FrontPool: contract.FrontPool{Name: "www"}},
	}
}

// No line is lost or torn when the log is reopened, or at the end.
func TestAccessLogIsReopened(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	open := func(name string) *os.File {
		file, err := os.OpenFile(filepath.Join(dir, name), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
		if err != nil {
			t.Fatal(err)
		}
		return file
	}
	l := newAccessLog(open("1"), "combined", func(err error) { t.Error(err) })
	x := logged()
	done := make(chan bool)
	const each = 5000
	for range 4 {
		go func() {
			for range each {
				l.write(x)
			}
			done <- true
		}()
	}
	for i := range 4 {
		l.reopen(open(string(rune('2' + i))))
		<-done
	}
	l.close()
	lines := 0
	for i := range 5 {
		for line := range strings.Lines(files.Read(t, filepath.Join(dir, string(rune('1'+i))))) {
			if !strings.HasPrefix(line, "192.0.2.1 - me [") || !strings.HasSuffix(line, "\"\n") {
				t.Fatalf("a torn line: %q", line)
			}
			lines++
		}
	}
	if lines != 4*each {
		t.Errorf("%d lines, want %d", lines, 4*each)
	}
}

func TestLinesDoNotWaitForOthers(t *testing.T) {
	t.Parallel()
	f := start(t, orders(t, map[string]string{"a.txt": "a"}, nil))
	f.get(t, "/a.txt", "User-Agent: me")
	wait.Until(t, "the line", func() bool {
		return strings.HasSuffix(files.Read(t, f.accessed), "\"GET /a.txt HTTP/1.1\" 200 1 \"-\" \"me\"\n")
	})
}

func TestUnwritableLogIsReportedOnce(t *testing.T) {
	t.Parallel()
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip(err)
	}
	reports := 0
	l := newAccessLog(full, "json", func(error) { reports++ })
	for range 3 {
		l.write(logged())
		l.close()
	}
	if reports != 1 {
		t.Errorf("reported %d times", reports)
	}
}
