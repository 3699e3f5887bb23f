package server

import (
	"encoding/json"
	"fmt"
	"os"
	"syscall"
	"time"
)

// Role is Payload.Role of a child: other workers of zygotes have other roles.
const Role = "cgi"

// Payload is what a child is forked with. Its descriptors are the listening socket and the end of a pipe to which
// nobody writes: when that ends, the child is to finish its request and go.
type Payload struct {
	Role     string
	Settings Settings
}

// Encode returns the payload's bytes, for lifecycle.Worker.
func (p Payload) Encode() ([]byte, error) {
	p.Role = Role
	return json.Marshal(p)
}

// Decode reads what Encode made.
func Decode(payload []byte) (p Payload, err error) {
	err = json.Unmarshal(payload, &p)
	return p, err
}

// Say writes a line to standard error.
func Say(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "phpsapi cgi: "+format+"\n", args...)
}

// describe returns how a child ended, as the rest of a sentence.
func describe(status syscall.WaitStatus) string {
	if !status.Signaled() {
		return fmt.Sprintf("ended with status %d", status.ExitStatus())
	}
	text := fmt.Sprintf("was ended by signal %d (%v)", int(status.Signal()), status.Signal())
	if status.CoreDump() {
		text += ", core dumped"
	}
	return text
}

func sayDeath(pid int, status syscall.WaitStatus, pause time.Duration) {
	if pause > 0 {
		Say("child %d %s; another takes its place in %v", pid, describe(status), pause)
		return
	}
	Say("child %d %s; another takes its place", pid, describe(status))
}

// complaint is what was said of a process that could not be started, which may be tried often.
type complaint struct {
	text string
	at   time.Time
}

// complaintPause is how long the same complaint is not repeated.
const complaintPause = time.Minute

func (c *complaint) say(err error, pause time.Duration) {
	if err.Error() == c.text && time.Since(c.at) < complaintPause {
		return
	}
	c.text, c.at = err.Error(), time.Now()
	Say("%v; it is tried again in %v, and after at most %v each time", err, pause, longestPause)
}
