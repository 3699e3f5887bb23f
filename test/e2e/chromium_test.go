//go:build e2e

package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// A chromium is a headless Chromium, with a profile of its own, that shows one page at a time.
type chromium struct {
	t   *testing.T
	ctx context.Context
	url string // of the site

	mu       sync.Mutex
	trouble  []string
	expected []string // parts of trouble that is none
	asked    map[network.RequestID]string
}

// chromium shows pages of the site at a URL until the test ends. It notes every answer of the site of 400 and
// more, every one that did not come and every error in a page's scripts: see untroubled.
func (p *place) chromium(url string) *chromium {
	p.t.Helper()
	options := []chromedp.ExecAllocatorOption{
		chromedp.ExecPath("/usr/bin/chromium"),
		chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck, chromedp.Headless, chromedp.DisableGPU,
		chromedp.NoSandbox, // it shows our own pages, and root's Chromium has no other way
		chromedp.IgnoreCertErrors,
		chromedp.UserDataDir(p.path("chromium")),
		chromedp.Env("HOME=" + p.dir),
		chromedp.WindowSize(1280, 1000),
	}
	// Nobody else is asked anything, neither its maker nor a page's pictures from elsewhere.
	options = append(options, chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"))
	for _, flag := range []string{"disable-quic", "disable-background-networking", "disable-component-update", "disable-sync",
		"disable-dev-shm-usage", "disable-extensions", "metrics-recording-only"} {
		options = append(options, chromedp.Flag(flag, true))
	}
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, closeTab := chromedp.NewContext(allocator)
	p.t.Cleanup(func() {
		closeTab()
		stop()
	})
	c := &chromium{t: p.t, ctx: ctx, url: url, asked: map[network.RequestID]string{}}
	if err := chromedp.Do(ctx); err != nil {
		p.t.Fatal(err)
	}
	if err := chromedp.Listen(ctx, c.note); err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() {
		if p.t.Failed() {
			c.shot("failed")
		}
	})
	return c
}

func (c *chromium) note(event any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch event := event.(type) {
	case *network.EventRequestWillBeSent:
		c.asked[event.RequestID] = event.Request.URL
	case *network.EventResponseReceived:
		if event.Response.Status >= 400 && strings.HasPrefix(event.Response.URL, c.url) {
			c.trouble = append(c.trouble, fmt.Sprintf("%s: %d", event.Response.URL, event.Response.Status))
		}
	case *network.EventLoadingFailed:
		url := c.asked[event.RequestID]
		if !event.Canceled /* by a page that was left */ && strings.HasPrefix(url, c.url) {
			c.trouble = append(c.trouble, url+": "+event.ErrorText)
		}
	case *runtime.EventExceptionThrown:
		c.trouble = append(c.trouble, (&chromedp.ExceptionError{ExceptionDetails: event.ExceptionDetails}).Error())
	}
}

// untroubled fails the test if anything was noted since it was last called. It is for the site's own pages.
func (c *chromium) untroubled() {
	c.t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, what := range c.trouble {
		if !slices.ContainsFunc(c.expected, func(part string) bool { return strings.Contains(what, part) }) {
			c.t.Error("chromium: " + what)
		}
	}
	c.trouble = nil
}

// expect has untroubled pass over what has a text in it, from now on.
func (c *chromium) expect(part string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.expected = append(c.expected, part)
}

// forget is for trouble that was wanted.
func (c *chromium) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.trouble = nil
}

// do runs actions, for half a minute at most.
func (c *chromium) do(what string, actions ...chromedp.Action[chromedp.Void]) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.ctx, 30*time.Second)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		c.t.Fatalf("chromium: %s: %v\n%.2000s", what, err, c.text())
	}
}

// open shows a page of the site, which answers with status, and waits until want is to be read on it.
func (c *chromium) open(path string, status int64, want string) {
	c.t.Helper()
	c.loads(path, status, want, chromedp.Navigate(c.url+path))
}

// click presses what a selector finds; that shows another page. A mouse would not do: Chromium drops what it says before
// the page has been painted.
func (c *chromium) click(selector string, status int64, want string) {
	c.t.Helper()
	c.loads("after "+selector, status, want, func(ctx context.Context, t *chromedp.Target) (done chromedp.Void, err error) {
		_, err = chromedp.Evaluate[bool](fmt.Sprintf("document.querySelector(%q).click(), true", selector))(ctx, t)
		return done, err
	})
}

// fill puts text into a form's field. It types nothing: pages move the focus while they load.
func (c *chromium) fill(selector, text string) {
	c.t.Helper()
	c.do("fill "+selector, chromedp.SetValue(selector, text, chromedp.NodeVisible))
}

// upload chooses a file in a form.
func (c *chromium) upload(selector, file string) {
	c.t.Helper()
	c.do("choose "+file, chromedp.SetUploadFiles(selector, []string{file}))
}

// loads runs what makes another page load.
func (c *chromium) loads(what string, status int64, want string, action chromedp.Action[chromedp.Void]) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.ctx, 30*time.Second)
	defer cancel()
	response, err := chromedp.RunResponse(ctx, action)
	if err != nil {
		c.t.Fatalf("chromium: %s: %v", what, err)
	}
	if response == nil || response.Status != status {
		c.t.Fatalf("chromium: %s: not %d but %+v\n%.2000s", what, status, response, c.text())
	}
	c.reads(want)
}

// reads waits until want is to be read on the page.
func (c *chromium) reads(want string) {
	c.t.Helper()
	c.awaits(fmt.Sprintf("document.body.innerText.includes(%q)", want))
}

// awaits waits until a JavaScript expression is true.
func (c *chromium) awaits(expression string) {
	c.t.Helper()
	var err error
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		var isTrue bool
		if isTrue, err = chromedp.Run(c.ctx, chromedp.Evaluate[bool](expression)); isTrue {
			return
		}
	}
	c.t.Fatalf("chromium: never true: %s (%v)\n%.2000s", expression, err, c.text())
}

// evaluate is the text that a JavaScript expression, or the promise it is, gives.
func (c *chromium) evaluate(expression string) string {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.ctx, 30*time.Second)
	defer cancel()
	value, err := chromedp.Run(ctx, chromedp.Evaluate[string](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		c.t.Fatalf("chromium: %s: %v", expression, err)
	}
	return value
}

// text is what is to be read on the page.
func (c *chromium) text() string {
	ctx, cancel := context.WithTimeout(c.ctx, 5*time.Second)
	defer cancel()
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string](`location.href + "\n" + document.body.innerText`))
	if err != nil && !errors.Is(err, context.Canceled) {
		return err.Error()
	}
	return text
}

// shot leaves a picture of the whole page in build/e2e, named after the test.
func (c *chromium) shot(name string) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.ctx, 10*time.Second)
	defer cancel()
	picture, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err != nil {
		c.t.Errorf("chromium: no picture of the page: %v", err)
		return
	}
	file := filepath.Join("..", "..", "build", "e2e", strings.ReplaceAll(c.t.Name(), "/", "-")+"-"+name+".png")
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		c.t.Errorf("chromium: %v", err)
		return
	}
	if err := os.WriteFile(file, picture, 0o644); err != nil {
		c.t.Errorf("chromium: %v", err)
	}
}
