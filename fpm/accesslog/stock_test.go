package accesslog

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/fpm/scoreboard"
	"github.com/phpsapi/phpsapi/test/serve"
	"github.com/phpsapi/phpsapi/test/stockfpm"
)

// zone is one with a name, half an hour and summer time.
const zone = "Australia/Adelaide"

func location(t testing.TB) *time.Location {
	t.Helper()
	where, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	return where
}

// A pool for each format, each with its own log.
func start(t *testing.T, formats []string, more string) *stockfpm.Server {
	t.Helper()
	conf := ""
	for i, f := range formats {
		if i > 0 {
			conf += fmt.Sprintf("[p%d]\nlisten = DIR/%d.sock\nclear_env = no\n", i, i)
			if os.Geteuid() == 0 {
				conf += "user = root\n"
			}
		}
		conf += fmt.Sprintf("pm = static\npm.max_children = 1\naccess.log = DIR/%d.log\naccess.format = '%s'\n%s", i, f, more)
	}
	return stockfpm.Start(t, conf, "TZ="+zone)
}

// lines is what the request makes stock php-fpm log, by format. The first
// pool's socket is there when Start returns, the others' too.
func lines(t *testing.T, s *stockfpm.Server, formats []string, body string, params ...string) []string {
	t.Helper()
	var all []string
	for i := range formats {
		name := fmt.Sprint(i, ".log")
		if i == 0 {
			s.Socket = s.Dir + "/fpm.sock"
		} else {
			s.Socket = fmt.Sprintf("%s/%d.sock", s.Dir, i)
		}
		before := len(s.Read(t, name))
		s.Do(t, body, params...)
		line := ""
		for range 100 {
			if line = s.Read(t, name)[before:]; line != "" {
				break
			}
			time.Sleep(time.Millisecond) // it may be logged after the response, or not at all
		}
		all = append(all, line)
	}
	return all
}

func TestCodesLikeStock(t *testing.T) {
	where := location(t)
	formats := []string{
		`%%|%l|%m|%n|%q|%Q|%r|%R|%s|%u|%f|%%%%`,
		`%{REQUEST_METHOD}e %{NOPE}e %{EMPTY}e [%{X-A}o] [%{x-a}o] [%{X-B}o] [%{Content-Type}o] [%{Content-type}o] [%{X-Powered-By}o] [%{A}o] [%{X}o]`,
		`%p %P %{a}{X-A}o %M %{bytes}M %{kilo}M %{KILObytes}M %{mega}M %{megabytes}M`,
		`x%`, `%`, `%q`, `%q %Q`, `abc`, `%{}d%{}t%{}C`,
		`%C %{total}C %{user}C %{System}C`,
		`%d %{seconds}d %{milliseconds}d %{milli}d %{miliseconds}d %{mili}d %{microseconds}d %{micro}d`,
		`%R - %u %t "%m %r" %s`,
		`%t %T %{%Y-%m-%d}t %{%H:%M}T %{}t %{no}t`,
	}
	stock := start(t, formats, "")
	script := stock.Write(t, "a.php", `<?php header("X-A: one"); header("X-B:  "); header("X-C:three"); header("A-X: A"); header("x-a: two", false);
		http_response_code(418); $x = str_repeat("x", 5000000); usleep(2000);`)
	requests := [][]string{
		{"REQUEST_METHOD", "GET", "SCRIPT_NAME", "/a.php", "QUERY_STRING", "a=b&c", "SCRIPT_FILENAME", script, "EMPTY", "",
			"HTTP_AUTHORIZATION", "Basic bWU6eA=="},
		{"REQUEST_METHOD", "POST", "SCRIPT_NAME", "/a.php", "CONTENT_LENGTH", "4", "SCRIPT_FILENAME", script},
		{"REQUEST_METHOD", "GET", "SCRIPT_NAME", "/none.php", "SCRIPT_FILENAME", stock.Dir + "/none.php"},
		{"REQUEST_METHOD", strings.Repeat("M", 40), "SCRIPT_NAME", "/" + strings.Repeat("r", 200), "QUERY_STRING", strings.Repeat("q", 600), "SCRIPT_FILENAME", script},
	}
	for n, params := range requests {
		body := ""
		if n == 1 {
			body = "body"
		}
		for i, want := range lines(t, stock, formats, body, params...) {
			get := map[string]string{}
			for j := 0; j < len(params); j += 2 {
				get[params[j]] = params[j+1]
			}
			e := Entry{Status: 418, Memory: 2 << 20, Accepted: time.Now().Unix(), Logged: time.Now().Unix(),
				Param: func(name string) []byte {
					if v, ok := get[name]; ok {
						return []byte(v)
					}
					return nil
				},
				Headers: [][]byte{[]byte("X-Powered-By: PHP/8.2.36"), []byte("X-A: one"), []byte("X-B: "), []byte("X-C:three"), []byte("A-X: A"), []byte("x-a: two")}}
			e.Request = scoreboard.Request{Method: []byte(get["REQUEST_METHOD"]), URI: []byte(get["SCRIPT_NAME"]), Query: []byte(get["QUERY_STRING"]),
				Script: []byte(script), ContentLength: uint64(len(body))}
			if get["HTTP_AUTHORIZATION"] != "" {
				e.User = []byte("me")
			}
			if n == 2 {
				e.Script, e.Status, e.Headers = nil, 404, [][]byte{[]byte("X-Powered-By: PHP/8.2.36"), []byte("Content-type: text/html; charset=UTF-8")}
			}
			pool := fmt.Sprint("p", i)
			if i == 0 {
				pool = "www"
			}
			f, err := Parse(formats[i])
			if err != nil {
				t.Fatal(err)
			}
			l := New(f, Options{Pool: pool, Pid: 7, MasterPid: stock.Pid, Location: where})
			line, _ := l.Line(&e)
			if got := string(line); normal(got, formats[i]) != normal(want, formats[i]) {
				t.Errorf("request %d, %s:\ngot  %q\nwant %q", n, formats[i], normal(got, formats[i]), normal(want, formats[i]))
			}
		}
	}
}

