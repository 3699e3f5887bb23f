package incident

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/phpsapi/phpsapi/fpm/scoreboard"
)

func TestReportsAreRead(t *testing.T) {
	for text, want := range map[string]Report{
		"": {},
		"S 11 1 0x10 0\nP strlen() /srv/x.php:3\nP {main}, or a file that is included /srv/x.php:9\nC libc.so.6 kill+0x7\n": {Signal: 11, Address: "0x10",
			PHP: []string{"strlen() /srv/x.php:3", "{main}, or a file that is included /srv/x.php:9"}, C: []string{"libc.so.6 kill+0x7"}},
		"S 6 -6 0x0 417\n":                      {Signal: 6, Sender: 417},
		"E\nP exit() /srv/x.php:3\nP cut off":   {Exited: true, PHP: []string{"exit() /srv/x.php:3"}},
		"S 11\nS x 1 0x10 0\nS 11 1 16z 0\nZ\n": {},
		"S 999 1 0x10 0\nS 11 1 0x10 -4\n":      {},
		"P \x1b[2J\u009b1mred\xff\t\u202egnp\n": {PHP: []string{".[2J.1mred...gnp"}},
		"S 11 1 0x10 0\nS 9 1 0x20 3\nP\nC a\n": {Signal: 11, Address: "0x10", PHP: []string{""}, C: []string{"a"}},
	} {
		if got := ParseReport(text); !reflect.DeepEqual(got, want) {
			t.Errorf("%q: got %+v, want %+v", text, got, want)
		}
	}
}

func FuzzParseReport(f *testing.F) {
	f.Add("S 11 1 0x10 0\nP strlen() /srv/x.php:3\nC libc.so.6 kill+0x7\n")
	f.Add("S 6 -6 0x0 417\nE\n")
	f.Add(strings.Repeat("P \xff\n", 100) + strings.Repeat("C "+strings.Repeat("\u4e2d", 600)+"\n", 100))
	f.Fuzz(func(t *testing.T, text string) {
		r := ParseReport(text)
		if len(r.PHP) > maxPHP || len(r.C) > maxC || r.Signal < 0 || r.Signal > 255 || r.Sender < 0 {
			t.Fatalf("%q: out of bounds: %+v", text, r)
		}
		for _, frame := range append(r.PHP, r.C...) {
			if len(frame) > maxFrame || !utf8.ValidString(frame) || strings.ContainsAny(frame, "\n\r\x1b\x00\u0085\u2028") {
				t.Fatalf("%q has the frame %q", text, frame)
			}
		}
		line := (&Incident{PHPStack: r.PHP, CStack: r.C, Address: r.Address}).Line()
		if !json.Valid(line) || bytes.Count(line, []byte("\n")) != 1 {
			t.Fatalf("%q is not a line: %q", text, line)
		}
	})
}

func TestLinesAreJSON(t *testing.T) {
	code, took := 3, Seconds(1500*time.Millisecond+time.Microsecond)
	i := &Incident{Number: 7, Time: Stamp(time.Date(2026, 11, 27, 12, 0, 1, 5e6, time.UTC)), Kind: Exit, What: "exited with code 3", Pool: "www",
		Generation: 1, Engine: "8.2", Pid: 417, Age: Seconds(-1), Method: "GET", Host: "example.org", URI: Clean("/a?\"\n<\x00"), Script: "/srv/a.php",
		Duration: &took, Client: GotClosed, ExitCode: &code, PHPStack: []string{"exit() /srv/a.php:3"}}
	const want = `{"number":7,"time":"2026-11-27T12:00:01.005Z","kind":"exit","what":"exited with code 3","pool":"www","generation":1,"engine":"8.2",` +
		`"pid":417,"age":0,"method":"GET","host":"example.org","uri":"/a?\".\u003c.","script":"/srv/a.php","duration":1.500001,` +
		`"client":"closed","exit_code":3,"php_stack":["exit() /srv/a.php:3"]}` + "\n"
	if got := string(i.Line()); got != want {
		t.Errorf("got  %swant %s", got, want)
	}
}

func TestCleanIsBounded(t *testing.T) {
	for text, want := range map[string]string{
		strings.Repeat("x", 2000):                 strings.Repeat("x", maxText),
		strings.Repeat("\xff", 2000):              strings.Repeat(".", maxText),
		strings.Repeat("\u4e2d", 400) + "x":       strings.Repeat("\u4e2d", maxText/3) + ".",
		"a b\u00a0c\u200bd\ufeff\ue000\U0001f600": "a b.c.d..\U0001f600",
	} {
		if got := Clean(text); got != want {
			t.Errorf("%.20q...: got %d bytes, %.40q...%q, want %d", text, len(got), got, got[max(len(got)-5, 0):], len(want))
		}
	}
}

