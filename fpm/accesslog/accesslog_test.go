package accesslog

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

func TestParseObjects(t *testing.T) {
	for format, want := range map[string]string{
		`%`: "", `%%`: "", ``: "", `%{a}{b}e`: "", `%{}d`: "", `%{%d}t`: "", `%{mili}d`: "", `%{USER}C`: "",
		`%x`:       "Invalid token in the access.format (%x)",
		"%\xff":    "Invalid token in the access.format (%\xff)",
		`%e`:       "the name of the environment variable must be set between embraces for %e",
		`%{}o`:     "the name of the header must be set between embraces for %o",
		`%{x`:      "missing closing embrace in the access.format",
		`%{x}`:     "missing closing embrace in the access.format",
		`%{x}f`:    "embrace is not allowed for modifier %f",
		`%{x}%`:    "embrace is not allowed for modifier %%",
		`%{no}C`:   "only 'total', 'user' or 'system' are allowed as a modifier for %C ('no')",
		`%{no}d`:   "only 'seconds', 'milli', 'milliseconds', 'micro' or 'microseconds' are allowed as a modifier for %d ('no')",
		`%{giga}M`: "only 'bytes', 'kilo', 'kilobytes', 'mega' or 'megabytes' are allowed as a modifier for %M ('giga')",
	} {
		got := ""
		if _, err := Parse(format); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", format, got, want)
		}
	}
}

var param = []byte("p")

func entry() *Entry {
	e := &Entry{Status: 200, Accepted: 1, Logged: 2, Duration: 1234567890, CPUUser: time.Second, CPUSystem: 234567890, Memory: 3 << 20,
		RemoteAddr: []byte("192.0.2.1"), Headers: [][]byte{[]byte("X-Y: z")}, Param: func(string) []byte { return param }}
	e.Method, e.URI, e.Query, e.User, e.Script, e.ContentLength = []byte("GET"), []byte("/u"), []byte("q=1"), []byte("me"), []byte("/s.php"), 5
	return e
}

func line(t testing.TB, format string, e *Entry) string {
	t.Helper()
	f, err := Parse(format)
	if err != nil {
		t.Fatal(err)
	}
	b, _ := New(f, Options{Pool: "www", Pid: 7, MasterPid: 1, Location: time.UTC}).Line(e)
	return string(b)
}

func TestValues(t *testing.T) {
	for format, want := range map[string]string{
		"%C %{user}C %{system}C": "100.00 81.00 19.00",
		"%d %{milli}d %{micro}d": "1.235 1234.567 1234567",
		"%M %{kilo}M %{mega}M":   "3145728 3072 3",
		"%R %p %P %n":            "192.0.2.1 7 1 www",
		"%t|%{%s}T|%T":           "01/Jan/1970:00:00:01 +0000|2|01/Jan/1970:00:00:02 +0000",
	} {
		if got := line(t, format, entry()); got != want+"\n" {
			t.Errorf("%s: got %q, want %q", format, got, want)
		}
	}
	if got := line(t, "%C %d %{x}e %f", &Entry{}); got != "0.00 0.000 - -\n" {
		t.Errorf("of nothing: got %q", got)
	}
}

func TestEachLineTellsItsOwnTime(t *testing.T) {
	f, err := Parse("%{%s}t %{%s}T")
	if err != nil {
		t.Fatal(err)
	}
	l := New(f, Options{})
	for _, want := range []string{"5 6\n", "5 7\n", "6 7\n", "0 0\n", "0 0\n"} {
		e := &Entry{Accepted: int64(want[0] - '0'), Logged: int64(want[2] - '0')}
		if line, _ := l.Line(e); string(line) != want {
			t.Errorf("got %q, want %q", line, want)
		}
	}
}