// normal replaces what differs from run to run, but leaves its form.
func normal(line, format string) string {
	line = regexp.MustCompile(`PHP/\d+\.\d+\.\d+`).ReplaceAllString(line, "PHP")
	line = regexp.MustCompile(`:\d\d:\d\d `).ReplaceAllString(line, ":MM:SS ") // of a time
	line = regexp.MustCompile(`\d\d:\d\d$`).ReplaceAllString(line, "HH:MM")
	switch {
	case strings.Contains(format, "%p"):
		line = regexp.MustCompile(`^\d+`).ReplaceAllString(line, "N")
		line = regexp.MustCompile(`\b\d{7}\b`).ReplaceAllString(line, "BYTES")
		line = regexp.MustCompile(`BYTES BYTES \d{4} \d{4} \d \d`).ReplaceAllString(line, "MEMORY")
	case strings.HasPrefix(format, "%C"), strings.HasPrefix(format, "%d"), strings.HasPrefix(format, "%{}d"):
		line = regexp.MustCompile(`-?nan|\d+\.\d`).ReplaceAllString(line, "1.0")
		line = regexp.MustCompile(`\d+`).ReplaceAllStringFunc(line, func(s string) string { return strings.Repeat("N", min(len(s), 2)) })
		line = strings.ReplaceAll(line, "NN", "N")
	}
	return line
}

