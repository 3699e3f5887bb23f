//go:build e2e

package e2e

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	processes "github.com/phpsapi/phpsapi/test/serve"
)

// TestDemo has Chromium use the demonstration site, served as `make run` does: without any configuration.
func TestDemo(t *testing.T) {
	p := at(t)
	p.give("data")
	p.extensions(stockFPM, "pdo_sqlite")
	p.env = append(p.env, "PHPSAPI_DEMO_DATA="+p.path("data"))
	address := processes.Address(t)
	copyTree(t, "../../docs/demo", p.path("demo")) // a checkout may be where www-data may not look
	p.start("phpsapi", syscall.SIGINT, accepts(address), filepath.Join(ours, "phpsapi"), "fpm", "--http", address, "--root", p.path("demo/public"))
	c := p.chromium("http://" + address)

	c.open("/", http.StatusOK, "Notes")
	c.fill("input[name=name]", "A nöte")
	c.fill("textarea", "with <b>text</b>")
	c.click("button", http.StatusOK, "with <b>text</b>")
	c.open("/notes/A%20n%C3%B6te", http.StatusOK, "with <b>text</b>") // a path that is not a file
	c.shot("note")

	if err := os.WriteFile(p.path("picture.png"), drawn(400, 300), 0o644); err != nil {
		t.Fatal(err)
	}
	c.open("/pictures.php", http.StatusOK, "Pictures")
	c.upload("input[type=file]", p.path("picture.png"))
	c.click("button", http.StatusOK, "picture.png")
	c.awaits(`document.querySelector(".pictures img").naturalWidth == 400`)
	c.shot("pictures")

	c.open("/stream.php", http.StatusOK, "Stream")
	c.reads("event 1 at")
	if text := c.text(); strings.Contains(text, "event 20") {
		t.Errorf("the events came all at once:\n%s", text)
	}
	c.reads("event 4 at")
	c.shot("stream")

	c.open("/slow.php?seconds=1", http.StatusOK, "slept for 1 seconds")
	c.untroubled()

	c.open("/crash.php", http.StatusOK, "Crash worker")
	worker, err := strconv.Atoi(regexp.MustCompile(`Crash worker (\d+)`).FindStringSubmatch(c.text())[1])
	if err != nil {
		t.Fatal(err)
	}
	c.click("button", http.StatusBadGateway, "502")
	c.shot("crash")
	c.open("/crash.php", http.StatusOK, "Crash worker")
	if strings.Contains(c.text(), fmt.Sprintf("Crash worker %d\n", worker)) {
		t.Errorf("worker %d is still there", worker)
	}
	c.forget()
	c.open("/", http.StatusOK, "A nöte")
	c.untroubled()
}
