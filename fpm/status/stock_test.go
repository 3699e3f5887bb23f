package status

import (
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/fpm/scoreboard"
	"github.com/phpsapi/phpsapi/sapi"
	"github.com/phpsapi/phpsapi/test/boards"
	knownfaults "github.com/phpsapi/phpsapi/test/stock"
	"github.com/phpsapi/phpsapi/test/stockfpm"
)

var stockDefaults = Defaults{PoweredBy: "PHP/8.2.36", Mimetype: "text/html", Charset: "UTF-8"}

// response is a page as it comes on STDOUT.
func response(p Page, d Defaults) string {
	status := ""
	if p.Status != 200 {
		status = fmt.Sprintf("Status: %d\r\n", p.Status)
	}
	return status + strings.Join(p.Lines(d), "\r\n") + "\r\n\r\n" + string(p.Body)
}

// normal replaces what differs from run to run.
func normal(s string) string {
	for _, r := range []struct{ pattern, with string }{
		{`PHP/\d+\.\d+\.\d+`, "PHP"},
		{`\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d \+0000`, "DATE"},
		{`(?i)((?:start[ -](?:time|since)|accepted[ -]conn|requests|request[ -]duration|max[ -]active[ -]processes|pid)(?:: +|>|":|</th><td>))\d+`, "${1}N"},
		{`(?i)(last[ -]request[ -]cpu(?:: +|>|":|</th><td>))[\d.]+`, "${1}N"}, // a clock tick may fall into the request
		{`<td>\d+\.\d\d</td>`, "<td>N</td>"},
		{`(phpfpm_\w*cpu\w*(?:\{[^}]*\})?) [\d.]+`, "$1 N"},
		{`(phpfpm_(?:start_since|accepted_connections|max_active_processes)) \d+`, "$1 N"},
		{`<tr><td>\d+</td><td>([\w ]+)</td><td>DATE</td><td>\d+</td><td>\d+</td><td>\d+</td>`, "<tr>$1"},
	} {
		s = regexp.MustCompile(r.pattern).ReplaceAllString(s, r.with)
	}
	return s
}

const pool = "pm = static\npm.max_children = 2\npm.status_path = /status\nping.path = /ping\n"

// settled is a page that is made when the request before is over.
var settled = regexp.MustCompile(`idle[ _-]processes(?:: +|>|":|</th><td>| )1\b`)

func TestPagesLikeStock(t *testing.T) {
	stock := stockfpm.Start(t, pool, "TZ=UTC")
	php := stockVersion(t)
	script := stock.Write(t, "w.php", "<?php")
	faulty := knownfaults.Status.In(t, stockfpm.Find(t))
	for _, before := range []struct{ uri, query string }{
		{"/w.php", ""}, {"/w.php", "a=b&c=<\"'>/\\"}, {"/w.php", "q=\u00e9\U0001f600"}, {"/w.php", "\xe9"}, {"/w.php", "a\xe2\x82b\xf0\x9f"},
		{"/w.php", "\x01\x02\t\x7f\u0085\ufffe\uffff"}, {"/w.php", strings.Repeat("\u20ac", 300)}, {"/" + strings.Repeat("x", 200), "a=b"},
		{"/w.php/<b>&amp;'\"", ""},
	} {
		for _, query := range []string{"", "full", "html", "html&full", "xml", "xml&full", "json", "json&full", "openmetrics", "openmetrics&full"} {
			if Choose(query, php).Format == Text && strings.Contains(before.query, "\x01") {
				continue // see TestControlCharactersStayInTheirLine
			}
			want := ""
			for i := 0; !settled.MatchString(want) || strings.Contains(want, "Running") && !strings.Contains(want, "PUT"); i++ {
				if i == 300 {
					t.Fatalf("php-fpm never showed %q: %s", before, want)
				}
				// This is one of the workers', the page the other's, with luck.
				stock.Get(t, before.uri, before.query, "SCRIPT_FILENAME", script, "HTTP_AUTHORIZATION", "Basic bWU6eA==", "CONTENT_LENGTH", "3", "REQUEST_METHOD", "PUT")
				time.Sleep(time.Duration(min(i, 50)) * 100 * time.Microsecond) // until it is idle
				want = stock.Get(t, "/status", query)
			}
			// The same on a scoreboard of ours.
			board, idle, running := workers(t, strings.Index(want, "Idle") > strings.Index(want, "Running"))
			idle.ReadingHeaders()
			idle.Info(&scoreboard.Request{Method: []byte("PUT"), URI: []byte(before.uri), Query: []byte(before.query), User: []byte("me"),
				Script: []byte(script), ContentLength: 3})
			idle.End(idle.Elapsed(), 0, 0, 2<<20)
			idle.Accepting()
			running.ReadingHeaders()
			running.Info(&scoreboard.Request{Method: []byte("GET"), URI: []byte("/status"), Query: []byte(query)})
			running.Executing()
			s, ok := Take(running.Reader, php)
			if !ok {
				t.Fatal("no scoreboard")
			}
			if Choose(query, php).Format == JSON && Choose(query, php).Full {
				right := `"script":"` + strings.ReplaceAll(script, "/", `\/`) + `"`
				if page := string(NewPage(s, Choose(query, php), false).Body); !strings.Contains(page, right) {
					t.Errorf("after %q ?%s: no %s in %s", before, query, right, page)
				}
				if faulty {
					want = strings.Replace(want, `"script":"`+script+`"`, right, 1)
				}
			}
			if got := response(NewPage(s, Choose(query, php), false), stockDefaults); normal(got) != normal(want) {
				t.Errorf("after %q ?%s:\ngot  %q\nwant %q", before, query, normal(got), normal(want))
			}
			board.Close()
		}
	}
}

