//go:build e2e

package e2e

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	processes "github.com/phpsapi/phpsapi/test/serve"
)

// dashboardToken is the token of TestDashboard.
const dashboardToken = "a-token-that-is-long-enough"

// TestDashboard has Chromium look at a service that works, hangs and crashes, and give orders.
func TestDashboard(t *testing.T) {
	p := at(t)
	address, front := processes.Address(t), processes.Address(t)
	p.write("public/index.php", `<?php echo "index";`)
	p.write("public/hang.php", `<?php function wait_for_upstream() { while (true) sleep(60); } wait_for_upstream();`)
	p.write("public/slow.php", `<?php function fetch_report() { usleep(1500000); } fetch_report();`)
	p.write("public/crash.php", `<?php function checkout() { posix_kill(getmypid(), 11); sleep(5); } checkout();`)
	p.write("token", dashboardToken+"\n")
	if err := os.Chmod(p.path("token"), 0o600); err != nil {
		t.Fatal(err)
	}
	p.write("phpsapi.yaml", fmt.Sprintf("dashboard:\n  listen: %s\n  token_file: token\nhttp:\n  listen: %s\n  root: public\n", address, front))
	p.write("php-fpm.conf", "[global]\nerror_log = DIR/error.log\n[www]\nlisten = DIR/fpm.sock\n"+ifRoot("user = www-data\ngroup = www-data\n")+
		"pm = static\npm.max_children = 3\nrequest_slowlog_timeout = 1\nslowlog = DIR/slow.log\n")
	p.start("phpsapi", syscall.SIGINT, accepts(front), filepath.Join(ours, "phpsapi"), "fpm", "-F", "-y", p.path("php-fpm.conf"))
	c := p.chromium("http://" + address)
	ask := func(path string) {
		go func() {
			if r, err := http.Get("http://" + front + path); err == nil {
				r.Body.Close()
			}
		}()
	}
	press := func(selector string) {
		t.Helper()
		c.awaits(fmt.Sprintf("document.querySelector(%q)?.checkVisibility()", selector))
		c.evaluate(fmt.Sprintf("document.querySelector(%q).click(), ''", selector))
	}
	order := func(what string) {
		t.Helper()
		c.awaits("document.getElementById('dialog').open && !document.getElementById('d-ok').disabled")
		press("#d-ok")
		c.awaits(fmt.Sprintf("!document.getElementById('dialog').open && document.getElementById('outcome').textContent.includes(%q)", what))
	}

	c.open("/", http.StatusOK, "3 of 3 workers: 0 busy, 3 idle")
	c.reads("No request is running")
	if text := c.text(); !strings.Contains(text, "serves") || !strings.Contains(text, "Opcache and APCu") {
		t.Errorf("got\n%s", text)
	}

	// What a client says is text, whatever it looks like.
	const evil = `<img src=x onerror=alert(1)>`
	ask("/hang.php?q=" + strings.ReplaceAll(evil, " ", "%20"))
	c.reads("GET " + front + "/hang.php?q=")
	c.awaits("document.querySelectorAll('#pools .workers .s4').length == 1")
	c.evaluate(`import("./pools.js").then((m) => m.show({ pools: [{ name: "<img src=x onerror=alert(1)>", pm: "", kind: "", php: "", generations: [1], serving: true, unready: ["<b>x</b>"],
		workers: [] }], orders: false }, new Map(), new Map())).then(() => "")`)
	if n := c.evaluate("String(document.querySelectorAll('main img, main b b').length)"); n != "0" {
		t.Errorf("%s elements were made of texts", n)
	}

	// The policy keeps scripts and styles of others, and inline ones, from running.
	if got := c.evaluate(`(() => { const s = document.createElement("script"); s.append("window.inlined = true"); try { document.body.append(s); } catch {} return String(!window.inlined); })()`); got != "true" {
		t.Error("an inline script has run")
	}

	// Without the token, and with a wrong one, nothing happens.
	c.expect("/api/order")
	press("#requests .orders button")
	c.awaits("document.activeElement.id == 'd-token'")
	c.evaluate(`document.getElementById("d-token").value = "a-token-that-is-wrong", document.getElementById("d-ok").click(), ""`)
	c.awaits("document.getElementById('d-error').textContent.includes('the token is wrong')")
	if text := c.text(); !strings.Contains(text, "/hang.php") {
		t.Errorf("the request has ended:\n%s", text)
	}
	c.evaluate(fmt.Sprintf(`document.getElementById("d-token").value = %q, ""`, dashboardToken))
	order("exited on signal 15")
	c.reads("No request is running")
	c.reads("operator")
	press("#events details summary")
	c.reads("wait_for_upstream()")

	// Slow and failed requests have PHP's stack.
	ask("/slow.php")
	c.reads("/slow.php")
	c.awaits(`[...document.querySelectorAll("#events details")].some((d) => d.textContent.includes("fetch_report()") && d.textContent.includes("slow"))`)
	ask("/crash.php")
	c.awaits(`[...document.querySelectorAll("#events details")].some((d) => d.textContent.includes("checkout()") && d.textContent.includes("crash"))`)

	// A pool is paused, resumed and scaled; the token is not asked for again.
	press("[aria-label='Pause pool www']")
	order("pool www is paused")
	c.reads("pool www is paused")
	c.shot("paused")
	press("[aria-label='Resume pool www']")
	order("pool www has")
	press("[aria-label='Scale pool www']")
	c.evaluate(`document.getElementById("d-count").value = 4, ""`)
	c.look("light", 360)
	c.evaluate(`scrollTo(0, document.body.scrollHeight), ""`)
	order("pool www has 4 workers, 4 at most")
	c.awaits(`(() => { const r = document.getElementById("outcome").getBoundingClientRect(); return scrollY > 300 && r.height > 0 && r.top >= 0 && r.bottom <= innerHeight; })()`)
	press("#outcome-close")
	c.awaits(`!document.getElementById("outcome").checkVisibility()`)
	c.look("light", 1280)
	c.reads("4 of 4 workers")
	press("#reload")
	order("generation 2 serves")
	c.reads("3 of 3 workers")
	c.reads("Reloads: 1 succeeded")

	// The keyboard: the dialog keeps the focus, Escape closes it and gives the focus back.
	c.evaluate(`document.getElementById("reload").focus(), ""`)
	c.do("keys", chromedp.SendKeys("#reload", "\r"))
	c.awaits("document.getElementById('dialog').open")
	for range 8 {
		c.do("keys", chromedp.KeyEvent("\t"))
		if got := c.evaluate("String(document.activeElement === document.body || !!document.activeElement.closest('dialog'))"); got != "true" {
			t.Fatalf("the focus has left the dialog: %s", c.evaluate("document.activeElement.outerHTML"))
		}
	}
	c.do("keys", chromedp.KeyEvent("\x1b"))
	c.awaits("!document.getElementById('dialog').open && document.activeElement.id == 'reload'")

	// The graphs say what their left edge is.
	c.awaits(`[...document.querySelectorAll("#graphs small")].some((s) => s.textContent.startsWith("5 min ago; most"))`)

	// Light and dark, and a phone: the page is as wide as the screen.
	for _, look := range []struct {
		name, scheme string
		width        int64
	}{{"light", "light", 1280}, {"dark", "dark", 1280}, {"phone", "light", 360}} {
		c.look(look.scheme, look.width)
		time.Sleep(1200 * time.Millisecond) // a look of the page's
		if got := c.evaluate("document.documentElement.scrollWidth + ''"); got != fmt.Sprint(look.width) {
			t.Errorf("%s: the page is %s wide", look.name, got)
		}
		c.shot(look.name)
	}
	c.untroubled()
	log := p.log("error.log")
	for _, want := range []string{"the dashboard was sent a wrong token, by 127.0.0.1", "pause www asked for by the dashboard for 127.0.0.1: done", "scale www 4 asked for by the dashboard",
		"reload asked for by the dashboard for 127.0.0.1"} {
		if !strings.Contains(log, want) {
			t.Errorf("the log has no %q", want)
		}
	}
	if strings.Contains(log, dashboardToken) {
		t.Error("the log has the token")
	}
}

// look has the browser want a scheme of colours, and have so wide a screen.
func (c *chromium) look(scheme string, width int64) {
	c.t.Helper()
	_, err := chromedp.Call(c.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
	if err == nil {
		_, err = chromedp.Call(c.ctx, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: width, Height: 900, DeviceScaleFactor: 1, Mobile: width < 500})
	}
	if err != nil {
		c.t.Fatal(err)
	}
}
