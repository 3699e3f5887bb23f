//go:build e2e

package e2e

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	processes "github.com/phpsapi/phpsapi/test/serve"
)

// TestDashboardProfile has Chromium make a profile of a pool that works, and go through its flame graph by the keyboard and on a phone.
func TestDashboardProfile(t *testing.T) {
	p := at(t)
	address, front := processes.Address(t), processes.Address(t)
	p.write("public/shop.php", `<?php namespace Shop;
class Cart {
	static function sum(int $n): float { return $n < 2 ? self::price($n) : self::sum($n - 1) + self::price($n); }
	static function price(int $n): float { $x = 0.0; for ($i = 0; $i < 20000; $i++) $x += sqrt($i) / ($n + 1); return $x; }
}
class Page {
	static function render(): string { $all = ''; foreach (range(1, 12) as $i) $all .= self::row($i); return $all; }
	static function row(int $i): string { usleep(3000); return str_repeat(md5((string) Cart::sum($i)), 3); }
}
echo Page::render();`)
	p.write("public/other.php", `<?php function elsewhere() { usleep(20000); } elsewhere();`)
	p.write("token", dashboardToken+"\n")
	if err := os.Chmod(p.path("token"), 0o600); err != nil {
		t.Fatal(err)
	}
	p.write("phpsapi.yaml", fmt.Sprintf("dashboard:\n  listen: %s\n  token_file: token\nhttp:\n  listen: %s\n  root: public\n", address, front))
	p.write("php-fpm.conf", "[global]\nerror_log = DIR/error.log\n[www]\nlisten = DIR/fpm.sock\n"+ifRoot("user = www-data\ngroup = www-data\n")+
		"pm = static\npm.max_children = 2\n[idle]\nlisten = DIR/idle.sock\n"+ifRoot("user = www-data\ngroup = www-data\n")+"pm = static\npm.max_children = 1\n")
	p.start("phpsapi", syscall.SIGINT, accepts(front), filepath.Join(ours, "phpsapi"), "fpm", "-F", "-y", p.path("php-fpm.conf"))
	var stop atomic.Bool
	var clients sync.WaitGroup
	defer clients.Wait()
	defer stop.Store(true)
	for _, path := range []string{"/shop.php?q=1", "/other.php"} {
		clients.Go(func() {
			for !stop.Load() {
				if r, err := http.Get("http://" + front + path); err == nil {
					r.Body.Close()
				}
			}
		})
	}
	c := p.chromium("http://" + address)
	c.open("/", http.StatusOK, "No profile was made yet")
	c.awaits(`document.getElementById("p-form").checkVisibility()`)
	begin := func(pool, url string, seconds int) {
		t.Helper()
		c.evaluate(fmt.Sprintf(`document.getElementById("p-pool").value = %q, document.getElementById("p-url").value = %q, document.getElementById("p-seconds").value = %d, document.getElementById("p-go").click(), ""`,
			pool, url, seconds))
	}

	// The graph is there while the profile is being made, and grows.
	begin("www", "/shop.php", 60)
	c.awaits("document.getElementById('dialog').open && document.activeElement.id == 'd-token'")
	c.evaluate(fmt.Sprintf(`document.getElementById("d-token").value = %q, document.getElementById("d-ok").click(), ""`, dashboardToken))
	c.reads("pool www, URLs /shop.php…: ")
	c.awaits(`[...document.querySelectorAll("#flame g")].some((g) => g.textContent.includes("Shop"))`)
	samples := func() int {
		n, _ := strconv.Atoi(c.evaluate(`(document.getElementById("p-state").textContent.match(/(\d+) sample/) || [])[1] || "0"`))
		return n
	}
	few := samples()
	c.awaits(fmt.Sprintf(`Number(document.getElementById("p-state").textContent.match(/(\d+) sample/)[1]) > %d`, few+20))
	c.evaluate(`document.getElementById("p-end").click(), ""`)
	c.awaits("document.getElementById('outcome').textContent.includes('the profile has ended')")
	c.awaits(`document.getElementById("p-end").hidden && document.getElementById("p-state").textContent.includes(" in ")`)
	text := c.evaluate(`[...document.querySelectorAll("#flame g")].map((g) => g.getAttribute("aria-label")).join("\n")`)
	for _, want := range []string{"all: 100.0 %", `Shop\Page::render`, `Shop\Cart::sum`, "usleep"} {
		if !strings.Contains(text, want) {
			t.Errorf("the graph has no %s:\n%s", want, text)
		}
	}
	if strings.Contains(text, "elsewhere") {
		t.Error("the graph has a function of another URL")
	}
	if rows := c.evaluate(`document.getElementById("p-top").innerText`); !strings.Contains(rows, `Shop\Cart::price`) {
		t.Errorf("the table:\n%s", rows)
	}

	// The keyboard: Tab reaches one box, arrows move on, Enter makes it wide, Escape shows all again.
	if n := c.evaluate(`String(document.querySelectorAll("#flame g[tabindex='0']").length)`); n != "1" {
		t.Errorf("%s boxes can be reached by Tab", n)
	}
	c.evaluate(`document.querySelector("#flame g[tabindex='0']").focus(), ""`)
	label := func() string { return c.evaluate(`document.activeElement.getAttribute("aria-label") || ""`) }
	if got := label(); !strings.HasPrefix(got, "all:") {
		t.Errorf("the first box is %q", got)
	}
	for range 2 {
		c.do("keys", chromedp.KeyEvent(kb.ArrowDown))
	}
	if got := label(); !strings.HasPrefix(got, `Shop\Page::render:`) {
		t.Errorf("two boxes below it is %q", got)
	}
	c.do("keys", chromedp.KeyEvent("\r"))
	c.awaits(`!document.getElementById("p-all").hidden && [...document.querySelectorAll("#flame g.past")].length == 2`)
	wide := `document.activeElement.querySelector("rect").getBBox().width > document.getElementById("flame-room").clientWidth * 0.98`
	c.awaits(wide)
	c.shot("zoomed")
	c.do("keys", chromedp.KeyEvent("\x1b"))
	c.awaits(`document.getElementById("p-all").hidden`)

	// The files are those of phpsapi fpm profile.
	for format, want := range map[string]string{"svg": "<svg", "folded": `Shop\Page::render;Shop\Page::row`, "pprof": "\x1f\x8b"} {
		body, r := pageAt(t, fmt.Sprintf("http://%s/api/profile/%s?number=1", address, format))
		if r.StatusCode != http.StatusOK || !strings.Contains(body, want) {
			t.Errorf("%s: %d %.80q", format, r.StatusCode, body)
		}
	}

	// A pool without requests; the token is not asked for again. Somebody else sees it, too.
	begin("idle", "", 1)
	c.reads("pool idle: no request was seen")
	begin("www", "", 3)
	c.awaits(`document.getElementById("p-end").hidden && /^pool www: \d+ samples in \d seconds of 2 workers/.test(document.getElementById("p-state").textContent)`)
	c.open("/", http.StatusOK, "pool www: ")
	c.awaits(`document.querySelectorAll("#flame g").length > 8`)

	for _, look := range []struct {
		name, scheme string
		width        int64
	}{{"light", "light", 1280}, {"dark", "dark", 1280}, {"phone", "light", 360}, {"phone-dark", "dark", 360}} {
		c.look(look.scheme, look.width)
		time.Sleep(1500 * time.Millisecond) // a look of the page's
		if got := c.evaluate("document.documentElement.scrollWidth + ''"); got != fmt.Sprint(look.width) {
			t.Errorf("%s: the page is %s wide", look.name, got)
		}
		c.evaluate(`document.getElementById("h-profile").scrollIntoView(), ""`)
		c.shot(look.name)
	}
	c.untroubled()
}

// pageAt returns the body of a page, and the answer.
func pageAt(t *testing.T, url string) (string, *http.Response) {
	t.Helper()
	r, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text), r
}