// stockVersion is the machine's php-fpm's.
func stockVersion(t *testing.T) sapi.PHPVersion {
	return sapi.ParsePHPVersion(knownfaults.Version(t, stockfpm.Find(t)))
}

// workers is a board with two slots.
func workers(t *testing.T, swap bool) (b *scoreboard.Board, first, second *scoreboard.Slot) {
	b = boards.New(t, 2)
	b.Publish(scoreboard.Pool{Name: "www", PM: "static", StartEpoch: 1})
	var slots [2]*scoreboard.Slot
	for i := range slots {
		b.Occupy(i)
		b.SetPid(i, 70+i)
		var err error
		if slots[i], err = scoreboard.OpenSlot(int(b.File().Fd()), 2, i); err != nil {
			t.Fatal(err)
		}
		slots[i].Accepting()
	}
	if swap {
		return b, slots[1], slots[0]
	}
	return b, slots[0], slots[1]
}

func TestHeadAndPingLikeStock(t *testing.T) {
	php := stockVersion(t)
	stock := stockfpm.Start(t, pool+"ping.response = <pong>\nphp_admin_value[default_charset] = latin1\nphp_value[default_mimetype]=application/x\n")
	d := stockDefaults
	d.Charset, d.Mimetype = "latin1", "application/x"
	for _, c := range []struct {
		uri, query, method string
		page               Page
	}{
		{"/status", "json", "HEAD", NewPage(Snapshot{}, Choose("json", php), true)},
		{"/ping", "", "GET", Ping("<pong>", false)},
		{"/ping", "json", "POST", Ping("<pong>", false)},
		{"/ping", "", "HEAD", Ping("<pong>", true)},
	} {
		if got, want := response(c.page, d), stock.Get(t, c.uri, c.query, "REQUEST_METHOD", c.method); normal(got) != normal(want) {
			t.Errorf("%s %s\ngot  %q\nwant %q", c.method, c.uri, normal(got), normal(want))
		}
	}
}

// fullPage is a page with workers.
var fullPage = regexp.MustCompile(`request[ -]memory`)

func TestChoiceLikeStock(t *testing.T) {
	php := stockVersion(t)
	stock := stockfpm.Start(t, strings.Replace(pool, "= 2", "= 1", 1))
	queries := []string{"", "json", "JSON", "j", "jsonx", "xjson", "json=", "json=0", "json[]=1", "json[", "j[x", "[json", "[]", "xml&json", "json&xml",
		"json&html", "openmetrics&json", "o", "h", "x", "full", "f", "fu=l&j", "ful&xml", "&&json", "=json", "%6ason", "%6Ason", "%6", "j%00x", "+json",
		"json+", "j.s", "json.", "a=b&json", "a=json", "json;full", "json%26full", "full%20", "%5Bjson", "j%5b%5d", "x&html&full=0", "j=1&j=2", "\xff", "%j", "j%", "0", "full[a][b]=2"}
	rng := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		q := ""
		for range rng.IntN(6) {
			q += []string{"j", "json", "xml", "h", "tml", "open", "f", "ull", "&", "&", "=", "[", "]", "+", "%", "%20", "%5B", "%5d", ".", "%00", "_"}[rng.IntN(21)]
		}
		queries = append(queries, q)
	}
	for _, q := range queries {
		page := stock.Get(t, "/status", q)
		want := Choice{Format: Text, Full: fullPage.MatchString(page)}
		for f, ct := range []string{"text/html", "text/xml", "application/json", "application/openmetrics"} {
			if strings.Contains(page, ": "+ct) {
				want.Format = Format(f)
			}
		}
		got := Choose(q, php)
		if got.Format == OpenMetrics {
			got.Full = false
		}
		if got != want {
			t.Errorf("%q: got %+v, want %+v", q, got, want)
		}
	}
}