func TestRingRemembersTheLastOnes(t *testing.T) {
	var r Ring
	if got := r.Last(0, ""); got == nil || len(got) != 0 {
		t.Errorf("an empty one has %v", got)
	}
	for i := range 1000 {
		r.Add(&Incident{Number: uint64(i + 1), Pool: []string{"www", "shop"}[i%2]})
	}
	numbers := func(n int, pool string) string {
		var all []string
		for _, i := range r.Last(n, pool) {
			all = append(all, fmt.Sprint(i.Number))
		}
		return strings.Join(all, " ")
	}
	if got := numbers(3, ""); got != "998 999 1000" {
		t.Errorf("the last three: %s", got)
	}
	if got := numbers(2, "www"); got != "997 999" {
		t.Errorf("the last two of a pool: %s", got)
	}
	if got := r.Last(0, ""); len(got) != MaxKept || got[0].Number != 1000-MaxKept+1 {
		t.Errorf("%d are kept, from %d on", len(got), got[0].Number)
	}
	if got := r.Last(0, "other"); got == nil || len(got) != 0 {
		t.Errorf("of no pool: %v", got)
	}
	large := strings.Repeat("x", maxFrame)
	for i := range 1000 {
		one := &Incident{Number: uint64(i)}
		for range maxPHP {
			one.PHPStack = append(one.PHPStack, large)
		}
		r.Add(one)
	}
	if got := len(r.Last(0, "")) * maxPHP * maxFrame; got > maxBytes || got < maxBytes/2 {
		t.Errorf("large ones take %d bytes", got)
	}
}

func TestScriptsThatKillAgainAreNamed(t *testing.T) {
	var k Killers
	now := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	said := 0
	for i := range 12 { // one every two minutes: five of them within ten
		n, news := k.Count("www", "/x.php", now)
		if want := min(i+1, 5); n != want {
			t.Errorf("the %dth is number %d of ten minutes, want %d", i+1, n, want)
		}
		if news {
			said++
		}
		now = now.Add(2 * time.Minute)
	}
	if said != 2 { // the fifth, and the tenth
		t.Errorf("it was news %d times in 24 minutes", said)
	}
	k.Count("www", "/y.php", now)
	k.Count("www", "/y.php", now)
	k.Count("shop", "/y.php", now)
	for range 7 {
		k.Count("www", "/z.php", now)
	}
	got := fmt.Sprint(k.Repeated("", now))
	if want := fmt.Sprintf("[{www /z.php 7 %[1]s} {www /x.php 4 2026-11-27T12:22:00.000Z} {www /y.php 2 %[1]s}]", Stamp(now)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got := k.Repeated("shop", now); len(got) != 0 {
		t.Errorf("of a pool: %v", got)
	}
	if got := k.Repeated("", now.Add(Window)); len(got) != 0 {
		t.Errorf("later: %v", got)
	}
}

// Scripts are named by workers, which may name any number.
func TestScriptsThatKillAreBounded(t *testing.T) {
	var k Killers
	now := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	for i := range 5000 {
		k.Count("www", "/known.php", now)
		k.Count("www", fmt.Sprint(i), now)
		now = now.Add(time.Millisecond)
	}
	if n := len(k.scripts); n > maxScripts {
		t.Errorf("%d are counted", n)
	}
	if got := k.Repeated("", now); len(got) != 1 || got[0].Ended != 5000 {
		t.Errorf("got %v", got)
	}
}

// Another program keeps counting where this one has ended.
func TestScriptsThatKillAreLeft(t *testing.T) {
	at := time.Unix(1e9, 0)
	var k, next Killers
	for range Many - 1 {
		k.Count("p", "a", at)
	}
	for range Many {
		k.Count("p", "b", at)
	}
	text, err := json.Marshal(k.Leave())
	if err != nil {
		t.Fatal(err)
	}
	var left []Killer
	if err := json.Unmarshal(text, &left); err != nil {
		t.Fatal(err)
	}
	next.Adopt(left)
	if got, want := next.Repeated("", at), k.Repeated("", at); !slices.Equal(got, want) {
		t.Errorf("left are %v, want %v", got, want)
	}
	if n, news := next.Count("p", "a", at); n != Many || !news {
		t.Errorf("a has ended %d, news %v", n, news)
	}
	if n, news := next.Count("p", "b", at); n != Many+1 || news {
		t.Errorf("b has ended %d, news %v", n, news)
	}
	for range maxScripts { // whatever was left
		left = append(left, left...)[:min(2*len(left), 2*maxScripts)]
	}
	next.Adopt(left)
}

// A kind was added and not listed: the master panicked when it counted the first one.
func TestAllKindsAreListed(t *testing.T) {
	source, err := os.ReadFile("incident.go")
	if err != nil {
		t.Fatal(err)
	}
	declared := regexp.MustCompile(`(?m)^\t\w+ +Kind = "([a-z ]+)"`).FindAllStringSubmatch(string(source), -1)
	if len(declared) != len(Kinds()) {
		t.Fatalf("%d kinds are declared, and %d are listed", len(declared), len(Kinds()))
	}
	for _, name := range declared {
		if kind := Kind(name[1]); !slices.Contains(Kinds(), kind) || scoreboard.CauseOf(string(kind)).String() != name[1] {
			t.Errorf("the kind %s is not listed, or no cause in the scoreboard", kind)
		}
	}
}