// A URI that a server decoded may hold a line end, and so another request's line.
func TestLineEndInURIStaysInItsLine(t *testing.T) {
	e := entry()
	e.URI, e.User, e.Headers = []byte("/x\n127.0.0.1 - root"), []byte("\x1b[2J"), [][]byte{[]byte("X-Y: a\rb\x7f\tc")}
	e.Param = func(string) []byte { return []byte("\n") }
	if got := line(t, "%r %u %{X-Y}o %{E}e", e); got != `/x\x0a127.0.0.1 - root \x1b[2J a\x0db\x7f\x09c \x0a`+"\n" {
		t.Errorf("got %q", got)
	}
}

// Since 8.5 lines are cut at log_limit.
func TestLineIsAsLongAsLogLimit(t *testing.T) {
	f, err := Parse("%r%Q%q %{E}e end")
	if err != nil {
		t.Fatal(err)
	}
	e := entry()
	e.URI, e.Query, e.Long = bytes.Repeat([]byte("u"), 600), bytes.Repeat([]byte("q"), 2100), true
	e.Param = func(string) []byte { return bytes.Repeat([]byte("e"), 5000) }
	whole := strings.Repeat("u", 511) + "?" + strings.Repeat("q", 2047) + " " + strings.Repeat("e", 5000) + " end"
	for _, limit := range []int{512, 1024, 3000, len(whole), len(whole) + 1} {
		want := whole
		if limit <= len(whole) {
			want = whole[:limit-4] + "..."
		}
		l := New(f, Options{LogLimit: limit})
		for range 2 {
			if line, truncated := l.Line(e); string(line) != want+"\n" || truncated {
				t.Errorf("log_limit %d: a line of %d bytes, want %d (%v)", limit, len(line), len(want)+1, truncated)
			}
		}
	}
}

const every = `%% %C %{user}C %{system}C %d %{milli}d %{micro}d %{E}e %f %l %m %M %{kilo}M %n %{X-Y}o %p %P %q %Q %r %R %s %t %{%c %z %10Y}T %u`

func TestLineDoesNotAllocate(t *testing.T) {
	f, err := Parse(every)
	if err != nil {
		t.Fatal(err)
	}
	l, e := New(f, Options{Pool: "www", Suppress: []string{"/x"}}), entry()
	e.Param = func(string) []byte { return e.URI }
	l.Line(e)
	if n := testing.AllocsPerRun(100, func() { e.Accepted++; l.Line(e) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkLine(b *testing.B) {
	for name, format := range map[string]string{"default": `%R - %u %t "%m %r" %s`, "every": every} {
		b.Run(name, func(b *testing.B) {
			f, _ := Parse(format)
			l, e := New(f, Options{Pool: "www"}), entry()
			b.ReportAllocs()
			for b.Loop() {
				l.Line(e)
			}
		})
	}
}

// Whatever is parsed makes a line, and one line only.
func FuzzAccessFormat(f *testing.F) {
	for _, s := range []string{every, `%`, `%{`, `%{a}`, `%{}{b}e`, `%{%99999999999d}t`, `%{%Ey%O%-^#_+0}t`, strings.Repeat("%r", 600), "%{\x00}o%{a\x00b}t"} {
		f.Add(s, []byte("/\n\x00\xff"))
	}
	f.Fuzz(func(t *testing.T, format string, said []byte) {
		parsed, err := Parse(format)
		if err != nil {
			return
		}
		e := entry()
		e.URI, e.Query, e.User, e.Method, e.Script = said, said, said, said, said
		e.Headers, e.Param = [][]byte{said, append([]byte("X: "), said...)}, func(string) []byte { return said }
		line, _ := New(parsed, Options{Location: time.UTC}).Line(e)
		if len(line) > limit+1 || len(line) > 0 && line[len(line)-1] != '\n' {
			t.Errorf("%q: line of %d bytes, %q", format, len(line), line)
		}
		if !strings.ContainsAny(format, "\n") && !strings.Contains(format, "%") && bytes.Count(line, []byte("\n")) > 1 {
			t.Errorf("%q: more than a line: %q", format, line)
		}
	})
}