// The encoders against PHP's own functions, with the flags of fpm_status.c.
func TestEncodersLikePHP(t *testing.T) {
	stock := stockfpm.Start(t, pool)
	stock.Write(t, "e.php", `<?php foreach (explode("\n", file_get_contents("php://input")) as $h) { $s = hex2bin($h);
		echo bin2hex(htmlentities($s, ENT_DISALLOWED | ENT_XML1 | ENT_COMPAT, "UTF-8")), " ", bin2hex(substr(json_encode($s, JSON_INVALID_UTF8_IGNORE), 1, -1)), "\n"; }`)
	rng := rand.New(rand.NewPCG(3, 4))
	var texts, lines []string
	for c := range 256 {
		texts = append(texts, string([]byte{byte(c)}), string(rune(c)), string([]byte{'a', byte(c), '<'}))
	}
	for range 3000 {
		b := make([]byte, rng.IntN(12))
		for i := range b {
			b[i] = []byte("a<\"\x1f/\xe2\x82\xac\xf0\x9f\x98\x80\xc3\xa9\xed\xa0\x80\xf4\x90\xef\xbf\xbe\xbf\xc0\xff")[rng.IntN(25)]
		}
		texts = append(texts, string(b), string([]rune{rune(rng.IntN(0x110000)), rune(rng.IntN(0x10000))}))
	}
	for _, s := range texts {
		lines = append(lines, hex.EncodeToString([]byte(s)))
	}
	body := strings.Join(lines, "\n")
	_, out, _ := strings.Cut(stock.Do(t, body, "REQUEST_METHOD", "POST", "SCRIPT_NAME", "/e.php", "SCRIPT_FILENAME", stock.Dir+"/e.php",
		"CONTENT_TYPE", "application/octet-stream", "CONTENT_LENGTH", fmt.Sprint(len(body))), "\r\n\r\n")
	answers := strings.Split(strings.TrimSuffix(out, "\n"), "\n")
	if len(answers) != len(texts) {
		t.Fatalf("%d answers to %d texts: %.300s", len(answers), len(texts), out)
	}
	for i, s := range texts {
		if got := fmt.Sprintf("%x %x", appendSaidMarkup(nil, s), appendSaidJSON(nil, s)); got != answers[i] {
			t.Errorf("%q: got %s, want %s", s, got, answers[i])
		}
	}
}

func TestFunctionLikeStock(t *testing.T) {
	php := stockVersion(t)
	stock := stockfpm.Start(t, pool)
	stock.Write(t, "f.php", `<?php function show($a, $in) { foreach ($a as $k => $v) { echo $in, $k, " ", gettype($v), "\n"; if (is_array($v)) show($k === "procs" ? [$v[0]] : $v, "$in "); } }
		show(fpm_get_status(), "");`)
	// Stock's function dies by SIGSEGV while another child writes of itself: both must have come to rest.
	for !strings.Contains(stock.Get(t, "/status", ""), "idle processes:       1\n") {
		time.Sleep(10 * time.Millisecond)
	}
	_, want, _ := strings.Cut(stock.Get(t, "/f.php", ""), "\r\n\r\n")
	board, _, _ := workers(t, false)
	defer board.Close()
	s, _ := Take(board.Reader, php)
	got := ""
	var show func(list []Entry, in string)
	show = func(list []Entry, in string) {
		for _, e := range list {
			kind := map[string]string{"int64": "integer", "float64": "double", "string": "string"}[fmt.Sprintf("%T", e.Value)]
			if procs, ok := e.Value.([][]Entry); ok {
				got += in + e.Name + " array\n" + in + " 0 array\n"
				show(procs[0], in+"  ")
				continue
			}
			got += in + e.Name + " " + kind + "\n"
		}
	}
	show(s.Function(), "")
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestMain(m *testing.M) {
	os.Setenv("TZ", "UTC")
	os.Exit(m.Run())
}
