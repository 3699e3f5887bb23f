// Counterpart: sapi/cgi/cgi_main.c (sapi_cgi_log_message)

package worker

import (
	"fmt"
	"os"

	"github.com/phpsapi/phpsapi/cgi/responder"
	"github.com/phpsapi/phpsapi/cgi/server"
	"github.com/phpsapi/phpsapi/lifecycle"
)

var _ responder.FrontEnd = (*child)(nil)

// Leaves reports whether the present request is the last.
func (c *child) Leaves() bool { return c.leaving }

// Receiving and Reading concern nobody.

func (c *child) Receiving(bool) {}

func (c *child) Reading() {}

// Message is PHP's log_message: with fastcgi.logging the web server gets it.
func (c *child) Message(text string) {
	if c.responder.TakesStderr() && c.responder.PHP.Logging() {
		c.responder.WriteStderr([]byte(text + "\n"))
		return
	}
	fmt.Fprintln(os.Stderr, text)
}

// Log takes a message of the engine's.
func (c *child) Log(_ int, text string) { server.Say("%s", text) }

// Report is not called: there is no function for it in php-cgi.
func (c *child) Report(level int, text string) { c.Log(level, text) }

// ConnectionFailed reports why a connection is of no more use.
func (c *child) ConnectionFailed(err error) {
	server.Say("process %d: connection closed: %v", os.Getpid(), err)
}

// Status is php-fpm's alone.
func (c *child) Status(lifecycle.Array) bool { return false }
