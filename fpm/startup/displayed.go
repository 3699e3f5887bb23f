// Counterpart: main/main.c (php_error_cb)

package startup

import (
	"html"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// PHP displays on stdout what it says at its start, as text or HTML, unless display_errors or display_startup_errors is
// off. Then, and with log_errors, it logs it. The patterns are made when they are needed, not at the start of each process.
var (
	displayedText = pattern(`(?ms)^((?:Warning|Fatal error|Parse error|Deprecated|Notice|Strict Standards): )(.*? in [^\n]*? on line \d+)$`)
	displayedHTML = pattern(`(?ms)^<br />\n<b>([A-Z][a-z A-Z]*)</b>:  (.*?) in <b>([^\n]*?)</b> on line <b>(\d+)</b><br />$`)
	links         = pattern(`</?a[^>]*>`)
)

func pattern(text string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(text) })
}

// plain returns a message without HTML, which html_errors puts even into what is logged.
func plain(message string) string { return html.UnescapeString(links().ReplaceAllString(message, "")) }

// addDisplayed adds PHP's messages among what was displayed, worded as PHP logs them, but no message that was logged too.
// rest is what else was printed, as by a script that is preloaded.
func (s Messages) addDisplayed(text string) (added Messages, rest string) {
	text = displayedHTML().ReplaceAllStringFunc(text, func(message string) string {
		m := displayedHTML().FindStringSubmatch(message)
		return m[1] + ": " + plain(m[2]) + " in " + m[3] + " on line " + m[4]
	})
	logged := len(s)
	for _, m := range displayedText().FindAllStringSubmatch(text, -1) {
		message := "PHP " + m[1] + " " + m[2]
		if !slices.ContainsFunc(s[:logged], func(l string) bool { return plain(l) == plain(message) }) {
			s = append(s, message)
		}
	}
	if rest = displayedText().ReplaceAllString(text, ""); strings.TrimSpace(rest) == "" {
		rest = ""
	}
	return s, rest
}

// pass writes to a file as much as it takes at once: nobody may read a terminal or a pipe.
func pass(file *os.File, text string) {
	const atomic = 4096 // PIPE_BUF
	for len(text) > 0 {
		fds := []unix.PollFd{{Fd: int32(file.Fd()), Events: unix.POLLOUT}}
		if n, err := unix.Poll(fds, 0); n != 1 || err != nil || fds[0].Revents != unix.POLLOUT {
			return
		}
		n := min(len(text), atomic)
		if _, err := io.WriteString(file, text[:n]); err != nil {
			return
		}
		text = text[n:]
	}
}
