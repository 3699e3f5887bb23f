package status

import (
	"encoding/json"
	"encoding/xml"
	"io"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/phpsapi/phpsapi/fpm/scoreboard"
)

// hostile is a snapshot whose every text is an attack on some format.
func hostile(text string) Snapshot {
	s := Snapshot{Epoch: 100, Mono: 1e9, Procs: []scoreboard.Proc{
		{Pid: 7, Stage: scoreboard.Executing, Accepted: 2e9, Method: text, URI: text, Query: text, User: text, Script: text, StartEpoch: 1 << 62},
		{Pid: -1, Stage: scoreboard.Accepting, Duration: -5, CPUUser: -7, URI: text},
	}}
	s.Pool = scoreboard.Pool{Name: text, PM: "static", StartEpoch: -1 << 62}
	return s
}

var attacks = []string{`</td><script>alert(1)</script>`, `","x":"`, "a\nslow requests: 0", "\xff\xfe\x00", "]]>", `\`, "\u2028", "\x1b[2J", "\ud7ff\ufffe"}

func TestPagesParseWhateverTheyShow(t *testing.T) {
	for _, a := range attacks {
		s := hostile(a)
		body := func(query string) []byte { return NewPage(s, Choose(query, s.PHP), false).Body }
		var into struct {
			Pool      string
			Processes []map[string]any
		}
		if err := json.Unmarshal(body("json&full"), &into); err != nil || len(into.Processes) != 2 {
			t.Errorf("%q: json: %v: %s", a, err, body("json&full"))
		}
		if utf8.ValidString(a) && (into.Pool != a || into.Processes[0]["script"] != a || into.Processes[0]["request uri"] != a+"?"+a) {
			t.Errorf("%q: json shows %v", a, into)
		}
		for _, q := range []string{"xml&full", "html&full"} {
			names := map[string]int{}
			d := xml.NewDecoder(strings.NewReader(string(body(q))))
			for {
				token, err := d.Token()
				if err == io.EOF {
					break
				}
				if err != nil {
					t.Fatalf("%q: %s: %v", a, q, err)
				}
				if start, ok := token.(xml.StartElement); ok {
					names[start.Name.Local]++
				}
			}
			if names["script"] > 2 || q == "xml&full" && names["process"] != 2 {
				t.Errorf("%q: %s has elements %v", a, q, names)
			}
		}
		if n := strings.Count(string(body("full")), "\n"); n != 14+2*(13+2) {
			t.Errorf("%q: text has %d lines: %s", a, n, body("full"))
		}
		if n := strings.Count(string(body("openmetrics")), "\n"); n != 12*3+1 {
			t.Errorf("%q: openmetrics has %d lines", a, n)
		}
	}
}

func TestControlCharactersStayInTheirLine(t *testing.T) {
	if got := string(appendPlain(nil, "/a\n\x7f\xc3\xa9\xff")); got != "/a\\x0a\\x7f\u00e9\xff" {
		t.Errorf("got %q", got)
	}
}

func TestDurationAndCPU(t *testing.T) {
	s := Snapshot{Mono: 5_000_000_999}
	for _, c := range []struct {
		p        scoreboard.Proc
		duration int64
		cpu      float64
		memory   uint64
	}{
		{scoreboard.Proc{Memory: 9}, 0, 0, 0},
		{scoreboard.Proc{Stage: scoreboard.Accepting, Memory: 9}, 0, 0, 9},
		{scoreboard.Proc{Stage: scoreboard.Accepting, Duration: 20 * time.Millisecond, CPUUser: 7 * time.Millisecond, CPUSystem: 3 * time.Millisecond}, 20000, 50, 0},
		{scoreboard.Proc{Stage: scoreboard.Executing, Accepted: 4_000_000_000, Duration: 20, CPUUser: 7, Memory: 9}, 1000000, 0, 0},
		{scoreboard.Proc{Stage: scoreboard.Finished, Accepted: 6_000_000_000}, 0, 0, 0},
	} {
		if d, share, m := s.duration(&c.p), cpu(&c.p), memory(&c.p); d != c.duration || share != c.cpu || m != c.memory {
			t.Errorf("%+v: duration %d, cpu %v, memory %d; want %d, %v, %d", c.p, d, share, m, c.duration, c.cpu, c.memory)
		}
	}
}

// A pool behind the HTTP front has its queue on the page for Prometheus; others have php-fpm's page.
func TestHTTPQueueIsAMetric(t *testing.T) {
	s := Snapshot{}
	s.Pool = scoreboard.Pool{Name: "www", PM: "static", HTTP: true, HTTPQueue: 28, MaxHTTPQueue: 30, HTTPRefused: 4}
	with := string(s.openmetrics())
	for _, line := range []string{"phpfpm_http_queue 28\n", "phpfpm_max_http_queue 30\n", "phpfpm_http_refused 4\n"} {
		if strings.Count(with, "\n"+line) != 1 {
			t.Errorf("no line %q in\n%s", line, with)
		}
	}
	if !strings.HasSuffix(with, "\n# EOF\n") {
		t.Errorf("the end is missing:\n%s", with)
	}
	s.Pool.HTTP = false
	if without := string(s.openmetrics()); strings.Contains(without, "http") {
		t.Errorf("a pool without HTTP has\n%s", without)
	}
}

func TestFailure(t *testing.T) {
	want := "Status: 500\r\nContent-type: text/plain;charset=UTF-8\r\n" + expires + "\r\n" + cacheControl + "\r\n\r\nInternal error. Please review log file for errors."
	if got := response(Failure(), Defaults{Mimetype: "text/html", Charset: "UTF-8"}); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
