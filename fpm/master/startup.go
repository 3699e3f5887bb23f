// Counterpart: sapi/fpm/fpm/fpm_main.c (sapi_cgi_log_message)

package master

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/zlog"
	"github.com/phpsapi/phpsapi/lifecycle/zygote"
)

// startup is what PHP said while it was started, message by message.
type startup []string

// maxStartup bounds it, in bytes.
const maxStartup = 64 << 10

// launch starts a zygote, and takes what PHP meanwhile says on stderr.
func (s system) launch(ctx context.Context, config zygote.Config) (forker, <-chan zygote.Exit, startup, error) {
	said := hearStartup(&config)
	z, exits, err := s.start(ctx, config)
	return z, exits, said(), err
}

// hearStartup takes what PHP will say on stderr. said returns it, once.
func hearStartup(config *zygote.Config) (said func() startup) {
	fd, err := unix.MemfdCreate("php-startup", unix.MFD_CLOEXEC)
	if err != nil { // PHP then speaks to our own stderr
		return func() startup { return nil }
	}
	stderr := os.NewFile(uintptr(fd), "php-startup")
	config.Stderr = stderr
	return func() startup {
		defer stderr.Close()
		text, _ := io.ReadAll(io.NewSectionReader(stderr, 0, maxStartup))
		return newStartup(string(text))
	}
}

// notStarted words the error of a start as a sentence about PHP.
func notStarted(err error) error {
	var failed *zygote.FailedError
	if errors.As(err, &failed) {
		return failed
	}
	return fmt.Errorf("PHP could not be started: %w", err)
}

// newStartup takes messages apart. PHP's begin with "PHP Warning:" or the like and may have several lines; others, such
// as those of the parser of php.ini, have one.
func newStartup(text string) (s startup) {
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		if len(s) > 0 && isLogged(s[len(s)-1]) && !strings.HasPrefix(line, "PHP") {
			s[len(s)-1] += "\n" + line
		} else if line != "" {
			s = append(s, line)
		}
	}
	return s
}

// isLogged reports whether PHP sent a message to the log; else it went straight to stderr.
func isLogged(message string) bool { return strings.HasPrefix(message, "PHP ") }

// show puts the messages where php-fpm puts them.
func (s startup) show(log *zlog.Log, stderr io.Writer) {
	for _, message := range s {
		if isLogged(message) {
			log.Msg(zlog.Notice, "PHP message: ", message)
		} else {
			fmt.Fprintln(stderr, message)
		}
	}
}

// worse is the first message by which a start is worse than another one: php.ini, or an extension that it names,
// could not be read. nil: there is none.
func (s startup) worse(than startup) error {
	for _, message := range s {
		if isFault(message) && !slices.Contains(than, message) {
			return fmt.Errorf("php.ini: %s", strings.TrimPrefix(message, "PHP:  "))
		}
	}
	return nil
}

// isFault tells what makes PHP start with less than php.ini asks for from what is mere advice.
func isFault(message string) bool {
	for _, sign := range []string{"PHP:  syntax error", "PHP:  Error parsing", "Failed loading ",
		"PHP Startup: Unable to load dynamic library", "PHP Startup: Invalid library", "Unable to initialize module"} {
		if strings.Contains(message, sign) {
			return !strings.HasPrefix(message, "PHP Deprecated")
		}
	}
	return false
}