// Line lengths around the limit, cut within texts, values and codes.
func TestTruncatedLikeStock(t *testing.T) {
	var formats []string
	for _, tail := range []string{"", "b", "%Q", "%%", "%m", "%m%m", "%mb", "%q", "%", "%qx%q", "%{NOPE}o"} {
		for n := 1019; n <= 1025; n++ {
			formats = append(formats, strings.Repeat("a", n)+tail)
		}
	}
	formats = append(formats, "%{LONG}e", "%{LONG}eb", strings.Repeat("%%", 1024), strings.Repeat("%%", 1023)+"%q", "a%{LONG}e")
	stock := start(t, formats, "catch_workers_output = yes\n")
	expected, logged := map[string]bool{}, [][]string{}
	long := strings.Repeat("x", 5000)
	for i, want := range lines(t, stock, formats, "", "REQUEST_METHOD", "GET", "SCRIPT_NAME", "/x", "QUERY_STRING", "", "LONG", long) {
		f, err := Parse(formats[i])
		if err != nil {
			t.Fatal(err)
		}
		e := Entry{Status: 404, Param: func(name string) []byte { return []byte(long) }}
		e.Method, e.URI = []byte("GET"), []byte("/x")
		line, truncated := New(f, Options{}).Line(&e)
		if got := string(line); got != strings.ReplaceAll(want, "\x00", "") {
			t.Errorf("%d a's and %q: got %d bytes, ...%q, want %d, ...%q", strings.Count(formats[i], "a"), strings.Trim(formats[i], "a"),
				len(got), got[max(0, len(got)-8):], len(want), want[max(0, len(want)-8):])
		}
		if truncated {
			pool := fmt.Sprintf("[pool p%d] ", i)
			if i == 0 {
				pool = "[pool www] "
			}
			expected[pool] = true
		}
	}
	for range 300 { // the notices go through the master
		if logged = regexp.MustCompile(`(\[pool \w+\] ).*`+regexp.QuoteMeta(TruncatedNotice)).FindAllStringSubmatch(stock.Read(t, "error.log"), -1); len(logged) >= len(expected) {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	for _, l := range logged {
		if !expected[l[1]] {
			t.Errorf("php-fpm truncated %s", l[0])
		}
	}
	if len(logged) != len(expected) {
		t.Errorf("php-fpm truncated %d lines, want %d", len(logged), len(expected))
	}
}

// TestStrftimeLikeLibc compares with date(1)'s model, strftime(3), through
// php-fpm: all letters, with all flags and modifiers.
func TestStrftimeLikeLibc(t *testing.T) {
	where := location(t)
	var pieces []string
	for _, letter := range "aAbBcCdDeEfFgGhHiIjJkKlLmMnNoOpPqQrRtTuUvVwWxXyYzZ%+!" {
		for _, flags := range []string{"", "_", "-", "0", "^", "#", "+", "10", "_10", "-10", "010", "^10", "#10", "_-3", "0_3", "1", "E", "O", "5O", "^E"} {
			pieces = append(pieces, "%"+flags+string(letter))
		}
	}
	var formats []string
	inBraces := regexp.MustCompile(`[{}]`)
	format := ""
	for _, p := range pieces {
		if !inBraces.MatchString(p) {
			format += "%{" + p + "}t|"
		}
		if len(format) > 500 {
			formats = append(formats, format)
			format = ""
		}
	}
	formats = append(formats, format, "%{%}t|%{a%}t|%{%E}t|%{%-}t|%{%10}t|", "%{%s}t")
	stock := start(t, formats, "")
	before := time.Now().Unix()
	all := lines(t, stock, formats, "", "REQUEST_METHOD", "GET", "SCRIPT_NAME", "/x")
	for i, want := range all {
		f, err := Parse(formats[i])
		if err != nil {
			t.Fatal(err)
		}
		ok := false
		got := ""
		for at := before; at <= time.Now().Unix() && !ok; at++ { // which second it was
			line, _ := New(f, Options{Location: where}).Line(&Entry{Accepted: at})
			got = string(line)
			ok = got == want
		}
		if !ok {
			g, w, all := strings.Split(got, "|"), strings.Split(want, "|"), strings.Split(formats[i], "|")
			for j := range min(len(g), len(w), len(all)) {
				if g[j] != w[j] {
					t.Errorf("%s: got %q, want %q", all[j], g[j], w[j])
				}
			}
			if len(g) != len(w) {
				t.Errorf("%s: got %q, want %q", formats[i], got, want)
			}
		}
	}
}

// Days of several years, against the same strftime(3).
func TestDatesLikeLibc(t *testing.T) {
	stockfpm.Find(t)
	php := serve.Stock().CLI
	where := location(t)
	const format = "%a %b %d %e %g %G %H %I %j %k %l %p %u %U %V %w %W %y %Y %C %z %Z %s"
	cmd := exec.Command(php, "-n", "-r", `error_reporting(0); date_default_timezone_set("`+zone+`"); for ($t = 0; $t < 4e9; $t += 1e6 + 54321) echo $t, "|", strftime($argv[1], $t), "\n";`, format)
	cmd.Env = []string{"TZ=" + zone, "LC_ALL=C"}
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for line := range strings.Lines(string(out)) {
		at, want, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "|")
		epoch, _ := strconv.ParseInt(at, 10, 64)
		got := string(appendStrftime(nil, format, time.Unix(epoch, 0).In(where)))
		if got != want {
			t.Fatalf("%d: got\n%s, want\n%s", epoch, got, want)
		}
		n++
	}
	if n < 3000 {
		t.Errorf("compared %d days only", n)
	}
}

func TestSuppressedLikeStock(t *testing.T) {
	formats := []string{"%m %r%Q%q %s"}
	stock := start(t, formats, "access.suppress_path[] = /a.php\naccess.suppress_path[] = /b.php\n")
	for _, status := range []int{200, 204, 299, 300, 199, 404} {
		script := stock.Write(t, "a.php", fmt.Sprintf("<?php http_response_code(%d);", status))
		for _, c := range []struct{ method, uri, query, body string }{
			{"GET", "/a.php", "", ""}, {"HEAD", "/b.php", "", ""}, {"POST", "/a.php", "", ""}, {"GET", "/a.php", "x", ""}, {"GET", "/a.php", "", "x"},
			{"get", "/a.php", "", ""}, {"GET", "/a.phpx", "", ""}, {"GET", "/a.ph", "", ""},
		} {
			want := lines(t, stock, formats, c.body, "REQUEST_METHOD", c.method, "SCRIPT_NAME", c.uri, "QUERY_STRING", c.query, "SCRIPT_FILENAME", script,
				"CONTENT_LENGTH", fmt.Sprint(len(c.body)))[0]
			f, _ := Parse(formats[0])
			e := Entry{Status: status}
			e.Method, e.URI, e.Query, e.ContentLength = []byte(c.method), []byte(c.uri), []byte(c.query), uint64(len(c.body))
			line, _ := New(f, Options{Suppress: []string{"/a.php", "/b.php"}}).Line(&e)
			if string(line) != want {
				t.Errorf("%+v, %d: got %q, want %q", c, status, line, want)
			}
		}
	}
}
