package control

import (
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// leastToken is how many characters a token has at least. It has MaxToken at most.
const leastToken = 16

// ReadToken reads the file of the dashboard's token. It returns an error if another user can read or change the file.
func ReadToken(name string) (string, error) {
	file, err := os.OpenFile(name, os.O_RDONLY|unix.O_NONBLOCK, 0) // a pipe is refused below, and must not be waited for
	if err != nil {
		return "", err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return "", err
	}
	owner := int(info.Sys().(*syscall.Stat_t).Uid)
	switch {
	case !info.Mode().IsRegular():
		return "", fmt.Errorf("%s is not a regular file", name)
	case info.Mode().Perm()&0o077 != 0:
		return "", fmt.Errorf("%s has the mode %04o, so that other users can read or change the token: chmod 600 %s", name, info.Mode().Perm(), name)
	case owner != 0 && owner != os.Geteuid():
		return "", fmt.Errorf("%s is user %d's, who can read and change the token: chown it to the user that starts the service", name, owner)
	}
	text, err := io.ReadAll(io.LimitReader(file, MaxToken+2))
	if err != nil {
		return "", err
	}
	token := strings.TrimRight(string(text), "\r\n")
	isOther := func(r rune) bool { return r <= ' ' || r > '~' }
	switch {
	case strings.ContainsFunc(token, isOther):
		return "", fmt.Errorf("%s has more than a line of printable ASCII characters without spaces: make one by openssl rand -hex 32", name)
	case len(token) < leastToken:
		return "", fmt.Errorf("the token in %s has %d characters, and needs %d at least: make one by openssl rand -hex 32", name, len(token), leastToken)
	case len(token) > MaxToken:
		return "", fmt.Errorf("the token in %s is longer than %d characters", name, MaxToken)
	}
	return token, nil
}
