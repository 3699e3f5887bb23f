// Counterpart: sapi/fpm/fpm/fpm_main.c (sapi_cgi_log_message)

package startup

import (
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

// Messages are what PHP said while it was started, message by message.
type Messages []string

// maxStartup bounds it, in bytes.
const maxStartup = 64 << 10

// Hear prepares config, with which a zygote is about to be started: what PHP prints during the start on stderr and stdout comes here. The caller calls
// said once, after the start has succeeded or failed. said returns the messages, and writes what PHP has printed besides to the standard output.
func Hear(config *zygote.Config) (said func() Messages) {
	stderr, stdout := memory("php-startup-stderr"), memory("php-startup-stdout")
	if stderr != nil {
		config.Stderr = stderr
	}
	if stdout != nil {
		config.Stdout = stdout
	}
	return func() Messages {
		messages, rest := take(drain(stderr)).addDisplayed(drain(stdout))
		pass(os.Stdout, rest)
		return messages
	}
}

// memory returns nil if there cannot be such a file; PHP then speaks to the master's own.
func memory(name string) *os.File {
	fd, err := unix.MemfdCreate(name, unix.MFD_CLOEXEC)
	if err != nil {
		return nil
	}
	return os.NewFile(uintptr(fd), name)
}

func drain(file *os.File) string {
	if file == nil {
		return ""
	}
	defer file.Close()
	text, _ := io.ReadAll(io.NewSectionReader(file, 0, maxStartup))
	return string(text)
}

// NotStarted words the error of a start as a sentence about PHP.
func NotStarted(err error) error {
	var failed *zygote.FailedError
	if errors.As(err, &failed) {
		return err
	}
	return fmt.Errorf("PHP could not be started: %w", err)
}

// take takes messages apart. PHP's begin with "PHP Warning:" or the like and may have several lines; others, such
// as those of the parser of php.ini, have one.
func take(text string) (s Messages) {
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		if len(s) > 0 && IsLogged(s[len(s)-1]) && !strings.HasPrefix(line, "PHP") {
			s[len(s)-1] += "\n" + line
		} else if line != "" {
			s = append(s, line)
		}
	}
	return s
}

// IsLogged reports whether PHP sent a message to the log; else it went straight to stderr.
func IsLogged(message string) bool { return strings.HasPrefix(message, "PHP ") }

// Show puts the messages where php-fpm puts them: those that PHP logs (IsLogged) into the log, others on stderr. A log in JSON has all of them.
func (s Messages) Show(log *zlog.Log, stderr io.Writer) {
	for _, message := range s {
		if IsLogged(message) {
			log.Msg(zlog.Notice, "PHP message: ", message)
		} else if log.Settings().JSON {
			log.Log(zlog.Warning, message)
		} else {
			fmt.Fprintln(stderr, message)
		}
	}
}

// Worse returns the first message that only s has, not than, and that says that php.ini or an extension named there could not
// be read. It returns nil if there is no such message.
func (s Messages) Worse(than Messages) error {
	for _, message := range s {
		same := func(other string) bool { return plain(other) == plain(message) }
		if isFault(message) && !slices.ContainsFunc(than, same) {
			return fmt.Errorf("php.ini: %s", strings.TrimPrefix(message, "PHP:  "))
		}
	}
	return nil
}

// isFault reports whether PHP has started with less than php.ini asks for; other messages are advice.
func isFault(message string) bool {
	for _, sign := range []string{"PHP:  syntax error", "PHP:  Error parsing", "Failed loading ",
		"PHP Startup: Unable to load dynamic library", "PHP Startup: Invalid library", "Unable to initialize module",
		"PHP Warning:  Cannot load module ", "requires Zend Engine API version", "it was built with configuration"} {
		if strings.Contains(message, sign) {
			return !strings.HasPrefix(message, "PHP Deprecated")
		}
	}
	return false
}
